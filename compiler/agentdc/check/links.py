"""Which outputs hold a copy of another value, and where in the graph the copy is still up to date.

`json_select`, `condition` and `switch` store what they read. What is learnt about the copy is true of the original,
unless the node that gave the original has run again since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from agentdc.check import graph
from agentdc.check.facts import RAW, TRIGGER
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Alias
from agentdc.nodes.template import inner_segments
from agentdc.types.narrow import ABSENT, PRESENT, Test

Segments = tuple[str, ...]


class Said(NamedTuple):
    """A test, and the place that it is about."""

    head: str
    segments: Segments
    test: Test


class Links:
    """The copies of one workflow."""

    def __init__(self, nodes: Mapping[str, NodeModel], nexts: Mapping[str, Sequence[str]]) -> None:
        self._nodes = nodes
        self._nexts = nexts
        self.loops = graph.loops(nexts)
        self._behind: dict[tuple[str, str], frozenset[str]] = {}

    def sources(self, head: str) -> Iterator[str]:
        """The heads that an output holds copies of."""
        node = self._nodes.get(head)
        for alias in () if node is None else SPECS[node.type].aliases:
            yield split(str(getattr(node, alias.source)))[0]

    def places(self, path: str) -> Iterator[tuple[str, str | None]]:
        """What a path reads, and what that is a copy of: head and first segment, None for the whole output."""
        seen: set[str] = set()
        waiting = [path]
        while waiting:
            head, segments = split(waiting.pop())
            yield head, segments[0] if segments else None
            node = self._nodes.get(head)
            if node is not None and head not in seen:
                seen.add(head)
                for alias in SPECS[node.type].aliases:
                    inner = (
                        "" if alias.inner is None else ".".join(inner_segments(getattr(node, alias.inner)))
                    )
                    waiting.append(
                        ".".join(each for each in (str(getattr(node, alias.source)), inner) if each)
                    )

    def original(self, said: Said, at: str) -> Iterator[Said]:
        """What a test of a copy says about the original, as node `at` has run."""
        node = self._nodes.get(said.head)
        if node is None or said.head == at:
            return
        for alias in SPECS[node.type].aliases:
            head, segments = split(str(getattr(node, alias.source)))
            if alias.inner is not None:
                segments += inner_segments(getattr(node, alias.inner))
            test = _moved(alias, said)
            if test is not None and self._fresh(said.head, head, at):
                yield Said(
                    head, segments + said.segments[1:] if said.segments[0] == alias.value else segments, test
                )

    def _fresh(self, copy: str, source: str, at: str) -> bool:
        """True when `source` has not run between the last run of `copy` and that of `at`."""
        if source in {TRIGGER, RAW}:
            return source not in self._nodes
        if source in {copy, at} or source not in self._nodes:
            return False
        if source not in self.loops and source not in self._after(copy, ""):
            return True
        return at not in self._after(source, copy)

    def _after(self, node: str, without: str) -> frozenset[str]:
        """What can run after a node, with `without` not running in between."""
        key = node, without
        if key not in self._behind:
            nexts = {name: [to for to in targets if to != without] for name, targets in self._nexts.items()}
            self._behind[key] = frozenset(graph.reachable(nexts.get(node, ()), nexts))
        return self._behind[key]


def _moved(alias: Alias, said: Said) -> Test | None:
    """The test as it is about the original; None when it says nothing about it."""
    if not said.segments:
        return None
    if said.segments == (alias.found,):
        if said.test.says == "truthy" or said.test == Test("label", "true"):
            return PRESENT
        return ABSENT if said.test.says == "falsy" or said.test == Test("label", "false") else None
    if said.segments[0] != alias.value:
        return None
    if len(said.segments) == 1 and said.test in (PRESENT, ABSENT):
        return None  # the copy is always there, as null at least
    return said.test


def split(path: str) -> tuple[str, Segments]:
    """Head and segments of a context path."""
    head, *segments = path.split(".")
    return head, tuple(segments)
