"""What can be wrong with a state database, by name (spec 04 §4.4). Imports `errors`; sqlite3 is only looked at.

SQLite reports a full disk in several ways: as such, as a failed write, as shared memory that cannot grow. So where
its code leaves a doubt, the disk itself is asked.
"""

from __future__ import annotations

import errno
import os

from agentdc_runtime.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

FULL, READONLY, CORRUPT, BUSY, UNUSABLE = "full", "readonly", "corrupt", "busy", "unusable"
_BY_CODE = {5: BUSY, 6: BUSY, 8: READONLY, 11: CORRUPT, 13: FULL, 26: CORRUPT}
_DOUBTFUL = frozenset({3, 10, 14, 23})  # SQLITE_PERM, _IOERR, _CANTOPEN, _AUTH
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_LEAVE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_TRIED = 65_536  # bytes that must find room


class StoreError(ConfigError):
    """The database cannot do what it was asked for. `code`: `state_` and the name; the reason says what about."""

    prefix = ""

    def __init__(self, reason: str, code: str = "state_unusable") -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.transient = code == "state_busy"


def fault_of(error: sqlite3.Error, folder: str) -> str | None:
    """The name of what happened; None for a mistake in what was asked, such as a broken constraint."""
    number = getattr(error, "sqlite_errorcode", None)
    if number is None:
        return None
    known = _BY_CODE.get(number & 0xFF)
    if known is not None:
        return known
    return tried(folder) or UNUSABLE if number & 0xFF in _DOUBTFUL else None


def of_system(error: OSError) -> str:
    """The name of what the system refused."""
    if error.errno in _NO_ROOM:
        return FULL
    return READONLY if error.errno in _NO_LEAVE else UNUSABLE


def tried(folder: str) -> str | None:
    """What stops us from writing into a folder, found out by writing; None when nothing does."""
    path = os.path.join(folder, f".try-{os.getpid()}")
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return of_system(error)
    try:
        written = os.write(file, bytes(_TRIED))
        os.fsync(file)
        return None if written == _TRIED else FULL
    except OSError as error:
        return of_system(error)
    finally:
        os.close(file)
        os.unlink(path)
