"""Retry with linear back-off and jitter (spec 01 §2.4). Imports `time` and `os`; nothing else of the runtime."""

from __future__ import annotations

import os
from time import monotonic, sleep

from agentdc_runtime.errors import AgentError, PolicyError, TimeoutExceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.observe.log import Fields

    Result = TypeVar("Result")

_MAX_MS = 2**63 - 1
SLICE = 0.1  # seconds; a signal is noticed this soon while waiting


class Retry:
    """How a node is retried: attempts in total, back-off in milliseconds, errors that may pass only, jitter."""

    __slots__ = ("backoff_ms", "jitter", "max_attempts", "transient")

    def __init__(self, max_attempts: int, backoff_ms: int, *, transient: bool, jitter: float) -> None:
        self.max_attempts = max_attempts
        self.backoff_ms = backoff_ms
        self.transient = transient
        self.jitter = jitter


def attempt(run: Run, retry: Retry, action: Callable[[], Result]) -> Result:
    """The result of `action`, tried again after errors that `retry` covers; a policy denial is never retried."""
    made = 1
    while True:
        try:
            return action()
        except AgentError as error:
            until = resume_at(run, retry, made, error)
            while not run.stop_signal and (left := until - monotonic()) > 0:
                sleep(min(left, SLICE))
            if run.stop_signal:
                raise
            made += 1


def resume_at(run: Run, retry: Retry, made: int, error: AgentError) -> float:
    """When the next attempt may begin, on the monotonic clock; raises when there is to be none."""
    if made >= retry.max_attempts or not covers(retry, error) or run.stop_signal:
        raise error
    wait = max(wait_ms(retry, made, uniform()), error.wait_ms)
    until = monotonic() + wait / 1000
    if until > run.deadline:
        raise TimeoutExceeded(f"{duration(wait)}: no time left to retry after: {error.display}") from error
    if run.journal is not None:
        run.journal.retried(_event(run, retry, made, wait, error))
    return until


def covers(retry: Retry, error: AgentError) -> bool:
    """Whether `retry` applies to this error."""
    return not isinstance(error, PolicyError) and (error.transient or not retry.transient)


def wait_ms(retry: Retry, made: int, u: float) -> int:
    """Milliseconds before the next attempt, `made` attempts being over; `u` is uniform in [0, 1]."""
    base = min(retry.backoff_ms * made, _MAX_MS)
    jitter = min(max(retry.jitter, 0.0), 0.5)
    return int(base * (1 + jitter * (2 * u - 1))) if jitter > 0 else base


def uniform() -> float:
    """A random number in [0, 1]; the operating system's, since the `random` module costs start time."""
    return int.from_bytes(os.urandom(6), "big") / (2**48 - 1)


def duration(ms: int) -> str:
    """A duration as errors print it: `0ns`, `250ms`, `1.5s`."""
    if ms < 1000:
        return f"{ms}ms" if ms else "0ns"
    return f"{ms / 1000:.3f}".rstrip("0").rstrip(".") + "s"


def _event(run: Run, retry: Retry, made: int, wait: int, error: AgentError) -> Fields:
    return {
        "node_id": run.last_node,
        "attempt": made,
        "max_attempts": retry.max_attempts,
        "backoff_ms": retry.backoff_ms,
        "jitter": retry.jitter,
        "wait_ms": wait,
        "reason": error.display,
    }
