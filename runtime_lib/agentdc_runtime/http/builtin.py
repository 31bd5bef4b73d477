"""What every listener answers besides its routes: /healthz, /metrics, and what a build adds (spec 02 §1.5)."""

from __future__ import annotations

from agentdc_runtime.jsontext import compact
from agentdc_runtime.observe.figures import Figures
from agentdc_runtime.observe.metrics import Gauge, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol, TypeAlias

    from agentdc_runtime.host.listener import Listener
    from agentdc_runtime.host.reload import Reload
    from agentdc_runtime.host.start import Started
    from agentdc_runtime.host.surface import Surface
    from agentdc_runtime.observe.metrics import Metric

    class Board(Protocol):
        """Where workers leave their figures."""

        def others(self) -> Iterator[dict[str, Any]]:
            """Those of the other workers."""
            ...

    BuiltIn: TypeAlias = Callable[[], tuple[int, str, bytes]]

JSON = "application/json"
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class BuiltIns:
    """The built-in endpoints of one app, and the metrics that they show.

    `listener`: set once there is one. `board`: where several workers leave their figures. `store`, `upkeep`: of the
    state, in an app that has one.
    """

    def __init__(self, started: Started, surface: Surface, reload: Reload) -> None:
        self._started = started
        self._surface = surface
        self._reload = reload
        self._health = compact({"status": "ok", "workflow": started.app.name}).encode()
        self.listener: Listener = None  # type: ignore[assignment]
        self.figures = Figures(started.process.counters)
        self.board: Board | None = None
        self.store: Any = None
        self.upkeep: Any = None

    def answers(self) -> dict[str, BuiltIn]:
        """Path to what answers `GET` there."""
        found: dict[str, BuiltIn] = {"/healthz": self._healthz, "/metrics": self._metrics}
        if self._surface.readyz:
            found["/readyz"] = self._readyz
        if self._surface.openapi is not None:
            document = self._started.app.read_data("openapi.json")
            found[self._surface.openapi] = lambda: (200, JSON, document)
        return found

    def _healthz(self) -> tuple[int, str, bytes]:
        return 200, JSON, self._health

    def _readyz(self) -> tuple[int, str, bytes]:
        if self.listener.draining:
            return 503, JSON, b'{"status":"draining"}'
        if self.store is not None and self.store.status.refuses:
            return 503, JSON, compact({"status": f"state_{self.store.status.name}"}).encode()
        return 200, JSON, b'{"status":"ready"}'

    def snapshot(self) -> dict[str, Any]:
        """The figures of this process at this moment."""
        gauges = self.figures.gauges
        gauges["agentdc_inflight_runs"] = len(self.listener.service.runs.running)
        gauges["agentdc_open_connections"] = self.listener.connections
        self.figures.tokens.counts = self._started.process.kept.get("llm tokens") or {}  # see models.registry
        found = self.figures.snapshot()
        if self.upkeep is not None:
            found["state"] = self.upkeep.snapshot()
        return found

    def _metrics(self) -> tuple[int, str, bytes]:
        app, figures = self._started.app, Figures({})
        all_of_them = [self.snapshot(), *(() if self.board is None else self.board.others())]
        for each in all_of_them:
            figures.add(each)
        families = self._families(figures, [each["state"] for each in all_of_them if "state" in each])
        return 200, TEXT, render(app.name, app.version, figures.counters, families)

    def _families(self, figures: Figures, states: list[dict[str, Any]]) -> Iterator[Metric]:
        yield from figures.families()
        if self.upkeep is not None:
            yield from self.upkeep.families(states)
        if self._reload.expires is not None:
            name = "agentdc_tls_certificate_expiry_timestamp_seconds"
            yield Gauge(name, "When the server's certificate ends.", int(self._reload.expires))
