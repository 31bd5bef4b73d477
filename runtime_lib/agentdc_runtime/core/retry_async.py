"""Retry in apps that await: as `retry`, without blocking the other runs of the process. Links asyncio."""

from __future__ import annotations

import asyncio
from time import monotonic

from agentdc_runtime.core.retry import SLICE, Retry, resume_at
from agentdc_runtime.errors import AgentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from agentdc_runtime.core.run import Run

    Result = TypeVar("Result")

__all__ = ["Retry", "attempt"]


async def attempt(run: Run, retry: Retry, action: Callable[[], Awaitable[Result]]) -> Result:
    """The result of `action`, tried again after errors that `retry` covers."""
    made = 1
    while True:
        try:
            return await action()
        except AgentError as error:
            until = resume_at(run, retry, made, error)
            while not run.stop_signal and (left := until - monotonic()) > 0:
                await asyncio.sleep(min(left, SLICE))
            if run.stop_signal:
                raise
            made += 1
