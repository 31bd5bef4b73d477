"""When a crashed process is started again (spec 04 §2.2): the rules alone, no process and no clock. Links nothing.

    from                 event                          to
    stopped              started                        starting
    starting             ready                          healthy
    starting, healthy    ended, could not be started    restarting after delay(n), or failed when n > max_restarts
    restarting           delay over                     starting, n kept
    any                  stopped                        stopped
    failed, stopped      asked for                      starting, n = 0

n counts crashes in a row: a process that was healthy for the stability window begins at 0 again. The delay doubles
from `base` to `most`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

STOPPED, STARTING, HEALTHY, RESTARTING, FAILED = "stopped", "starting", "healthy", "restarting", "failed"
_MOST_DOUBLINGS = 32


class Rules:
    """The settings of one process; times in seconds. `jitter`: 0 to 0.5 of a delay, either way."""

    __slots__ = ("base", "jitter", "max_restarts", "most", "stable")

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.max_restarts: int = settings["max_restarts"]
        self.base = settings["base_delay_ms"] / 1000
        self.most = max(settings["max_delay_ms"] / 1000, self.base)
        self.stable = float(settings["stability_window_secs"])
        self.jitter = float(settings["jitter"])

    def delay(self, crash: int, chance: float = 0.5) -> float:
        """Seconds before the start that follows this crash, from 1; `chance`: 0 to 1, where in the jitter."""
        plain: float = min(self.base * 2.0 ** min(crash - 1, _MOST_DOUBLINGS), self.most)
        return plain * (1 + self.jitter * (2 * chance - 1))


class Restarts:
    """Where a process is in the table above. `crashes`: n. `last_error`: why it ended the last time."""

    __slots__ = ("_rules", "_since", "crashes", "last_error", "state", "total")

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._since = 0.0
        self.state = STOPPED
        self.crashes = 0
        self.total = 0
        self.last_error = ""

    def starting(self, *, asked: bool = False) -> None:
        """A process is being started; `asked`: by a person or a first use, so that nothing is held against it."""
        if asked:
            self.crashes = 0
        elif self.state == RESTARTING:
            self.total += 1
        self.state = STARTING

    def ready(self, now: float) -> None:
        """It answers."""
        if self.state == STARTING:
            self.state, self._since = HEALTHY, now

    def crashed(self, why: str, now: float, chance: float = 0.5) -> float | None:
        """It ended without being asked to; seconds until it is started again, None when it is not."""
        if self.state == HEALTHY and now - self._since >= self._rules.stable:
            self.crashes = 0
        self.crashes += 1
        self.last_error = why
        if self.crashes > self._rules.max_restarts:
            self.crashes = self._rules.max_restarts
            self.state = FAILED
            return None
        self.state = RESTARTING
        return self._rules.delay(self.crashes, chance)

    def stopped(self) -> None:
        """It was told to end."""
        self.state = STOPPED
