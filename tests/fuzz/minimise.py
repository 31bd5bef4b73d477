"""The smallest text that still fails in the same way: lines first, then bytes; halves first, then less."""

from __future__ import annotations

import time
from collections.abc import Callable


def smallest(data: bytes, fails: Callable[[bytes], bool], seconds: float = 60) -> bytes:
    """A part of `data` for which `fails` still holds; what was found when the time is up."""
    until = time.monotonic() + seconds
    lines = _reduced(data.splitlines(keepends=True), lambda parts: fails(b"".join(parts)), until)
    data = b"".join(lines)
    letters = [data[at : at + 1] for at in range(len(data))]
    return b"".join(_reduced(letters, lambda parts: fails(b"".join(parts)), until))


def _reduced(parts: list[bytes], fails: Callable[[list[bytes]], bool], until: float) -> list[bytes]:
    size = max(1, len(parts) // 2)
    while parts and time.monotonic() < until:
        at, shorter = 0, False
        while at < len(parts) and time.monotonic() < until:
            rest = parts[:at] + parts[at + size :]
            if fails(rest):
                parts, shorter = rest, True
            else:
                at += size
        if size == 1 and not shorter:
            break
        size = size if shorter and size == 1 else max(1, size // 2)
    return parts
