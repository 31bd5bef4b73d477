"""`<app> emit NAME [--input FILE]`: an event for the app that runs, and what became of it. Links `triggers.place`.

Exit status 0 when every run that it began completed, 5 when one did not, 2 when nobody listens or the words are
wrong.
"""

from __future__ import annotations

import os

from agentdc_runtime.host.console import FAILED, OK, USAGE, Refusal, line, print_out, read
from agentdc_runtime.jsontext import JsonError, compact, loads
from agentdc_runtime.triggers.place import event_socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CHUNK = 65_536


def emit(argv: list[str], program: str) -> int:
    """`argv`: what follows `emit`; prints the answer, an object with `ok`, and `runs` or `error`."""
    name, path = _words(argv)
    payload = None if path is None else _payload(path)
    answer = _asked(event_socket(os.environ), {"event": name, "payload": payload})
    status = print_out(line(answer), program)
    if status != OK:
        return status
    return OK if answer.get("ok") is True else FAILED if "runs" in answer else USAGE


def _words(argv: list[str]) -> tuple[str, str | None]:
    if len(argv) == 1 and argv[0].strip() and not argv[0].startswith("-"):
        return argv[0], None
    if len(argv) == 3 and argv[1] in ("--input", "-i"):
        return argv[0], argv[2]
    raise Refusal("`emit` takes the name of an event, and `--input FILE` for its payload", USAGE)


def _payload(path: str) -> Any:
    data = read("/dev/stdin" if path == "-" else path, "the payload")
    try:
        return loads(data.decode())
    except (JsonError, UnicodeDecodeError):
        raise Refusal(f"the payload {path} is not JSON", USAGE) from None


def _asked(place: str, event: dict[str, Any]) -> dict[str, Any]:
    import socket

    with socket.socket(socket.AF_UNIX) as peer:
        try:
            peer.connect(place)
            peer.sendall(f"{compact(event)}\n".encode())
            found = bytearray()
            while part := peer.recv(_CHUNK):
                found += part
        except OSError as error:
            reason = error.strerror or str(error)
            raise Refusal(f"no app answers events at {place}: {reason}", USAGE) from None
    try:
        answer = loads(found.decode())
    except (JsonError, UnicodeDecodeError):
        raise Refusal(f"the app at {place} ended without an answer", FAILED) from None
    return answer if isinstance(answer, dict) else {}
