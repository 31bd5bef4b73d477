"""What an app says outside its log: standard output, lines on standard error, files that flags name.

Costs `lines` to link, and nothing else; `files` is imported to word a failure.
"""

from __future__ import annotations

import os

from agentdc_runtime.jsontext import pretty
from agentdc_runtime.observe.lines import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json

OK, USAGE, FAILED, PAUSED = 0, 2, 5, 7


class Refusal(Exception):
    """The start cannot go on: a message for standard error and the exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def read(path: str, what: str, status: int = USAGE) -> bytes:
    """The content of a file; Refusal, which calls it `what`, when it cannot be read."""
    try:
        return read_plain(path)
    except (OSError, ValueError) as error:
        from agentdc_runtime.host.files import os_reason

        raise Refusal(f"failed to read {what} {path}: {os_reason(error)}", status) from error


def read_plain(path: str) -> bytes:
    """The content of a file; OSError or ValueError."""
    with open(path, "rb") as file:
        return file.read()


def print_out(data: bytes, program: str) -> int:
    """Write to standard output; a reader that is gone or a full disk is an error, never silence."""
    try:
        write_all(1, data)
    except OSError as error:
        from agentdc_runtime.host.files import os_reason

        tell(program, f"could not write to standard output: {os_reason(error)}")
        return FAILED
    return OK


def tell(program: str, message: str) -> None:
    """One line on standard error, behind the program's name."""
    write(2, f"{program}: {printable(message)}\n".encode())


def write(fd: int, data: bytes) -> None:
    """Write to standard error; when that is gone there is nowhere left to tell."""
    try:  # noqa: SIM105 - contextlib costs start time
        write_all(fd, data)
    except OSError:
        pass


def write_all(fd: int, data: bytes) -> None:
    """Write everything; OSError."""
    while data:
        data = data[os.write(fd, data) :]


def line(value: Json) -> bytes:
    """A document as agentd prints it."""
    return f"{pretty(value)}\n".encode()
