"""Values that are read afresh at each use: environment variables and files (spec 02 §6.2). Imports `os`."""

from __future__ import annotations

import os

from agentdc_runtime.host.files import os_reason
from agentdc_runtime.secrets.errors import SecretError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 1 << 20  # of a file, of a command's output, of an answer: more is no secret but a mistake


def from_environment(name: str, variable: str, environ: Mapping[str, str]) -> str:
    """The value of `variable` as it is; SecretError of `name` when it is not set, blank or not text."""
    value = environ.get(variable)
    if value is None:
        raise SecretError(name, f"the environment variable {variable} is not set")
    if not value.strip():
        raise SecretError(name, f"the environment variable {variable} is blank")
    if not _is_text(value):
        raise SecretError(name, f"the environment variable {variable} is not UTF-8 text")
    return value


def from_file(name: str, path: str, *, trim: bool) -> str:
    """The file's text; with `trim` without the blanks and line ends after it."""
    try:
        data = _read(path)
    except (OSError, ValueError) as error:
        raise SecretError(name, f"cannot read {path}: {os_reason(error)}") from None
    if len(data) > MAX_BYTES:
        raise SecretError(name, f"{path} is larger than 1 MiB")
    value = as_text(data)
    if value is None:
        raise SecretError(name, f"{path} is not UTF-8 text")
    value = value.rstrip() if trim else value
    if not value:
        raise SecretError(name, f"{path} is empty")
    return value


def as_text(data: bytes) -> str | None:
    """The bytes as text; None instead of an error that would hold them."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _read(path: str) -> bytes:
    """At most one byte more than is allowed; a pipe that nobody writes to counts as empty instead of blocking."""

    def opener(each: str, flags: int) -> int:
        return os.open(each, flags | os.O_NONBLOCK)

    # By an opener, as `open` leaks a descriptor handed to it when that turns out to be a folder.
    with open(path, "rb", buffering=0, opener=opener) as file:
        data = bytearray()
        while len(data) <= MAX_BYTES and (chunk := file.read(MAX_BYTES + 1 - len(data))):
            data += chunk
    return bytes(data)


def _is_text(value: str) -> bool:
    """False for bytes that are not UTF-8, which stand in the string as surrogates."""
    return not any("\ud800" <= each <= "\udfff" for each in value)
