"""Small disks of their own, to be filled and broken: tests skip where mounting is not allowed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_ADMIN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def _run(*words: str | Path) -> str:
    """A command of the system; the test is skipped when it is refused or not there."""
    command = [str(each) for each in words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={"PATH": _ADMIN_PATH, "LANG": "C"}
        )
    except OSError as error:
        pytest.skip(f"{command[0]}: {error.strerror}")
    if done.returncode:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """An empty disk in memory."""
    folder.mkdir(parents=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "none", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, env={"PATH": _ADMIN_PATH})


@contextmanager
def breakable_disk(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A disk in a file, and what to write to so that its file system meets an error and turns read-only."""
    image = folder.with_suffix(".image")
    folder.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(16 * 2**20)
    _run("mkfs.ext4", "-q", "-m", "0", image)
    _run("mount", "-o", "loop,errors=remount-ro", image, folder)
    try:
        device = Path(_run("findmnt", "-no", "SOURCE", folder)).name
        trigger = Path("/sys/fs/ext4") / device / "trigger_fs_error"
        if not trigger.exists():
            pytest.skip("this kernel cannot be told to find an error in a file system")
        folder.chmod(0o700)
        yield folder, trigger
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, env={"PATH": _ADMIN_PATH})


def fill(folder: Path) -> Path:
    """Take all space that is left; the file that holds it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
        try:  # noqa: SIM105 - what does not fit is what this is for
            os.fsync(file.fileno())
        except OSError:
            pass
    return ballast
