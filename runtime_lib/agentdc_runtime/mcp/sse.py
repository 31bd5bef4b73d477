"""Server-sent events to the messages in them: the framing of MCP over HTTP. Links nothing.

list(Events(100).feed(b"event: message\\ndata: {}\\n\\n"))    # [b"{}"]
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Overlong(Exception):
    """An event is longer than the limit."""


class Events:
    """Cuts a stream into events; `limit`: bytes of one of them, beyond which it raises Overlong."""

    __slots__ = ("_data", "_kind", "_limit", "_rest", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._kind = b""
        self._size = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The data of each event that ends in `data`; those of another kind than `message` are left out."""
        self._rest += data
        if b"\n" not in data and len(self._rest) <= self._limit:
            return
        lines = bytes(self._rest).split(b"\n")
        self._rest = bytearray(lines.pop())
        if len(self._rest) > self._limit:
            raise Overlong
        for each in lines:
            found = self._line(each.removesuffix(b"\r"))
            if found is not None:
                yield found

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            data, kind = b"\n".join(self._data), self._kind
            self._data, self._kind, self._size = [], b"", 0
            return data if data and kind in (b"", b"message") else None
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._size += len(value)
            if self._size > self._limit:
                raise Overlong
            self._data.append(value)
        elif name == b"event":
            self._kind = value
        return None
