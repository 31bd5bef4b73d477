"""Answers to requests that were asked before, in memory and bounded (an extension, off by default). Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.models.message import Reply

MOST_BYTES = 16 << 20  # of all answers of one backend


class Cache:
    """`entries`: how many answers are kept, the least recently used go first. `seconds`: for how long."""

    __slots__ = ("_entries", "_held", "_seconds", "_size")

    def __init__(self, entries: int, seconds: float) -> None:
        self._entries = entries
        self._seconds = seconds
        self._held: dict[bytes, tuple[float, Reply]] = {}
        self._size = 0

    def get(self, key: bytes, now: float) -> Reply | None:
        """The answer that is kept under a key."""
        found = self._held.pop(key, None)
        if found is None:
            return None
        if now - found[0] >= self._seconds:
            self._size -= _size(found[1])
            return None
        self._held[key] = found  # the latest again
        return found[1]

    def put(self, key: bytes, reply: Reply, now: float) -> None:
        """Keep an answer, and forget others until there is room."""
        size = _size(reply)
        if size > MOST_BYTES:
            return
        former = self._held.pop(key, None)
        if former is not None:
            self._size -= _size(former[1])
        self._held[key] = now, reply
        self._size += size
        while len(self._held) > self._entries or self._size > MOST_BYTES:
            self._size -= _size(self._held.pop(next(iter(self._held)))[1])

    def __len__(self) -> int:
        return len(self._held)


def _size(reply: Reply) -> int:
    return 4 * len(reply.content) + 200  # at most: a character of text has four bytes
