"""Which nodes and edges of the workflows under test no run took; and which capabilities are shown (spec 01 §10.4).

Workflow files with the same bytes are one file here: fixtures often bring copies. An edge that no outcome can take (a
loop of 0 turns, a label that its node never gives) is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentdc.check.lints import can_take
from agentdc.nodes.registry import SPECS
from agentdc.testing.results import Result
from agentdc.testing.subject import Part, Subject

CAPABILITIES = (
    *("condition", "switch", "merge", "fail", "pause_for_approval", "terminate", "respond"),
    *("parse_json", "json_select", "template_render", "diff_compute"),
    *("read_file", "write_file", "create_dir", "read_env", "http_request", "shell_run"),
    *("call", "parallel", "map", "call_mcp_tool", "read_mcp_resource", "llm_infer", "agent_loop"),
    *("trigger_manual", "trigger_http", "trigger_event", "trigger_cron", "trigger_fs_watch"),
    *("policy_fs", "policy_env", "policy_http", "policy_shell", "policy_mcp"),
    *("reliability_passk", "security_injection", "fault_tolerance"),
)

Way = tuple[str, str | None, str]
"""An edge as a run takes it: from, label, to."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node (`to` is None) or an edge, and its line in the file."""

    line: int
    node: str
    when: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """One workflow file: how many nodes and edges it has, and those that no run took, by line."""

    file: str
    nodes: int
    edges: int
    missed_nodes: tuple[Place, ...]
    missed_edges: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """All files, sorted by name."""

    files: tuple[FileCoverage, ...]

    @property
    def edges(self) -> tuple[int, int]:
        """Edges taken, and all."""
        total = sum(each.edges for each in self.files)
        return total - sum(len(each.missed_edges) for each in self.files), total

    @property
    def nodes(self) -> tuple[int, int]:
        """Nodes entered, and all."""
        total = sum(each.nodes for each in self.files)
        return total - sum(len(each.missed_nodes) for each in self.files), total

    @property
    def fraction(self) -> float:
        """Share of the edges that were taken; 1.0 when there are none."""
        taken, total = self.edges
        return taken / total if total else 1.0


class Tally:
    """Collects what runs took, over all tests."""

    def __init__(self) -> None:
        self._parts: dict[str, Part] = {}
        self._nodes: dict[str, set[str]] = {}
        self._ways: dict[str, set[Way]] = {}

    def expect(self, subject: Subject) -> None:
        """The files of a workflow under test count, whatever becomes of its tests."""
        for part in subject.parts:
            known = self._parts.get(part.digest)
            if known is None or part.shown < known.shown:
                self._parts[part.digest] = part
            self._nodes.setdefault(part.digest, set())
            self._ways.setdefault(part.digest, set())

    def add(self, subject: Subject, seen: Mapping[str, Any]) -> None:
        """What one run took, by the file names of the trace."""
        digests = {part.file: part.digest for part in subject.parts}
        for file, took in seen.items():
            self._nodes[digests[file]].update(took["nodes"])
            self._ways[digests[file]].update((before, label, to) for before, label, to in took["edges"])

    def coverage(self) -> Coverage:
        """What all runs took together."""
        files = [self._file(digest, part) for digest, part in self._parts.items()]
        return Coverage(tuple(sorted(files, key=lambda each: each.file)))

    def _file(self, digest: str, part: Part) -> FileCoverage:
        nodes, edges = places(part)
        missed = [each for each in nodes if each.node not in self._nodes[digest]]
        untaken = [each for each in edges if (each.node, each.when, each.to) not in self._ways[digest]]
        return FileCoverage(part.shown, len(nodes), len(edges), tuple(missed), tuple(untaken))


def places(part: Part) -> tuple[list[Place], list[Place]]:
    """Nodes that some start reaches, and edges between them that some outcome takes."""
    reached = set(part.facts.dominance.order)
    kinds = {node.id: node.type for node in part.workflow.nodes}
    nodes = [
        Place(part.places.value(("nodes", index)).line, node.id)
        for index, node in enumerate(part.workflow.nodes)
        if node.id in reached
    ]
    edges = [
        Place(part.places.value(("edges", index)).line, edge.from_, edge.when, edge.to)
        for index, edge in enumerate(part.workflow.edges)
        if edge.from_ in reached
        and edge.max_iterations != 0
        and can_take(SPECS[kinds[edge.from_]], edge.when)
    ]
    return nodes, edges


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Which capability ids passing scenarios show; `unknown`: tags that are none, sorted."""

    covered: tuple[str, ...]
    uncovered: tuple[str, ...]
    unknown: tuple[str, ...]


def capabilities(results: Iterable[Result]) -> Capabilities:
    """What the scenarios among the results show; only passing ones count."""
    shown: set[str] = set()
    named: set[str] = set()
    for result in results:
        tags = tags_of(result)
        named.update(tags)
        shown.update(tags if result.passed else ())
    covered = tuple(each for each in CAPABILITIES if each in shown)
    uncovered = tuple(each for each in CAPABILITIES if each not in shown)
    return Capabilities(covered, uncovered, tuple(sorted(named - set(CAPABILITIES))))


def tags_of(result: Result) -> Sequence[str]:
    """The capabilities that a scenario names."""
    return getattr(result.case.test, "capabilities", ())
