"""What /metrics shows of the state store (spec 04 §12). Links `observe.metrics`.

Every process that shares a database has figures of its own; those of all workers are added up, and the status is the
gravest of theirs.
"""

from __future__ import annotations

from agentdc_runtime.observe.metrics import Counter, Histogram
from agentdc_runtime.state.fault import CORRUPT, FULL, READONLY
from agentdc_runtime.state.status import DEGRADED, OK, STATES
from agentdc_runtime.state.store import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from agentdc_runtime.observe.metrics import Metric
    from agentdc_runtime.state.checkpoint import Checkpoints
    from agentdc_runtime.state.store import Store

_DB = "state"
_GRAVITY = (OK, DEGRADED, READONLY, FULL, CORRUPT)


def snapshot(store: Store, checkpoints: Checkpoints) -> dict[str, Any]:
    """The figures of this process, as JSON."""
    return {
        "status": store.status.name,
        "db_bytes": size(store.path),
        "wal_bytes": checkpoints.log_size(),
        "checkpoints": checkpoints.counts,
        "seconds": dict(checkpoints.seconds.series),
    }


def families(snapshots: Iterable[Mapping[str, Any]]) -> Iterator[Metric]:
    """The series of all processes together."""
    status, sizes = OK, {"db_bytes": 0, "wal_bytes": 0}
    counter = Counter("agentd_state_checkpoints_total", "Checkpoints by result.", ("db", "result"))
    seconds = Histogram("agentd_state_checkpoint_seconds", "Time of checkpoints.", "db")
    for each in snapshots:
        status = max(status, each["status"], key=_GRAVITY.index)
        sizes = {name: max(before, each[name]) for name, before in sizes.items()}
        for result, number in each["checkpoints"].items():
            counter.counts[(_DB, result)] = counter.counts.get((_DB, result), 0) + number
        for label, numbers in each["seconds"].items():
            before = seconds.series.get(label, [0] * len(numbers))
            seconds.series[label] = [one + other for one, other in zip(before, numbers, strict=True)]
    yield _Gauges("agentd_state_wal_bytes", "Size of the write-ahead log.", "db", {_DB: sizes["wal_bytes"]})
    yield _Gauges("agentd_state_db_bytes", "Size of the database.", "db", {_DB: sizes["db_bytes"]})
    yield counter
    yield seconds
    hot = {each: int(each == status) for each in STATES}
    yield _Gauges("agentd_state_status", "How the store is; 1 for the state that it is in.", "state", hot)


class _Gauges:
    """Numbers of this moment, by the value of one label."""

    __slots__ = ("_help", "_label", "_name", "_values")

    def __init__(self, name: str, help: str, label: str, values: Mapping[str, int]) -> None:
        self._name = name
        self._help = help
        self._label = label
        self._values = values

    def lines(self, workflow: str) -> Iterator[str]:
        """The family as text."""
        yield f"# HELP {self._name} {self._help}"
        yield f"# TYPE {self._name} gauge"
        for value, number in self._values.items():
            yield f'{self._name}{{workflow="{workflow}",{self._label}="{value}"}} {number}'
