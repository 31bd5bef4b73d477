"""Signals of serve mode (spec 02 §1.8, §9.1). Links asyncio."""

from __future__ import annotations

import signal
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

SECOND_SIGNAL = 0.5  # seconds; a frozen app's loader passes on a signal that its group has had already


class Signals:
    """SIGTERM and SIGINT ask for a drain, a later second one for the end at once; SIGHUP for a reload."""

    def __init__(self) -> None:
        self.first = 0.0
        self.forced = False
        self.reload = False
        self._wake: Callable[[], object] = lambda: None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGHUP, self._again)

    def attach(self, events: asyncio.AbstractEventLoop, wake: Callable[[], object]) -> None:
        """From now on the loop hears of signals, and calls `wake`."""
        self._wake = wake
        for number in (signal.SIGTERM, signal.SIGINT):
            events.add_signal_handler(number, self._end)
        events.add_signal_handler(signal.SIGHUP, self._again)
        if self.first or self.reload:
            wake()

    def _end(self, *_: object) -> None:
        now = monotonic()
        if not self.first:
            self.first = now
        elif now - self.first > SECOND_SIGNAL:
            self.forced = True
        self._wake()

    def _again(self, *_: object) -> None:
        self.reload = True
        self._wake()
