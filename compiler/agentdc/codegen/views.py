"""One frozen record per template: everything that it may print. All fields are finished source text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeView:
    """A module constant that names a node in the trace."""

    constant: str
    id: str
    kind: str
    line: int


@dataclass(frozen=True, slots=True)
class ExitView:
    """What happens after a step for one label: lines of source, the last one returns."""

    test: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a block.

    `target`: the left side of the assignment. `before`: statements ahead of it. `attempt`: name of the nested
    function that is retried, or empty; `result` its type. `branch`: source of the label in the trace.
    `exits`: only for the last step. `pauses`: the run stops here, which the exit tells the trace.
    """

    comment: str
    constant: str
    target: str
    value: str
    before: tuple[str, ...]
    attempt: str
    result: str
    retry: str
    branch: str
    output: str
    exits: tuple[ExitView, ...]
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class BlockView:
    """One generated function."""

    function: str
    docstring: str
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class RetryView:
    """A module constant with the retry settings of a node."""

    constant: str
    arguments: str


@dataclass(frozen=True, slots=True)
class StartView:
    """One entry of the table of start nodes."""

    name: str
    source: str
    function: str


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """`app/workflow.py.j2`: the graph as Python functions; `awaits` when they are coroutine functions.

    `points`: where a run can go on, by node id; none in a program that is only begun at its starts. `needs`: what it
    must have stored there.
    """

    docstring: str
    name: str
    file: str
    awaits: bool
    abi: int
    imports: tuple[str, ...]
    nodes: tuple[NodeView, ...]
    retries: tuple[RetryView, ...]
    blocks: tuple[BlockView, ...]
    starts: tuple[StartView, ...]
    points: tuple[StartView, ...]
    needs: tuple[tuple[str, str], ...]
    loops: int
    counts_visits: bool
    max_visits: int


@dataclass(frozen=True, slots=True)
class ServeView:
    """`app/serve.py.j2`: routes as arguments of `Route`, triggers as expressions, parts as arguments of `Surface`."""

    docstring: str
    imports: tuple[str, ...]
    routes: tuple[str, ...]
    triggers: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OffersView:
    """`app/offers.py.j2`: tools as arguments of `Offer`. `over_http`: there is a route for them."""

    docstring: str
    imports: tuple[str, ...]
    offers: tuple[str, ...]
    purpose: str
    version: str
    walk: str
    opaque: str
    over_http: bool


@dataclass(frozen=True, slots=True)
class ToolsView:
    """`app/tools.py.j2`: entries of a table from server and tool to what checks an answer."""

    docstring: str
    imports: tuple[str, ...]
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelsView:
    """`app/models.py.j2`: name and module of each dialect that a provider speaks."""

    docstring: str
    imports: tuple[str, ...]
    dialects: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MainView:
    """`app/main.py.j2`: the app record and its entry point. `stepwise`: there is a module of that name."""

    docstring: str
    package: str
    stepwise: bool
    version: str
    imports: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectView:
    """The files around the package: project file, readme, `__init__` and `__main__`. Plain words, no user text.

    `package`: the import name. `distribution`: the name to install. `title`: printable, of one line.
    """

    package: str
    distribution: str
    title: str
    compiler: str
    workflow_sha256: str
    dependencies: str
