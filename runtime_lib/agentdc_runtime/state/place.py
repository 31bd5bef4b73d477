"""The folder of a state database: made, owned by us, closed to others, on a disk that can hold it (spec 04 §1, §4.1).

Every process that has the database open holds a shared lock on `agent.lock`; who must be alone takes it for itself.
The locks of the database file would not do: any part of a process that closes that file drops them.
"""

from __future__ import annotations

import fcntl
import os
import stat

from agentdc_runtime.state.fault import StoreError, of_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    Emit: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]

NAME = "state.db"
LOCK = "agent.lock"
_WARN = 2
# Where the shared memory that WAL needs is not shared, by the names in /proc/mounts.
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse", "fuseblk", "ceph", "glusterfs"})


def prepare(folder: str, emit: Emit, *, network: bool) -> None:
    """Make the folder fit for a database; StoreError when it cannot be. `network`: one on a network is accepted."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _close_to_others(folder, emit)
    except OSError as error:
        raise StoreError(
            f"state directory {folder}: {error.strerror}", f"state_{of_system(error)}"
        ) from error
    if network:
        return
    kind = network_kind(_mounts(), os.path.realpath(folder))
    if kind is not None:
        message = f"{folder} is on {kind}, where a write-ahead log is not safe; use a local disk"
        raise StoreError(message, "state_network_fs")


def _close_to_others(folder: str, emit: Emit) -> None:
    found = os.stat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise StoreError(f"state directory {folder}: not a directory")
    if found.st_uid != os.geteuid():
        message = f"{folder} belongs to user {found.st_uid}, and this process runs as {os.geteuid()}"
        raise StoreError(message, "state_owner_mismatch")
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_ISVTX:
        message = f"{folder} is a folder that everybody shares; the state needs one of its own"
        raise StoreError(message, "state_owner_mismatch")
    if mode & 0o077:
        os.chmod(folder, mode & 0o700)
        emit(_WARN, "state.permissions_fixed", {"path": folder, "was": f"{mode:o}"})
    for name in (NAME, f"{NAME}-wal", f"{NAME}-shm"):
        path = os.path.join(folder, name)
        try:
            mode = stat.S_IMODE(os.stat(path).st_mode)
        except FileNotFoundError:
            continue
        if mode & 0o077:
            os.chmod(path, mode & 0o600)
            emit(_WARN, "state.permissions_fixed", {"path": path, "was": f"{mode:o}"})


def network_kind(mounts: bytes, place: str) -> str | None:
    """The kind of the network file system that `place` is on; None for a local one, or when nothing is known."""
    kind, longest = "", -1
    for line in mounts.splitlines():
        each = line.split(b" ")
        point = os.fsdecode(each[1].replace(rb"\040", b" "))
        inside = place == point or place.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:
            kind, longest = each[2].decode(), len(point)
    return kind if kind.partition(".")[0] in _NETWORK else None


def _mounts() -> bytes:
    try:
        with open("/proc/self/mounts", "rb") as file:
            return file.read()
    except OSError:
        return b""


class Lock:
    """The lock of a folder, held until `close`. `unclean`: the last one who had it ended without closing.

    While somebody has the database open, the file has a content; the last to close takes it away.
    """

    __slots__ = ("_file", "unclean")

    def __init__(self, folder: str, *, exclusive: bool = False) -> None:
        """`exclusive`: StoreError `state_locked` when another process has the database open."""
        path = os.path.join(folder, LOCK)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}", f"state_{of_system(error)}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.unclean = os.fstat(self._file).st_size > 0
        except OSError:
            self.unclean = False
            if exclusive:
                os.close(self._file)
                message = f"{folder} is in use by another process; stop the agent first"
                raise StoreError(message, "state_locked") from None
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def share(self) -> None:
        """Let others in, and leave the mark of somebody who has it open."""
        fcntl.flock(self._file, fcntl.LOCK_SH)
        try:  # noqa: SIM105 - contextlib costs start time
            os.pwrite(self._file, b"open\n", 0)
        except OSError:
            pass  # a full disk: then the length of the log has to tell

    def close(self, *, clean: bool = False) -> None:
        """Give it up. `clean`: what it protected was closed in order."""
        try:
            if clean:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(self._file, 0)
        except OSError:
            pass  # others still have it open
        finally:
            os.close(self._file)
