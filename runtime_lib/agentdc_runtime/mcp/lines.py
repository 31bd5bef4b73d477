"""Bytes to lines, in bounded memory: the framing of MCP over pipes. Links `re`.

A line longer than the limit is not kept. It is told once, with the id of the answer that it is, as far as its
beginning or its end says that beyond doubt, and the rest of it is dropped until the line ends.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TAIL = 128  # bytes kept of the end of a line that is dropped

# Members of the outermost object: the first ones of the text, or the very last one.
_AT_START = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,18})\s*[,}]')
_AT_END = re.compile(rb',\s*"id"\s*:\s*(\d{1,18})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*\Z')


class TooLong:
    """A line beyond the limit. `number`: the id that it answers, if it can be told; `ended`: it is over now."""

    __slots__ = ("ended", "number")

    def __init__(self, number: int | None, *, ended: bool) -> None:
        self.number = number
        self.ended = ended


class Lines:
    """Cuts a stream into lines of at most `limit` bytes. `dropped`: bytes of the line that is being dropped."""

    __slots__ = ("_held", "_limit", "_tail", "dropped")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._tail = b""
        self.dropped = 0

    def feed(self, data: bytes) -> Iterator[bytes | TooLong]:
        """The lines that end in `data`, blank ones left out; a line that became too long, at that moment."""
        *ended, rest = data.split(b"\n")
        for each in ended:
            yield from self._add(each)
            if self.dropped:
                found = _AT_END.search(self._tail)
                yield TooLong(None if found is None else int(found[1]), ended=True)
                self.dropped = 0
                continue
            line = bytes(self._held)
            self._held.clear()
            if line.strip():
                yield line
        yield from self._add(rest)

    def _add(self, data: bytes) -> Iterator[TooLong]:
        if self.dropped:
            self.dropped += len(data)
            self._tail = (self._tail + data)[-_TAIL:]
            return
        self._held += data
        if len(self._held) > self._limit:
            found = _AT_START.match(self._held)
            self.dropped = len(self._held)
            self._tail = bytes(self._held[-_TAIL:])
            self._held.clear()
            yield TooLong(None if found is None else int(found[1]), ended=False)
