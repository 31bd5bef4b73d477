"""What a node kind declares about itself; every stage asks this one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from agentdc.diagnostics import Diagnostic
from agentdc.ir.ops import End, Expr
from agentdc.model.node import NodeModel
from agentdc.parse.positions import Places
from agentdc.types import Type, union

Needs = Literal["any", "string", "array", "strings"]  # strings: an array of strings
Family = Literal[
    "fs.read", "fs.write", "env.read", "http", "shell", "mcp.tool", "mcp.resource", "model", "child"
]
Place = tuple[str | int, ...]
Measure = Literal[
    "model_calls",
    "tokens",
    "http_requests",
    "shell_runs",
    "files_written",
    "bytes_written",
    "node_visits",
    "wall_secs",
]
ANSWER_TOKENS = 1024
"""The longest answer of a model of which no limit is written (spec 03 §6.5)."""
ErrorClass = Literal["policy", "tool", "workflow", "intelligence", "mcp", "schema", "timeout", "capability"]


@dataclass(frozen=True, slots=True)
class PathField:
    """A field that holds a context path.

    `name`: the field, or `branches[].input_from` for a field of each entry of an array. `needs`: what the value
    must be. `missing`: what an unresolved path does (spec 01 §3.2). `unless`: a field that takes its place.
    `refuses`: why the node errors on a text, whatever happens in the world; empty when it may go well. `most`: the
    field that says how many items of an array the node takes.
    """

    name: str
    needs: Needs = "any"
    missing: Literal["error", "null"] = "error"
    unless: str | None = None
    refuses: Callable[[str], str] | None = None
    most: str | None = None

    def found_in(self, node: NodeModel) -> Iterator[tuple[Place, str]]:
        """Each path that the field holds, with its place below the node."""
        if self.unless is not None and getattr(node, self.unless) is not None:
            return
        array, _, name = self.name.rpartition("[].")
        holders: list[tuple[Place, Any]] = [((), node)]
        if array:
            holders = [((array, number), entry) for number, entry in enumerate(getattr(node, array))]
        for place, holder in holders:
            path = getattr(holder, name)
            if path is not None:
                yield (*place, name), path


@dataclass(frozen=True, slots=True)
class TemplateField:
    """A field that holds a template (spec 01 §4).

    `name`: the field. `data`: the path field of what its keys are looked up in. `absent`: what that is when there is
    no path: null, or the raw trigger input. `gives`: the key of the output that is the text, if there is one.
    """

    name: str
    data: str
    absent: Literal["null", "input"] = "null"
    gives: str | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """A part of the output that is a value read from a path.

    `source`: the path field. `value`: the key of the output that holds what is there, null when nothing is. `inner`:
    the field with an inner path below it, or None. `found`: the key that says whether something is there, or None.
    """

    source: str
    value: str
    inner: str | None = None
    found: str | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """Something of the world that a node touches: a file, a variable, a URL, a command, a tool, a model, a child.

    `field`: the field that names it. `constant`: the name, if it is written there; `data`: the context path of it, if
    that is what is written; neither: a model chooses it at run time. `method`: of an HTTP request, if it is fixed.
    `server`: of an MCP effect, as written. `sends`: context paths of the data that goes along.
    """

    family: Family
    field: str
    constant: str | None = None
    data: str | None = None
    method: str | None = None
    server: str | None = None
    sends: tuple[str, ...] = ()

    @property
    def chosen(self) -> bool:
        """True when a model chooses what is touched."""
        return self.constant is None and self.data is None

    @property
    def known(self) -> str | None:
        """The part known at build, for lists: a method, or what is touched."""
        return self.method or self.constant

    @property
    def open(self) -> str | None:
        """Context path of the part that is not, for lists: what is touched, or else what goes along."""
        return self.data or (self.sends[-1] if self.constant is not None and self.sends else None)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one attempt of a node can use up at most.

    `most`: None when nothing bounds it, `because` of this. `length_of`: it is the bytes of the text at this context
    path.
    """

    measure: Measure
    most: int | None
    because: str = ""
    length_of: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """Names declared elsewhere in the workflow that a node's own check needs, in declaration order."""

    mcp_servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChildUse:
    """A child workflow that a node runs.

    `workflow`: the file as written. `start`: the start node as written, None = the child's first. `field`: where
    the file is written, below the node. `times`: how often at most. `given`: context path of its input, None = the
    raw input of the node's own run; with `each`, it is run for each item of what is there. `soft`: what goes wrong in
    the child is a result, and no error of the parent.
    """

    workflow: str
    start: str | None
    field: tuple[str | int, ...]
    times: int = 1
    given: str | None = None
    each: bool = False
    soft: bool = False


class TypeOf(Protocol):
    """What a node's output type may depend on."""

    def __call__(self, path: str) -> Type:
        """The type of the value at a context path, when it resolves."""
        ...

    def or_null(self, path: str) -> Type:
        """The type of the value at a context path, null included when it may not resolve."""
        ...

    def child(self, workflow: str, start: str | None) -> Type:
        """The type of a child workflow's final value."""
        ...

    def schema(self, name: str) -> Type:
        """The type of what the JSON Schema of this name accepts."""
        ...

    def tool(self, server: str | None, name: str) -> Type:
        """The type of what an MCP tool answers, as it was locked."""
        ...


def no_effects(node: Any) -> Iterable[Effect]:  # noqa: ARG001 - the shape of the hook
    """The effects of a kind that touches nothing."""
    return ()


def no_costs(node: Any, limits: Mapping[str, int]) -> Iterable[Cost]:  # noqa: ARG001 - the shape of the hook
    """The costs of a kind that uses up nothing but its own visit."""
    return ()


def no_children(node: Any) -> Iterable[ChildUse]:  # noqa: ARG001 - the shape of the hook
    """The children of a kind that runs none."""
    return ()


def no_check(node: Any, at: Places, index: int, names: Names) -> Iterable[Diagnostic]:  # noqa: ARG001
    """The check of a kind without rules of its own."""
    return ()


def certain(node: Any) -> bool:  # noqa: ARG001 - the shape of the hook
    """That nothing is in doubt."""
    return False


Outcomes = Callable[[Any, TypeOf], Mapping[str | None, Type]]
"""The type of the output by the label that goes with it; None is no label."""


def either(outcomes: Outcomes) -> Callable[[Any, TypeOf], Type]:
    """The output of a kind whose outcomes differ, whatever the label."""
    return lambda node, type_of: union(outcomes(node, type_of).values())


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node kind.

    `output`: type of the output, given the node and the types upstream; Never = nothing is stored. `outcomes`: the
    same by label, where they differ. `doubtful`: the output may be missing although the node has run. `labels`:
    branch labels; `()` means the outcome has none, None means any string. `always_labelled`: no outcome is without a
    label. `decides`: the path field `expr` decides the label, by its truth or as its text. `aliases`: parts of the
    output that are values read. `check`: rules of spec 01 §9 that concern this kind alone, run in the order of
    `check_order`. `lower`: the node's value as an expression. `dry_run`: in a dry run the
    output lacks its keys. `retryable`: `retry` has an effect. `costs`: of one attempt, given the longest answer of
    each model backend in tokens.
    """

    kind: str
    summary: str
    model: type[NodeModel]
    output: Callable[[Any, TypeOf], Type]
    lower: Callable[[Any], Expr]
    outcomes: Outcomes | None = None
    doubtful: Callable[[Any], bool] = certain
    paths: tuple[PathField, ...] = ()
    templates: tuple[TemplateField, ...] = ()
    aliases: tuple[Alias, ...] = ()
    decides: Literal["truth", "label"] | None = None
    labels: tuple[str, ...] | None = ()
    always_labelled: bool = False
    end: End = "continue"
    effects: Callable[[Any], Iterable[Effect]] = no_effects
    children: Callable[[Any], Iterable[ChildUse]] = no_children
    costs: Callable[[Any, Mapping[str, int]], Iterable[Cost]] = no_costs
    errors: tuple[ErrorClass, ...] = ()
    check: Callable[[Any, Places, int, Names], Iterable[Diagnostic]] = no_check
    check_order: int = 0
    awaits: bool = False
    dry_run: bool = False
    retryable: bool = True

    def paths_of(self, node: NodeModel) -> Iterator[tuple[Place, PathField, str]]:
        """Each context path that a node of this kind holds: its place below the node, its field, the path."""
        for field in self.paths:
            for place, path in field.found_in(node):
                yield place, field, path

    @property
    def final(self) -> bool:
        """True when every run ends at the node."""
        return self.end in {"fail", "terminate"}

    @property
    def labelled(self) -> bool:
        """True when an outcome can carry a branch label."""
        return self.labels is None or bool(self.labels)


def no_file_name(text: str) -> str:
    """Why no file can have this name, or empty."""
    if not text:
        return "is empty, and a file has a name"
    return "has a zero byte, which no name has" if "\0" in text else ""


def handler(kind: str) -> str:
    """The name of a kind's runtime handler."""
    return f"agentdc_runtime.nodes.{kind}:run"
