"""Copies of a state database: made while it is in use, and put in its place while it is not (spec 04 §4.1, §4.5).

Links `sqlite3`. A copy is complete or not there: it is written under another name, synced, and renamed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time

from agentdc_runtime.state.database import connect, problems, refuse_newer, version_of
from agentdc_runtime.state.fault import UNUSABLE, StoreError, fault_of, of_system
from agentdc_runtime.state.place import NAME
from agentdc_runtime.state.settings import Settings

KEPT = 7
FILES = (NAME, f"{NAME}-wal", f"{NAME}-shm")


def backup(source: str, target: str) -> int:
    """Copy a database that may be in use; bytes of the copy. StoreError; nothing is overwritten."""
    if os.path.lexists(target):
        raise StoreError(f"{target} is there already, and a backup overwrites nothing", "state_exists")
    making = f"{target}.{os.getpid()}"
    try:
        os.close(os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _copy(source, making)
        synced(making)
        os.rename(making, target)
        synced(os.path.dirname(os.path.abspath(target)))
        return os.path.getsize(target)
    except sqlite3.Error as error:
        folder = os.path.dirname(os.path.abspath(target))
        raise StoreError(f"{target}: {error}", f"state_{fault_of(error, folder) or UNUSABLE}") from error
    except OSError as error:
        raise StoreError(f"{target}: {error.strerror}", f"state_{of_system(error)}") from error
    finally:
        for each in (making, f"{making}-journal"):
            if os.path.lexists(each):
                os.unlink(each)


def _copy(source: str, making: str) -> None:
    """In one piece: a copy in steps would begin again whenever somebody writes."""
    there = connect(source, Settings())
    try:
        copy = sqlite3.connect(making, isolation_level=None)
        try:
            there.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
        finally:
            copy.close()
    finally:
        there.close()


def rotate(source: str, folder: str, now: float) -> str:
    """Make a backup in a folder, named by the time, and keep the last few; its path. StoreError."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        path = _free_name(os.path.join(folder, f"state-{stamp}"), ".db")
        backup(source, path)
        made = sorted(
            each for each in os.listdir(folder) if each.startswith("state-") and each.endswith(".db")
        )
        others = [each for each in made if os.path.join(folder, each) != path]
        for each in others[: max(0, len(made) - KEPT)]:  # never the one just made, whatever the clock says
            os.unlink(os.path.join(folder, each))
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}", f"state_{of_system(error)}") from error
    return path


def set_aside(folder: str, why: str, now: float) -> str:
    """Copy the files of the database, as they are, to a folder beside them; its path. OSError."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    aside = _free_name(os.path.join(folder, f"{NAME}.{why}-{stamp}"), "")
    os.mkdir(aside, 0o700)
    for name in FILES:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            shutil.copy2(path, os.path.join(aside, name))
            synced(os.path.join(aside, name))
    synced(aside)
    synced(folder)
    return aside


def put_in_place(folder: str, ready: str) -> None:
    """Make a finished file the database: the log of the old one goes first, for it belongs to no other. OSError."""
    synced(ready)
    for name in FILES[1:]:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.unlink(path)
    os.rename(ready, os.path.join(folder, NAME))
    synced(folder)


def restore(folder: str, source: str, now: float) -> str | None:
    """Put a backup in place of the database, which nobody uses; where the old one was set aside. StoreError."""
    if not os.path.isfile(source):
        raise StoreError(f"{source}: no such file", "state_not_found")
    ready = os.path.join(folder, f"{NAME}.restoring")
    try:
        shutil.copyfile(source, ready)
        os.chmod(ready, 0o600)
        _judge(ready, source)
        aside = set_aside(folder, "replaced", now) if os.path.exists(os.path.join(folder, NAME)) else None
        put_in_place(folder, ready)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}", f"state_{of_system(error)}") from error
    finally:
        if os.path.exists(ready):
            os.unlink(ready)
    return aside


def _judge(path: str, source: str) -> None:
    """StoreError when a file is no sound state database of a version that this app knows."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        damage = problems(connection, full=True)
        if damage:
            raise StoreError(f"{source}: {damage[0]}", "state_corrupt")
        version = version_of(connection)
        if not version:
            raise StoreError(f"{source} is no state database", "state_corrupt")
        refuse_newer(version, source)
    finally:
        connection.close()


def _free_name(stem: str, suffix: str) -> str:
    """A name that nothing has yet; two may be made in one second, or the clock be set back."""
    number, name = 1, f"{stem}{suffix}"
    while os.path.lexists(name):
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def synced(path: str) -> None:
    """Have a file or folder written to the disk; OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
