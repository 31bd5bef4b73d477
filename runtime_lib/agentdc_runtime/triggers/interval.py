"""A fixed delay between runs, on the monotonic clock (spec 02 §10.3). Links asyncio through `loop`."""

from __future__ import annotations

from agentdc_runtime.triggers.loop import ended, scheduled

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio

    from agentdc_runtime.triggers.loop import Emit, Fire


class IntervalTrigger:
    """A start node and the seconds between the end of one run and the begin of the next."""

    kind = "interval"

    __slots__ = ("every_seconds", "start_node")

    def __init__(self, *, start_node: str, every_seconds: int) -> None:
        self.start_node = start_node
        self.every_seconds = every_seconds

    def prepare(self) -> None:
        """Nothing can be wrong: the compiler has read the period."""

    async def follow(self, fire: Fire, emit: Emit, ending: asyncio.Event) -> None:
        """Fire until `ending`; a run in progress then still finishes."""
        tick = 0
        while not await ended(ending, self.every_seconds):
            tick += 1
            await scheduled(self, fire, emit, tick, {"every_ms": self.every_seconds * 1000})
