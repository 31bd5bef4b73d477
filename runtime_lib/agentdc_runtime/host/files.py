"""Reading, writing and making folders, with and without a policy. Imports `os`, `errno` and `stat`, all built in.

`pinned` means: the path was resolved by a policy check and must be reached exactly as it is spelled. Each part is
opened from the folder before it, without following links, so whoever swaps a folder for a link between the check
and the use gets a LinkInPath error instead of a file elsewhere. This needs no second resolving and has no window:
the folders are held open while they are used. Files moved about inside allowed folders are not our concern.

Decides nothing about policy and names no node; errors are OSError, or ValueError for a path with a NUL. (`try` with
`pass` stands where contextlib would have to be imported.)
"""

from __future__ import annotations

import errno
import os
import stat

# Linux can hold a folder that it may pass but not list; elsewhere it must be readable.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# The folder takes no new entry, or the file is a mount point of its own: then only writing in place is left.
_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)


class LinkInPath(OSError):
    """A part of a pinned path is a symbolic link."""


def os_reason(error: OSError | ValueError) -> str:
    """The system's words for the error ("No such file or directory"), without its number and file names."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def read_bytes(path: str, *, pinned: bool) -> bytes:
    """The whole file, of any size."""
    if not pinned:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    folder, name = os.path.split(path)
    holder = _reach(folder, make=False)

    def opener(each: str, flags: int) -> int:
        return _open_in(holder, each, flags)

    try:
        # By an opener, as `open` leaks a descriptor handed to it when that turns out to be a folder.
        with open(name or ".", "rb", buffering=0, opener=opener) as file:
            return file.readall()
    finally:
        os.close(holder)


def write_file(path: str, data: bytes, *, pinned: bool) -> None:
    """The file holds `data` afterwards; missing folders above it are made.

    The old content is replaced as a whole (`write_atomic`). Where only the file itself may be written, and for
    devices and pipes, it is overwritten in place.
    """
    folder, name = os.path.split(path)
    if name in ("", ".", ".."):
        code = errno.EISDIR if path else errno.ENOENT
        raise OSError(code, os.strerror(code))
    if pinned:
        holder = _reach(folder, make=True)
        try:
            _put(name, data, holder)
        finally:
            os.close(holder)
        return
    if folder and not os.path.isdir(folder):
        make_folder(folder, pinned=False)
    _put(path, data, None)


def write_atomic(path: str, data: bytes, mode: int | None = None, *, dir_fd: int | None = None) -> None:
    """Replace the file as a whole: a reader sees the old content or the new, also after a crash.

    Written beside it under a name of its own, flushed to the disk, renamed; nothing stays behind on failure. A
    link at `path` is kept and the file it leads to is replaced. `mode`: exact permission bits; None keeps those
    of the file that is there, else what the umask leaves of 0o666. With `dir_fd`, `path` is a name in that
    folder, and a link there is refused.
    """
    if dir_fd is None and os.path.islink(path):
        path = os.path.realpath(path)
    there = _status(path, dir_fd) if mode is None else None
    plain = mode is None and there is None
    beside = os.path.join(os.path.dirname(path), f".{os.getpid():x}-{os.urandom(6).hex()}.tmp")
    fd = os.open(beside, _CREATE, 0o666 if plain else 0o600, dir_fd=dir_fd)
    try:
        try:
            if there is not None:
                _take_after(fd, there)
            elif mode is not None:
                os.fchmod(fd, mode)
            _write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(beside, path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    except BaseException:
        _unlink(beside, dir_fd)
        raise


def make_folder(path: str, *, pinned: bool) -> None:
    """The folder and those above it exist afterwards; one that is there already is fine."""
    if pinned:
        os.close(_reach(path, make=True))
        return
    missing = []
    here = path
    while not os.path.isdir(here):
        try:
            os.mkdir(here)
        except FileNotFoundError:
            above = os.path.dirname(here.rstrip("/"))
            if not above:
                raise
            missing.append(here)
            here = above
    # A loop and not os.makedirs, whose recursion a path of a thousand parts would exhaust.
    for each in reversed(missing):
        if not os.path.isdir(each):
            os.mkdir(each)


def _reach(path: str, *, make: bool) -> int:
    """A descriptor of the folder at an absolute path, reached part by part without following a link."""
    fd = os.open("/", _FOLDER)
    for name in path.split("/"):
        if name:
            above = fd
            try:
                fd = _enter(above, name, make=make)
            finally:
                os.close(above)
    return fd


def _enter(above: int, name: str, *, make: bool) -> int:
    try:
        return _open_in(above, name, _FOLDER)
    except FileNotFoundError:
        if not make:
            raise
    try:  # noqa: SIM105
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        pass  # made by someone else meanwhile; if it is no folder, opening it says so
    return _open_in(above, name, _FOLDER)


def _open_in(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        # Which error a link gives depends on the flags and on the system.
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            _status(name, folder)
        raise


def _status(name: str, dir_fd: int | None) -> os.stat_result | None:
    """What is there, or None; a link in a held folder is refused."""
    try:
        status = os.stat(name, dir_fd=dir_fd, follow_symlinks=dir_fd is None)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(status.st_mode):
        raise LinkInPath(errno.ELOOP, os.strerror(errno.ELOOP))
    return status


def _put(path: str, data: bytes, dir_fd: int | None) -> None:
    there = _status(path, dir_fd)
    if there is None:
        write_atomic(path, data, dir_fd=dir_fd)
        return
    if stat.S_ISREG(there.st_mode):
        # Renaming would not ask the file itself, and a read-only file is meant to stay as it is.
        if not os.access(path, os.W_OK, dir_fd=dir_fd):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        try:
            write_atomic(path, data, dir_fd=dir_fd)
        except OSError as error:
            if error.errno not in _IN_PLACE:
                raise
        else:
            return
    _overwrite(path, data, dir_fd)


def _overwrite(path: str, data: bytes, dir_fd: int | None) -> None:
    follow = os.O_NOFOLLOW if dir_fd is not None else 0
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | follow, dir_fd=dir_fd)
    try:
        _write_all(fd, data)
    finally:
        os.close(fd)


def _take_after(fd: int, there: os.stat_result) -> None:
    """Owner, where we may give files away, and permission bits, without set-id bits, of the file replaced."""
    if (there.st_uid, there.st_gid) != (os.geteuid(), os.getegid()):
        try:  # noqa: SIM105
            os.fchown(fd, there.st_uid, there.st_gid)
        except PermissionError:
            pass
    os.fchmod(fd, stat.S_IMODE(there.st_mode) & 0o777)


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _unlink(path: str, dir_fd: int | None) -> None:
    try:  # noqa: SIM105
        os.unlink(path, dir_fd=dir_fd)
    except OSError:
        pass
