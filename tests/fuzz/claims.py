"""What the checker claims about every run, held against one run.

A claim is about what is known before a node runs: that it is reached at all, that an output is there, that a value is
of a type, that a path leads somewhere, that a label can come. Runs are made by somebody else; a trace is enough.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from agentdc.check.facts import RAW, Facts
from agentdc.check.links import split
from agentdc.check.paths import fits
from agentdc.check.routes import Routes
from agentdc.nodes.registry import SPECS
from agentdc.testing.fits import misfit
from agentdc.types import follow
from agentdc_runtime.values import MISSING, walk


class FalseClaim(AssertionError):
    """A run that the checker said cannot be."""


@dataclass
class Claims:
    """The claims about one workflow. `made`: how many of each kind were held against a run."""

    facts: Facts
    made: Counter[str] = field(default_factory=Counter)
    _proofs: dict[tuple[str, str], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._routes = Routes(self.facts.flow)

    def start(self, flat: Any, raw: Any) -> dict[str, Any]:
        """The outputs with which a run begins."""
        return {"trigger": flat, RAW: raw}

    def before(self, node: str, outputs: dict[str, Any]) -> None:
        """As `node` is about to run with these outputs."""
        flow = self.facts.flow
        if not flow.reaches(node):
            raise FalseClaim(f"{node} is reached")
        for head in (*flow.outputs, RAW):
            if head not in outputs:
                if flow.ran(head, node):
                    raise FalseClaim(f"{head} has not run before {node}")
                continue
            wrong = misfit(outputs[head], flow.type_of(head, node))
            if wrong is not None:
                raise FalseClaim(f"before {node}, of {head}: {wrong}")
            self.made["types"] += 1
        for _, path_field, path in SPECS[flow.steps.nodes[node].type].paths_of(flow.steps.nodes[node]):
            self._path(node, path, outputs)
            value = walk(outputs, tuple(path.split(".")))
            found = follow(flow.type_of(split(path)[0], node), split(path)[1])
            if value is not MISSING and path_field.needs == "string" and found.possible:
                fit = fits(found.type, "string", nullable=False)
                if (fit, isinstance(value, str)) in {("yes", False), ("no", True)}:
                    raise FalseClaim(f"{path} at {node} fits: {fit}")
                self.made[f"fits {fit}"] += 1

    def _path(self, node: str, path: str, outputs: dict[str, Any]) -> None:
        there = walk(outputs, tuple(path.split("."))) is not MISSING
        if self.facts.flow.certain(path, node):
            self.made["certain"] += 1
            if not there:
                raise FalseClaim(f"{path} is not there at {node}")
        elif self._proven(node, path):
            self.made["certain by routes"] += 1
            if not there:
                raise FalseClaim(f"{path} is not there at {node}, as no route said")
        if there and not self.facts.flow.resolve(path, node).possible:
            raise FalseClaim(f"{path} is there at {node}")

    def _proven(self, node: str, path: str) -> bool:
        """Whether every single route has the path."""
        if (node, path) not in self._proofs:
            head, segments = split(path)

            def lacks(view: Any) -> bool:
                start = view.type_of(head)
                return start is None or follow(start, segments).certain < len(segments)

            known = head in self.facts.flow.outputs
            found = self._routes.find(node, frozenset((head,)), lacks) if known else ()
            self._proofs[node, path] = found is None
        return self._proofs[node, path]

    def after(self, node: str, label: str | None, output: Any) -> None:
        """As `node` has run and given this."""
        flow = self.facts.flow
        if not flow.possible(node, label):
            raise FalseClaim(f"{node} gives {label}")
        known = flow.outcomes.get((node, label))
        wrong = None if known is None else misfit(output, known)
        if wrong is not None and SPECS[flow.steps.nodes[node].type].end == "continue":
            raise FalseClaim(f"with {label}, of {node}: {wrong}")
        self.made["labels"] += 1


def hold(
    claims: Claims, outputs: dict[str, Any], trace: list[tuple[str, str | None, Any]], failed: str | None
) -> None:
    """The claims against one run; `failed`: the node at which it errored."""
    for node, label, output in trace:
        claims.before(node, outputs)
        claims.after(node, label, output)
        outputs[node] = output
    if failed is not None:
        claims.before(failed, outputs)
