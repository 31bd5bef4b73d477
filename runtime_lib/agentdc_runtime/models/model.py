"""A model as nodes ask it: one backend or several in order, each with its attempts, breaker and cache.

    cached? -> circuit closed? -> ask, wait, ask again -> the next backend -> the error of all of them

Knows no provider and no transport; a wait never goes beyond the run's deadline. Links asyncio when it waits.
"""

from __future__ import annotations

from time import monotonic

from agentdc_runtime.core.retry import uniform
from agentdc_runtime.models.message import ModelFailed
from agentdc_runtime.observe.log import WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.models.breaker import Breaker
    from agentdc_runtime.models.cache import Cache
    from agentdc_runtime.models.message import Reply, Request

    class Speaker(Protocol):
        """What can be asked once."""

        name: str
        provider: str
        model: str
        timeout: float | None

        @property
        def system(self) -> str:
            """The provider, as telemetry names it."""
            ...

        def rendered(self, request: Request) -> bytes:
            """What is sent; the same for the same request."""
            ...

        async def ask(self, body: bytes, seconds: float) -> Reply:
            """One exchange; ModelFailed."""
            ...


_SLICE = 0.1  # seconds; a signal is noticed this soon while waiting
_LONGEST_WAIT_MS = 60_000
_LEAST_SECONDS = 0.001


class Line:
    """One backend with what its table asks of it beyond one exchange.

    `retries`: further attempts after errors that may pass. `backoff_ms`: before the first of them; then doubled.
    `structured`, `native`: whether schemas and tools go to the provider itself.
    """

    __slots__ = ("backoff_ms", "breaker", "cache", "native", "retries", "speaker", "structured")

    def __init__(
        self,
        speaker: Speaker,
        settings: dict[str, Any],
        breaker: Breaker | None = None,
        cache: Cache | None = None,
    ) -> None:
        self.speaker = speaker
        self.retries: int = settings.get("retries", 0)
        self.backoff_ms: int = settings.get("retry_backoff_ms", 500)
        self.structured: bool = settings.get("structured_output", False)
        self.native: bool = settings.get("native_tools", False)
        self.breaker = breaker
        self.cache = cache


class Answered:
    """A reply, who gave it, how long it took in seconds, and whether it was kept from before."""

    __slots__ = ("cached", "line", "reply", "seconds")

    def __init__(self, reply: Reply, line: Line, seconds: float, *, cached: bool = False) -> None:
        self.reply = reply
        self.line = line
        self.seconds = seconds
        self.cached = cached


class Model:
    """A name that nodes ask. `lines`: the backend, then those that stand in for it. `timeout`: of one exchange."""

    __slots__ = ("_lines", "_timeout", "name")

    def __init__(self, name: str, lines: Sequence[Line], timeout: float) -> None:
        self.name = name
        self._lines = lines
        self._timeout = timeout

    @property
    def native(self) -> bool:
        """Whether the backend is offered tools natively."""
        return self._lines[0].native

    def rendered(self, request: Request) -> bytes:
        """The request as the backend itself would be sent it."""
        line = self._lines[0]
        return line.speaker.rendered(request if line.structured else request.without_schema())

    async def ask(self, run: Run, request: Request) -> Answered:
        """The first answer that comes; ModelFailed when there is none."""
        failures: list[tuple[Line, ModelFailed]] = []
        for line in self._lines:
            if failures:
                fields = {"node_id": run.last_node, "backend": line.speaker.name, "instead_of": self.name}
                _tell(run, "llm.failover", {**fields, "reason": failures[-1][1].reason})
            try:
                return await self._attempts(run, line, request)
            except ModelFailed as error:
                failures.append((line, error))
            if run.stop_signal or monotonic() >= run.deadline:
                break
        if len(failures) == 1:
            raise failures[0][1]
        told = "; ".join(f"{line.speaker.name}: {error.reason}" for line, error in failures)
        waits = [error.wait for _, error in failures if error.wait is not None]
        passing = any(error.passing for _, error in failures)
        raise ModelFailed(f"every backend failed: {told}", passing=passing, wait=min(waits, default=None))

    async def _attempts(self, run: Run, line: Line, request: Request) -> Answered:
        body = line.speaker.rendered(request if line.structured else request.without_schema())
        if line.cache is not None:
            kept = line.cache.get(body, monotonic())
            if kept is not None:
                return Answered(kept, line, 0.0, cached=True)
        made = 0
        while True:
            began = monotonic()
            try:
                reply = await self._once(run, line, body)
            except ModelFailed as error:
                made += 1
                wait = _wait(line, made, error)
                late = monotonic() + wait >= run.deadline
                if not error.passing or made > line.retries or late or run.stop_signal:
                    raise
                fields = {"node_id": run.last_node, "backend": line.speaker.name, "attempt": made}
                _tell(run, "llm.retry", {**fields, "wait_ms": int(wait * 1000), "reason": error.reason})
                await _sleep(run, wait)
                if run.stop_signal:
                    raise
            else:
                if line.cache is not None:
                    line.cache.put(body, reply, monotonic())
                return Answered(reply, line, monotonic() - began)

    async def _once(self, run: Run, line: Line, body: bytes) -> Reply:
        """One exchange, unless the circuit is open."""
        breaker, speaker = line.breaker, line.speaker
        if breaker is not None and not breaker.admits(monotonic()):
            raise ModelFailed(f"{speaker.provider}: the circuit is open after failures in a row")
        seconds = max(min(speaker.timeout or self._timeout, run.deadline - monotonic()), _LEAST_SECONDS)
        try:
            reply = await speaker.ask(body, seconds)
        except ModelFailed as error:
            if breaker is not None:
                if not error.passing:
                    breaker.abandoned()
                elif breaker.failed(monotonic()):
                    _tell(run, "llm.circuit_opened", {"backend": speaker.name, "reason": error.reason})
            raise
        except BaseException:
            if breaker is not None:
                breaker.abandoned()
            raise
        if breaker is not None:
            breaker.succeeded()
        return reply


def _wait(line: Line, made: int, error: ModelFailed) -> float:
    """Seconds before the next attempt: what the peer asks, else doubled each time, up to a quarter more or less."""
    backoff: float = min(line.backoff_ms << (made - 1), _LONGEST_WAIT_MS) / 1000
    return max(backoff * (0.75 + uniform() / 2), error.wait or 0.0)


async def _sleep(run: Run, seconds: float) -> None:
    import asyncio

    until = monotonic() + seconds
    while not run.stop_signal and (left := until - monotonic()) > 0:
        await asyncio.sleep(min(left, _SLICE))


def _tell(run: Run, event: str, fields: dict[str, Any]) -> None:
    if run.journal is not None:
        run.journal.event(WARN, event, fields)
