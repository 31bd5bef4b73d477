"""What the loops of schedules and watches share (spec 02 §10.1). Links asyncio.

The runs of one trigger are serial and never overlap. One that fails is told, and the loop goes on.
"""

from __future__ import annotations

import asyncio
import time
from time import monotonic

from agentdc_runtime.errors import AgentError, InternalError
from agentdc_runtime.observe.log import ERROR, INFO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, Protocol, TypeAlias

    Fire: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[str]]
    Emit: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]

    class Scheduled(Protocol):
        """A trigger with a clock."""

        kind: str
        start_node: str


async def scheduled(trigger: Scheduled, fire: Fire, emit: Emit, tick: int, more: dict[str, Any]) -> None:
    """One run of a schedule, told before and after."""
    start = trigger.start_node
    emit(INFO, "cron.fire", {"kind": trigger.kind, "start_node": start, "tick": tick})
    began = monotonic()
    payload = {"kind": trigger.kind, **more, "fired_at_unix_ms": int(time.time() * 1000), "tick": tick}
    try:
        status = await fire(start, payload)
    except Exception as error:  # noqa: BLE001 - whatever it is, the schedule goes on
        told = error if isinstance(error, AgentError) else InternalError(error)
        emit(ERROR, "cron.error", {"start_node": start, "tick": tick, "reason": told.display})
        return
    elapsed = int((monotonic() - began) * 1000)
    fields = {"start_node": start, "tick": tick, "status": status, "elapsed_ms": elapsed}
    emit(INFO, "cron.completed", fields)


async def ended(ending: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until the end; whether it is the end."""
    await wait(ending, seconds)
    return ending.is_set()


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, at most so long."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
