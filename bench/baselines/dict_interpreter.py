"""The usual small engine: nodes and edges as dictionaries, read again at every step.

It keeps the same books as compiled code and calls the same functions of the runtime library. What it does at run
time and compiled code does not: looks up the kind, the edges and the target, splits paths, and searches templates
for holes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from time import monotonic as clock
from typing import Any

from agentdc_runtime.errors import AgentError
from agentdc_runtime.nodes import condition, diff_compute, json_select, parse_json, switch
from agentdc_runtime.values import fill, find, inner, need

Outputs = dict[str, Any]
Node = dict[str, Any]
Trace = list[tuple[str, str | None, Any, float]]
Result = tuple[str, Any, str, Trace, int]  # status, value, last node, trace, elapsed ms

TIMEOUT = 300.0
HOLE = re.compile(r"\{\{(.*?)\}\}")


class Interpreter:
    """One workflow, ready to run any number of times."""

    def __init__(self, toml: str) -> None:
        document = tomllib.loads(toml)
        self.nodes: dict[str, Node] = {node["id"]: node for node in document["nodes"]}
        self.edges: dict[str, list[dict[str, str]]] = {}
        for edge in document.get("edges", []):
            self.edges.setdefault(edge["from"], []).append(edge)
        targets = {edge["to"] for edge in document.get("edges", [])}
        self.root = next(each for each in self.nodes if each not in targets)

    def run(self, trigger_input: dict[str, Any]) -> Result:
        """One run: status, final value or error, last node, trace, elapsed milliseconds."""
        now = started = clock()
        deadline = now + TIMEOUT
        outputs: Outputs = {"trigger": {"kind": "manual", **trigger_input}}
        trace: Trace = []
        at: str | None = self.root
        last, output = "", None
        try:
            while at is not None:
                if now >= deadline:
                    return "timed_out", None, last, trace, int((now - started) * 1000)
                last = at
                node = self.nodes[at]
                output, branch = HANDLERS[node["type"]](node, outputs)
                outputs[at] = output
                then, now = now, clock()
                trace.append((at, branch, output, now - then))
                at = self._next(at, branch)
        except AgentError as error:
            return "errored", error, last, trace, int((now - started) * 1000)
        return "completed", output, last, trace, int((now - started) * 1000)

    def _next(self, at: str, branch: str | None) -> str | None:
        for edge in self.edges.get(at, ()):
            label = edge.get("when")
            if label is None or label == branch:
                return edge["to"]
        return None


def _need(outputs: Outputs, path: str, kind: str) -> Any:
    return need(outputs, tuple(path.split(".")), kind, path)


def _find(outputs: Outputs, path: str) -> Any:
    return find(outputs, tuple(path.split(".")))


def _render(node: Node, outputs: Outputs) -> tuple[Any, None]:
    data = _need(outputs, node["input_from"], "template_render") if "input_from" in node else None
    text = HOLE.sub(lambda hole: fill(data, inner(hole[1]), hole[1]), node["template"])
    return {"rendered": text}, None


def _parse(node: Node, outputs: Outputs) -> tuple[Any, None]:
    return parse_json.run(text=_need(outputs, node["input_from"], "parse_json")), None


def _select(node: Node, outputs: Outputs) -> tuple[Any, None]:
    value = _need(outputs, node["input_from"], "json_select")
    return json_select.run(value=value, path=inner(node["path"])), None


def _compare(node: Node, outputs: Outputs) -> tuple[Any, None]:
    left = _need(outputs, node["left_from"], "diff_compute")
    return diff_compute.run(left=left, right=_need(outputs, node["right_from"], "diff_compute")), None


HANDLERS: dict[str, Callable[[Node, Outputs], tuple[Any, str | None]]] = {
    "template_render": _render,
    "parse_json": _parse,
    "json_select": _select,
    "diff_compute": _compare,
    "condition": lambda node, outputs: condition.run(value=_find(outputs, node["expr"])),
    "switch": lambda node, outputs: switch.run(value=_find(outputs, node["expr"])),
    "merge": lambda _node, _outputs: (None, None),
}
