"""What log lines are written to: a standard stream or a file (spec 03 §2.1). Links `errors` and `lines`.

Every line is one write to a descriptor opened for appending, so lines of several processes do not mix. What
a line says is not known here.
"""

from __future__ import annotations

import os
import time

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.observe.lines import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Sink: TypeAlias = "Stream | File"

_NAMES = {"daily": ".%Y-%m-%d", "hourly": ".%Y-%m-%d-%H", "minutely": ".%Y-%m-%d-%H-%M"}


class SinkError(ConfigError):
    """A log that cannot be opened at start (exit 5)."""


class Stream:
    """A standard stream by its descriptor (1 or 2); never closed."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, line: bytes, now: float) -> OSError | None:  # noqa: ARG002 - the same call as a file's
        """Write one line; the error when it is not written, for the caller to report or to ignore."""
        return _write_all(self._descriptor, line)

    def close(self) -> None:
        """Does nothing: the stream belongs to the process."""


class File:
    """A file that lines are appended to, with names by UTC period under `rotation`.

    Parents are created. A file that was moved or deleted is opened again at the next line, so that external
    rotation needs no signal. The mode follows the umask: who may read a log is the operator's choice.
    """

    __slots__ = ("_descriptor", "_name", "_path", "_rotation")

    def __init__(self, path: str, rotation: str, now: float) -> None:
        """Open the file; SinkError with the path and the reason when that fails."""
        if rotation in _NAMES and os.path.basename(path) in ("", ".", ".."):
            raise SinkError(f"log target `file:{path}` has no file name to rotate")
        self._path = os.path.abspath(path)  # a later change of the working directory must not move the log
        self._rotation = rotation
        self._name = self._name_at(now)
        try:
            self._descriptor = _opened(self._name)
        except OSError as error:
            raise SinkError(f"cannot open log file {path}: {error.strerror or error}") from None

    def write(self, line: bytes, now: float) -> OSError | None:
        """Append one line; the error when it is not written, for the caller to report or to ignore."""
        name = self._name_at(now)
        if name != self._name or not self._in_place():
            error = self._reopen(name)
            # When the next period cannot begin, the last one's file is better than losing lines.
            if error is not None and not self._in_place():
                return error
        return _write_all(self._descriptor, line)

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _name_at(self, now: float) -> str:
        if self._rotation not in _NAMES:
            return self._path
        return self._path + time.strftime(_NAMES[self._rotation], time.gmtime(now))

    def _in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._name), os.fstat(self._descriptor))
        except OSError:
            return False

    def _reopen(self, name: str) -> OSError | None:
        try:
            descriptor = _opened(name)
        except OSError as error:
            return error
        self.close()
        self._descriptor, self._name = descriptor, name
        return None


def tell(program: str, message: str) -> None:
    """Write a diagnostic about logging itself on stderr, as `<program>: <message>`."""
    Stream(2).write(printable(f"{program}: {message}").encode("utf-8", "backslashreplace") + b"\n", 0)


def _opened(path: str) -> int:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)


def _write_all(descriptor: int, line: bytes) -> OSError | None:
    try:
        while line:
            line = line[os.write(descriptor, line) :]
    except OSError as error:
        return error
    return None
