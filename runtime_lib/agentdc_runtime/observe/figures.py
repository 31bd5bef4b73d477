"""What /metrics shows of one process that serves, or of all its workers together. Links `metrics`."""

from __future__ import annotations

from agentdc_runtime.observe.metrics import Counter, Gauge, Histogram

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from agentdc_runtime.observe.metrics import Metric


class Figures:
    """`counters`: those of the process. `gauges`: numbers of this moment, by name."""

    __slots__ = ("counters", "durations", "gauges", "node_durations", "requests", "tokens")

    def __init__(self, counters: dict[str, int]) -> None:
        self.counters = counters
        self.gauges = {"agentdc_inflight_runs": 0, "agentdc_open_connections": 0}
        self.requests = Counter(
            "agentdc_http_requests_total", "HTTP answers by route and status.", ("route", "code")
        )
        self.tokens = Counter(
            "agentdc_llm_tokens_total",
            "Tokens of models by backend and direction.",
            ("backend", "model", "direction"),
        )
        self.durations = Histogram(
            "agentdc_run_duration_seconds", "Time from the begin to the end of runs.", "status"
        )
        self.node_durations = Histogram("agentdc_node_duration_seconds", "Time in nodes, by kind.", "kind")

    def families(self) -> Iterator[Metric]:
        """All but the process's counters."""
        yield self.requests
        if self.tokens.counts:
            yield self.tokens
        yield self.durations
        yield self.node_durations
        about = ("Runs that wait for something.", "Connections of callers.")
        for (name, value), meaning in zip(self.gauges.items(), about, strict=True):
            yield Gauge(name, meaning, value)

    def snapshot(self) -> dict[str, Any]:
        """Everything as JSON, for another process."""
        return {
            "counters": self.counters,
            "gauges": self.gauges,
            "requests": [[*values, number] for values, number in self.requests.counts.items()],
            "tokens": [[*values, number] for values, number in self.tokens.counts.items()],
            "durations": self.durations.series,
            "nodes": self.node_durations.series,
        }

    def add(self, snapshot: Mapping[str, Any]) -> None:
        """Count what another process has counted."""
        for mine, name in ((self.counters, "counters"), (self.gauges, "gauges")):
            for key, number in snapshot[name].items():
                mine[key] = mine.get(key, 0) + number
        for counts, name in ((self.requests.counts, "requests"), (self.tokens.counts, "tokens")):
            for *values, number in snapshot[name]:
                counts[tuple(values)] = counts.get(tuple(values), 0) + number
        for histogram, name in ((self.durations, "durations"), (self.node_durations, "nodes")):
            for label, numbers in snapshot[name].items():
                before = histogram.series.get(label, [0] * len(numbers))
                histogram.series[label] = [one + other for one, other in zip(before, numbers, strict=True)]
