"""Where the files of a workflow come from: the disk, or any function that gives the bytes of a path.

The checker's side of the driver reads children, schemas, signatures and keys through one `Files`, so that a tree in
memory or an old revision is checked exactly like a folder. Nothing here knows what the files mean.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from agentdc.driver.files import contents

Read = Callable[[str], bytes]
"""The bytes of a path as written, relative to the working directory; OSError when there are none."""


class Files(Protocol):
    """What the driver asks of a tree of files. Paths are as written: relative to a working directory, or absolute."""

    def read(self, path: str) -> bytes:
        """The bytes of a file; OSError or ValueError when there are none to have."""

    def exists(self, path: str) -> bool:
        """Whether something is at the path, readable or not. Never raises."""

    def is_plain(self, path: str) -> bool:
        """Whether a regular file is there, which is read without waiting for anybody. Never raises."""

    def identity(self, path: str) -> str:
        """A name that is the same for two paths to one file."""


class Disk:
    """The files of this machine."""

    def read(self, path: str) -> bytes:
        """The bytes of a file, at most `files.LARGEST` of them."""
        return contents(path)

    def exists(self, path: str) -> bool:
        """Whether something is at the path; not Path.exists, which raises for a name that no file system takes."""
        try:
            os.stat(path)  # noqa: PTH116 - as above
        except PermissionError:  # it may be there; reading it tells why that fails
            return True
        except (OSError, ValueError):
            return False
        return True

    def is_plain(self, path: str) -> bool:
        """Whether it is no folder, pipe or device."""
        try:
            return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - as above
        except (OSError, ValueError):
            return False

    def identity(self, path: str) -> str:
        """The path without links."""
        return os.path.realpath(path)


class Given:
    """Files that a function gives; each is asked for once. It has no links that we could see."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[str, bytes | OSError | ValueError] = {}

    def read(self, path: str) -> bytes:
        """The bytes that the function gives for a path, or the OSError or ValueError that it raises."""
        found = self._known.get(path)
        if found is None:
            try:
                found = self._read(path)
            except (OSError, ValueError) as problem:
                found = problem
            self._known[path] = found
        if isinstance(found, bytes):
            return found
        raise found

    def exists(self, path: str) -> bool:
        """Whether the function gives it, or says more of it than that it is not there."""
        try:
            self.read(path)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False
        except OSError:
            return True
        return True

    def is_plain(self, path: str) -> bool:
        """As `exists`: the function has nothing else."""
        return self.exists(path)

    def identity(self, path: str) -> str:
        """The path without `.` and `..`."""
        return posixpath.normpath(path)


class Once:
    """Other files, each read once: what was judged is what is used, whatever happens to it meanwhile."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._known: dict[str, bytes] = {}

    def read(self, path: str) -> bytes:
        """As the others do; the same bytes every time."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = self._files.read(path)
        return found

    def exists(self, path: str) -> bool:
        """As the others say."""
        return self._files.exists(path)

    def is_plain(self, path: str) -> bool:
        """As the others say."""
        return self._files.is_plain(path)

    def identity(self, path: str) -> str:
        """As the others say."""
        return self._files.identity(path)


def nothing(path: str) -> bytes:
    """A tree without files."""
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


DISK = Disk()


def find(files: Files, name: str, source: str) -> str:
    """The path of a file that the workflow at `source` names: from the working directory, then beside it."""
    beside = str(Path(source).parent / name)
    return beside if files.exists(beside) and not files.exists(name) else name
