"""What real runs of a workflow can begin with: for each start, inputs of its type that the server would let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from typed_values import drawn, values

from agentdc.check.starts import inputs
from agentdc.driver.check import Report
from agentdc.driver.schemas import read, read_all
from agentdc.nodes.registry import SPECS
from agentdc.testing.schemas import violation


@dataclass(frozen=True, slots=True)
class Way:
    """What leads to a start: the kind of its runs, and the schema that a route enforces, or None."""

    kind: str
    schema: Any = None

    def lets_in(self, value: Any) -> bool:
        """Whether a run can begin with this; the principal comes after the schema."""
        if self.schema is None:
            return True
        own = isinstance(value, dict)
        body = {key: each for key, each in value.items() if key != "principal"} if own else value
        return violation(self.schema, body) is None


def beginnings(report: Report, count: int) -> Iterator[tuple[str, str, Any]]:
    """(start, kind of trigger, input), at most `count` for each start; the same ones each time."""
    workflow = report.workflow
    assert workflow is not None
    known = {name: each.type for name, each in read_all(workflow, report.source.name).items()}
    for start, given in inputs(workflow, known).items():
        ways = _leads(report, start)
        for value in drawn(values(given.raw, keys_of(report)), count):
            way = next((each for each in ways if each.lets_in(value)), None)
            if way is not None:
                yield start, way.kind, value


def _leads(report: Report, start: str) -> list[Way]:
    workflow = report.workflow
    assert workflow is not None
    found = []
    for route in workflow.http_routes:
        if route.start_node == start:
            schema = None if route.input_schema is None else read(route.input_schema, report.source.name)[1]
            found.append(Way("http", schema))
    others = any(each.start_node == start for each in workflow.triggers)
    by_hand = next(each for each in workflow.start_nodes if each.name == start).source == "manual"
    return [*found, Way("manual")] if others or by_hand or not found else found


def keys_of(report: Report) -> list[str]:
    """Keys that some path of the workflow names."""
    assert report.workflow is not None
    paths = [path for node in report.workflow.nodes for _, _, path in SPECS[node.type].paths_of(node)]
    return sorted({part for path in paths for part in path.split(".")[1:]} - {"principal"})[:6] or ["a"]
