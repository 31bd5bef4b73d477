"""Counters and histograms, and their text for Prometheus (spec 02 §1.5, 03 §3). Imports nothing.

The series of agentd keep their names, so that dashboards carry over; ours begin with `agentdc_`. Label values come
from what was compiled or from closed sets, never from callers, so the number of series is bounded.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Protocol

    class Metric(Protocol):
        """One family of series."""

        def lines(self, workflow: str) -> Iterable[str]:
            """HELP, TYPE and a line per series; `workflow` is escaped already."""
            ...


# Key of the process's counters, name, help: in the order of spec 03 §3.1.
_AGENTD = (
    ("workflow_starts", "agentd_workflow_starts_total", "Runs begun."),
    ("workflow_completions", "agentd_workflow_completions_total", "Runs ended in success."),
    ("workflow_failures", "agentd_workflow_failures_total", "Runs ended by a fail node."),
    ("workflow_timeouts", "agentd_workflow_timeouts_total", "Runs stopped by their deadline."),
    ("workflow_errored", "agentd_workflow_errors_total", "Runs aborted by an error."),
    ("node_executions", "agentd_node_executions_total", "Nodes executed."),
    ("node_failures", "agentd_node_failures_total", "Node executions that ended in an error."),
    ("policy_denials", "agentd_policy_denials_total", "Side effects refused by the policy."),
    ("llm_calls", "agentd_llm_calls_total", "Model calls answered."),
    ("llm_tokens", "agentd_llm_tokens_total", "Tokens used by model calls."),
)
# Upper bounds of the buckets of durations: from a run without a wait to the default deadline of a run.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Counter:
    """How often something happened, by the values of its labels."""

    __slots__ = ("_help", "_labels", "_name", "counts")

    def __init__(self, name: str, help: str, labels: tuple[str, ...]) -> None:
        self._name = name
        self._help = help
        self._labels = labels
        self.counts: dict[tuple[int | str, ...], int] = {}

    def count(self, *values: int | str) -> None:
        """Once more; a value for each label, in their order."""
        counts = self.counts
        counts[values] = counts.get(values, 0) + 1

    def lines(self, workflow: str) -> Iterable[str]:
        """The family as text, sorted by label values."""
        yield from _about(self._name, self._help, "counter")
        for texts, number in sorted(
            (tuple(map(str, values)), number) for values, number in self.counts.items()
        ):
            pairs = zip(self._labels, texts, strict=True)
            more = "".join([f',{label}="{escaped(text)}"' for label, text in pairs])
            yield f'{self._name}{{workflow="{workflow}"{more}}} {number}'


class Gauge:
    """A number that goes up and down; made when it is asked for."""

    __slots__ = ("_help", "_name", "value")

    def __init__(self, name: str, help: str, value: float | int) -> None:
        self._name = name
        self._help = help
        self.value = value

    def lines(self, workflow: str) -> Iterable[str]:
        """The family as text."""
        yield from _about(self._name, self._help, "gauge")
        yield f'{self._name}{{workflow="{workflow}"}} {self.value}'


class Histogram:
    """Durations in seconds, by the value of one label."""

    __slots__ = ("_help", "_label", "_name", "series")

    def __init__(self, name: str, help: str, label: str) -> None:
        self._name = name
        self._help = help
        self._label = label
        # Per label value: how many in each bucket alone, how many above all bounds, and the sum of seconds.
        self.series: dict[str, list[float]] = {}

    def observe(self, label: str, seconds: float) -> None:
        """One more duration."""
        counts = self.series.get(label)
        if counts is None:
            counts = self.series[label] = [0] * (len(SECONDS) + 1) + [0.0]
        at = 0
        for bound in SECONDS:
            if seconds <= bound:
                break
            at += 1
        counts[at] += 1
        counts[-1] += seconds

    def lines(self, workflow: str) -> Iterable[str]:
        """The family as text, sorted by label value; buckets are cumulative."""
        yield from _about(self._name, self._help, "histogram")
        for label, counts in sorted(self.series.items()):
            labels = f'workflow="{workflow}",{self._label}="{escaped(label)}"'
            total = 0
            for bound, number in zip((*SECONDS, "+Inf"), counts[:-1], strict=True):
                total += int(number)
                yield f'{self._name}_bucket{{{labels},le="{bound}"}} {total}'
            yield f"{self._name}_sum{{{labels}}} {counts[-1]}"
            yield f"{self._name}_count{{{labels}}} {total}"


def render(workflow: str, version: str, counters: Mapping[str, int], more: Iterable[Metric] = ()) -> bytes:
    """The whole exposition: agentd's series in their order, then `more`; ends with one line break."""
    name = escaped(workflow)
    lines: list[str] = []
    for key, metric, meaning in _AGENTD:
        lines += _about(metric, meaning, "counter")
        lines.append(f'{metric}{{workflow="{name}"}} {counters[key]}')
    lines += _about("agentd_build_info", "Version of the runtime; the value is always 1.", "gauge")
    lines.append(f'agentd_build_info{{workflow="{name}",version="{escaped(version)}"}} 1')
    for each in more:
        lines += each.lines(name)
    lines.append("")
    return "\n".join(lines).encode()


def _about(name: str, help: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {help}", f"# TYPE {name} {kind}"


def escaped(text: str) -> str:
    """A label value (spec 03 §3.2)."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
