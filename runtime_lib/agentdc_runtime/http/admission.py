"""How many runs are in flight, and who waits for a turn: in order of arrival. Links asyncio.

Apart from the bound on connections, so that an idle or slow one never takes the place of a run (design, serve mode).
"""

from __future__ import annotations

import asyncio
from collections import deque


class Admission:
    """At most `most` at once."""

    __slots__ = ("_free", "_waiting", "inside")

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.inside = 0

    async def enter(self, seconds: float | None) -> bool:
        """Wait for a turn, at most so long, None for ever; False when none came. Whoever enters must leave."""
        if self._free and not self._waiting:
            self._free -= 1
            self.inside += 1
            return True
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await asyncio.wait_for(turn, seconds)
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the turn came at the same moment: pass it on
            raise
        return True

    def leave(self) -> None:
        """Give the turn to the one that has waited longest."""
        self.inside -= 1
        self._free += 1
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._free -= 1
                self.inside += 1
                turn.set_result(None)
                return
