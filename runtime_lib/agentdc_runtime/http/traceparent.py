"""W3C trace context: what a caller sends, and what is sent on (spec 03 §4.1-4.2). Links nothing but `os`."""

from __future__ import annotations

import os

_HEX = frozenset("0123456789abcdef")


def parse(header: str) -> tuple[str, str, str, str] | None:
    """(version, trace id, parent id, flags) in lower case, or None for anything that does not count."""
    parts = header.strip().lower().split("-", 4)
    if len(parts) < 4 or not all(map(_is_hex, parts, (2, 32, 16, 2))):
        return None
    version, trace_id, parent_id, flags = parts[:4]
    # `ff` is reserved; what later versions may append is not known here, and none of it in version 00.
    if version == "ff" or (version == "00" and len(parts) > 4):
        return None
    if not (trace_id.strip("0") and parent_id.strip("0")):
        return None
    return version, trace_id, parent_id, flags


def outgoing(context: tuple[str, str, str, str]) -> str:
    """What the requests of one run carry: the caller's trace with a span id of the run's own."""
    version, trace_id, _, flags = context
    span = os.urandom(8)
    while not any(span):
        span = os.urandom(8)
    return f"{version}-{trace_id}-{span.hex()}-{flags}"


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and _HEX.issuperset(text)
