"""The event loop of apps that serve: uvloop where it is installed, else that of the standard library."""

from __future__ import annotations

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any, TypeVar

    T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a loop of its own."""
    try:
        import uvloop
    except ImportError:  # a zipapp holds no native code, and not every platform has it
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
