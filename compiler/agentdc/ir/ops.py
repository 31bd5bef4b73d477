"""The program as data: what is compiled, with nothing left to decide for the code generator.

Rules of this form (checked by `verify.py`):

- A `Block` is a maximal chain of steps with one way in; only its last step chooses between ways out.
- An expression reads earlier outputs through `Fetch`. Before the resolve pass it reads them through `Load`,
  which holds the path as written; after it no `Load` is left.
- A `Fetch` from a `local` node names a step earlier in the same block. A node that any other block reads is
  `kept`: its output is also stored under its id in the run.
- Labels, targets and loop numbers are resolved; a `Choice` says all that edge picking needs (spec 01 §6.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from agentdc.ir.service import Offer, Service, ToolAnswer

Json: TypeAlias = Any
Missing: TypeAlias = Literal["error", "null"]
End: TypeAlias = Literal["continue", "fail", "terminate", "pause"]


@dataclass(frozen=True, slots=True)
class Const:
    """A JSON value known at build time."""

    value: Json


@dataclass(frozen=True, slots=True)
class Load:
    """A context path as written; `tool` raises when it does not resolve and `missing` is `error`."""

    path: str
    missing: Missing
    tool: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """A resolved context path.

    `node`: whose output. `local`: the output is a local variable of the block. `segments`: behind the node.
    `certain`: how many leading segments every value of the output has. `ran`: the node certainly ran.
    """

    node: str
    segments: tuple[str, ...]
    local: bool
    ran: bool
    certain: int
    missing: Missing
    tool: str
    path: str


@dataclass(frozen=True, slots=True)
class TriggerInput:
    """The raw trigger input."""


@dataclass(frozen=True, slots=True)
class Record:
    """An object with constant keys."""

    items: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True, slots=True)
class Hole:
    """A template key and its inner-walk segments.

    `known`: "string" when every value of the data has a string there, "value" when it has some value there,
    "nothing" when that is not certain; then `{{key}}` is emitted at run time where it does not resolve.
    """

    key: str
    segments: tuple[str, ...]
    known: Literal["nothing", "value", "string"] = "nothing"


@dataclass(frozen=True, slots=True)
class Template:
    """Literal text and holes, filled from `data`; the result is a string."""

    parts: tuple[str | Hole, ...]
    data: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """A runtime function `module:name` called with keyword arguments, and the run first when `takes_run`."""

    function: str
    arguments: tuple[tuple[str, Expr], ...] = ()
    takes_run: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """An argument that the handler evaluates itself, after its own checks."""

    body: Expr


@dataclass(frozen=True, slots=True)
class Items:
    """A tuple of expressions."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class ChildProgram:
    """Another program of the same app; `file` as written in the node, after linking the key of the child."""

    file: str


@dataclass(frozen=True, slots=True)
class Segments:
    """A constant inner path, as a tuple of strings."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Something of the runtime, `module:name`, that is handed over as it is."""

    name: str


@dataclass(frozen=True, slots=True)
class AnswerSchema:
    """What an answer must be: any JSON, or what a JSON Schema accepts.

    `name`: of the schema as written. `document`: the schema, once it is linked; None when the name means none.
    """

    name: str
    document: Json = None


Expr: TypeAlias = (
    Const
    | Load
    | Fetch
    | TriggerInput
    | Record
    | Template
    | Call
    | Later
    | Segments
    | Items
    | ChildProgram
    | AnswerSchema
    | Named
)


@dataclass(frozen=True, slots=True)
class Retry:
    """As written in the workflow; `transient` limits it to errors that may pass."""

    max_attempts: int
    backoff_ms: int
    transient: bool
    jitter: float


@dataclass(frozen=True, slots=True)
class LoopEdge:
    """An edge with `max_iterations`; `number` counts loop edges of the program from 0."""

    number: int
    limit: int
    target: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The edges that apply to one label (or to none): loop edges and plain targets, in file order."""

    loops: tuple[LoopEdge, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the workflow.

    `value` of a step that pauses: the keyword arguments of the pause. `labelled`: the expression yields (output,
    branch label). `kept`: the output is stored in the run. `exits`: label (None = no label) to choice; a label
    without an entry is a dead end. `covered`: every label that can occur has an exit.
    """

    node: str
    kind: str
    line: int
    value: Expr
    labelled: bool = False
    end: End = "continue"
    reason: str = ""
    retry: Retry | None = None
    awaits: bool = False
    kept: bool = False
    exits: tuple[tuple[str | None, Choice], ...] = ()
    covered: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A chain of steps; `name` is the id of its first node."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """A start node; `block` is the block its run begins at."""

    name: str
    source: str
    block: str


@dataclass(frozen=True, slots=True)
class Program:
    """One workflow, ready for code generation; `file` names it in comments and faults."""

    name: str
    file: str
    starts: tuple[Start, ...]
    blocks: tuple[Block, ...]
    loops: tuple[LoopEdge, ...]

    @property
    def awaits(self) -> bool:
        """The colour: True when any step must be awaited."""
        return any(step.awaits for block in self.blocks for step in block.steps)

    @property
    def cyclic(self) -> bool:
        """True when a run can visit a node twice, so that visits must be counted."""
        return any(loop.limit for loop in self.loops)


@dataclass(frozen=True, slots=True)
class Need:
    """What a run that goes on somewhere must have stored: `node` reads `path`, and takes `kind`: any, string, …"""

    node: str
    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """All programs of one app: the main one, and children by their key, in the order in which they are met.

    `main_key`: how a child that runs the main program again names it. `service`: what the app offers to the outside,
    None when it only runs once. `offers`: the tools of its MCP server; `purpose`: what it says of itself there.
    `answers`: what the tools that its nodes call must answer.
    `stepwise`: the main program with one block per node, for checkpoints and resuming; None when the app keeps no
    runs; `needs`: by node, what a run that goes on there must have stored.
    """

    main: Program
    children: tuple[tuple[str, Program], ...] = ()
    main_key: str = ""
    service: Service | None = None
    offers: tuple[Offer, ...] = ()
    answers: tuple[ToolAnswer, ...] = ()
    purpose: str = ""
    stepwise: Program | None = None
    needs: tuple[tuple[str, tuple[Need, ...]], ...] = ()

    @property
    def programs(self) -> tuple[Program, ...]:
        """Every program, the main one first."""
        return (self.main, *(program for _, program in self.children))

    @property
    def awaits(self) -> bool:
        """The colour of the app: True when any step of any program is awaited."""
        return any(program.awaits for program in self.programs)
