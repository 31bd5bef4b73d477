"""The passes: what each one does to small programs, the rules that hold after them, and that they keep the meaning.

The last is tested against a plain interpreter of the specification: random workflows run the same in both.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import Any

import pytest
from compiled import checked
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdc.codegen.render import render
from agentdc.codegen.schemas import Schemas
from agentdc.codegen.workflow import WorkflowModule
from agentdc.ir.ops import (
    Block,
    Bundle,
    Choice,
    Const,
    End,
    Expr,
    Fetch,
    Load,
    LoopEdge,
    Program,
    Record,
    Start,
    Step,
    Template,
)
from agentdc.ir.verify import BrokenProgram, verify
from agentdc.lower.build import lower
from agentdc.nodes.template import parse
from agentdc.passes.chain import MAX_STEPS, chain
from agentdc.passes.fold import fold
from agentdc.passes.localise import localise
from agentdc.passes.pipeline import run_passes
from agentdc.passes.prune import prune
from agentdc_runtime.core.drive import drive
from agentdc_runtime.core.process import Process
from agentdc_runtime.core.run import Program as RuntimeProgram
from agentdc_runtime.core.run import Run
from agentdc_runtime.errors import AgentError, ToolError, WorkflowError


def _fetch(node: str, *segments: str, ran: bool = True, local: bool = False) -> Fetch:
    return Fetch(node, segments, local, ran, 0, "error", "t", ".".join((node, *segments)))


def _step(node: str, *targets: str, value: Expr = Const(None), end: End = "continue") -> Step:  # noqa: B008
    exits = ((None, Choice((), targets)),) if targets else ()
    return Step(node, "merge", 1, value, end=end, exits=exits)


def _block(node: str, *targets: str, value: Expr = Const(None), end: End = "continue") -> Block:  # noqa: B008
    return Block(node, (_step(node, *targets, value=value, end=end),))


def _program(*blocks: Block, loops: tuple[LoopEdge, ...] = (), starts: tuple[str, ...] = ("a",)) -> Program:
    return Program("w", "w.toml", tuple(Start(name, "manual", name) for name in starts), blocks, loops)


def _shape(program: Program) -> list[list[str]]:
    return [[step.node for step in block.steps] for block in program.blocks]


def test_prune_drops_what_no_start_reaches() -> None:
    kept = prune(_program(_block("a", "b"), _block("x", "b"), _block("b"), _block("y")))
    assert [block.name for block in kept.blocks] == ["a", "b"]


def test_prune_numbers_the_loops_that_are_left() -> None:
    loops = tuple(LoopEdge(number, 5 + number, "a") for number in range(3))
    first = Block("a", (replace(_step("a"), exits=((None, Choice((loops[2], loops[1]), ())),)),))
    gone = Block("x", (replace(_step("x"), exits=((None, Choice((loops[0],), ())),)),))
    kept = prune(_program(first, gone, loops=loops))
    assert kept.loops == (LoopEdge(0, 6, "a"), LoopEdge(1, 7, "a"))
    assert [loop.limit for loop in kept.blocks[0].steps[0].exits[0][1].loops] == [7, 6]
    assert [loop.number for loop in kept.blocks[0].steps[0].exits[0][1].loops] == [1, 0]


@pytest.mark.parametrize(
    ("blocks", "starts", "shape"),
    [
        ([_block("a", "b"), _block("b", "c"), _block("c")], ["a"], [["a", "b", "c"]]),
        # A join, a second start, a branch, an ambiguity and an end each end a chain.
        ([_block("a", "c"), _block("b", "c"), _block("c")], ["a", "b"], [["a"], ["b"], ["c"]]),
        ([_block("a", "b"), _block("b")], ["a", "b"], [["a"], ["b"]]),
        ([_block("a", "b", "c"), _block("b"), _block("c")], ["a"], [["a"], ["b"], ["c"]]),
        ([_block("a", "b"), _block("b", "c", end="terminate"), _block("c")], ["a"], [["a", "b"], ["c"]]),
        # In whatever order they stand.
        ([_block("c"), _block("b", "c"), _block("a", "b")], ["a"], [["a", "b", "c"]]),
    ],
)
def test_chains(blocks: list[Block], starts: list[str], shape: list[list[str]]) -> None:
    assert _shape(chain(_program(*blocks, starts=tuple(starts)))) == shape


def test_a_loop_target_begins_a_block() -> None:
    loop = LoopEdge(0, 2, "b")
    last = Block("c", (replace(_step("c"), exits=((None, Choice((loop,), ())),)),))
    assert _shape(chain(_program(_block("a", "b"), _block("b", "c"), last, loops=(loop,)))) == [
        ["a"],
        ["b", "c"],
    ]


def test_a_long_chain_is_cut() -> None:
    names = [f"n{number}" for number in range(2 * MAX_STEPS + 1)]
    blocks = [_block(name, *names[number + 1 : number + 2]) for number, name in enumerate(names)]
    cut = verify(chain(_program(*blocks, starts=("n0",))))
    assert [len(block.steps) for block in cut.blocks] == [MAX_STEPS, MAX_STEPS, 1]
    assert cut.blocks[0].steps[-1].exits == ((None, Choice((), (f"n{MAX_STEPS}",))),)


@pytest.mark.parametrize(
    ("text", "data", "folded"),
    [
        ("plain", Const(None), Const("plain")),
        ("", Const(None), Const("")),
        ("{{x", Const(None), Const("{{x")),
        ("{{x}}", Const(None), None),
        # The data must resolve, even when nothing of it is shown.
        ("plain", _fetch("a", "x"), None),
    ],
)
def test_fold(text: str, data: Expr, folded: Expr | None) -> None:
    template = Template(parse(text), data)
    value = fold(_program(_block("a", value=Record((("rendered", template),))))).blocks[0].steps[0].value
    assert value == Record((("rendered", template if folded is None else folded),))


def test_localise() -> None:
    first = Block(
        "a", (_step("a"), _step("b", value=_fetch("a", ran=False)), _step("c", "d", value=_fetch("c")))
    )
    second = Block("d", (_step("d", value=Record((("x", _fetch("b")), ("y", _fetch("trigger"))))),))
    found = localise(_program(first, second))
    a, b, c, d = (step for block in found.blocks for step in block.steps)
    assert b.value == _fetch("a", local=True)  # what stands before it in the block has run
    assert c.value == _fetch("c")  # itself is what it was the last time
    assert d.value == Record((("x", _fetch("b")), ("y", _fetch("trigger"))))
    assert [step.kept for step in (a, b, c, d)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (_program(_block("a"), _block("a")), "two blocks have one name"),
        (_program(_block("b")), "start a leads to a, which is no block"),
        (_program(_block("a", "z")), "a leads to z, which is no block"),
        (_program(Block("a", ())), "block a is not named after its first step"),
        (_program(Block("a", (_step("b"),))), "block a is not named after its first step"),
        (
            _program(Block("a", (_step("a", "a"), _step("b")))),
            "step a chooses a way out in the middle of a block",
        ),
        (
            _program(Block("a", (_step("a", end="fail"), _step("b")))),
            "step a chooses a way out in the middle",
        ),
        (
            _program(_block("a", value=Load("trigger.x", "error", "t"))),
            "step a still reads trigger.x as written",
        ),
        (_program(_block("a", value=_fetch("b", local=True))), "step a reads b before it ran"),
        (_program(_block("a", value=Record((("x", _fetch("b")),)))), "step a reads b, which is not kept"),
    ],
)
def test_broken_programs(program: Program, message: str) -> None:
    with pytest.raises(BrokenProgram, match=message):
        verify(program)


def test_a_maybe_read_needs_no_producer() -> None:
    verify(_program(_block("a", value=_fetch("b", ran=False))))


# Random workflows -----------------------------------------------------------------------------------------------

LABELS = ["null", "x", "object"]


@st.composite
def workflows(draw: st.DrawFn) -> dict[str, Any]:
    """Nodes n0… with forward edges, loop edges anywhere, and reads of any node's output."""
    count = draw(st.integers(1, 7))
    nodes = [draw(_nodes(number, count)) for number in range(count)]
    edges: list[dict[str, Any]] = []
    for number in range(1, count):
        sources = draw(st.sets(st.integers(0, number - 1), min_size=1, max_size=2))
        edges += [{"from": f"n{each}", "to": f"n{number}", **_when(draw, nodes[each])} for each in sources]
    for _ in range(draw(st.integers(0, 4))):
        source, target = draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))
        rounds = {"max_iterations": draw(st.integers(0, 3))}
        edges.append({"from": f"n{source}", "to": f"n{target}", **rounds, **_when(draw, nodes[source])})
    return {"nodes": nodes, "edges": draw(st.permutations(edges))}


def _when(draw: st.DrawFn, source: dict[str, Any]) -> dict[str, str]:
    if source["type"] == "condition":
        return {"when": draw(st.sampled_from(["true", "false"]))}
    if source["type"] == "switch":
        return {"when": draw(st.sampled_from(LABELS))}
    return {"when": "x"} if draw(st.integers(0, 9)) == 0 else {}


def _nodes(number: int, count: int) -> st.SearchStrategy[dict[str, Any]]:
    keys = st.sampled_from(["", ".value", ".rendered", ".x", ".value.value"])
    others = st.integers(0, count - 1).flatmap(lambda other: keys.map(lambda key: f"n{other}{key}"))
    paths = st.sampled_from(["trigger", "trigger.x", "trigger.x.y"]) | others
    name = f"n{number}"
    return st.one_of(
        st.just({"id": name, "type": "merge"}),
        st.just({"id": name, "type": "terminate"}),
        st.just({"id": name, "type": "fail", "reason": "why"}),
        paths.map(lambda path: {"id": name, "type": "condition", "expr": path}),
        paths.map(lambda path: {"id": name, "type": "switch", "expr": path}),
        paths.map(lambda path: {"id": name, "type": "json_select", "input_from": path, "path": "value"}),
        paths.map(lambda path: {"id": name, "type": "template_render", "template": "x", "input_from": path}),
        paths.map(
            lambda path: {
                "id": name,
                "type": "template_render",
                "template": "<{{value}}{{}}>",
                "input_from": path,
            }
        ),
    )


def _toml(workflow: dict[str, Any]) -> str:
    lines = ['name = "w"', "[[start_nodes]]", 'name = "go"', 'source = "manual"', 'entry_node = "n0"']
    for table in ("nodes", "edges"):
        for entry in workflow[table]:
            lines.append(f"[[{table}]]")
            lines += [
                f"{key} = {value if isinstance(value, int) else repr(value)}" for key, value in entry.items()
            ]
    return "\n".join(lines) + "\n"


class _Interpreter:
    """The run algorithm of spec 01 §6, step by step over the document."""

    def __init__(self, workflow: dict[str, Any], given: Any) -> None:
        self._nodes = {node["id"]: node for node in workflow["nodes"]}
        self._edges = workflow["edges"]
        self._spent = [0] * len(self._edges)
        trigger = (
            {"kind": "manual", **given} if isinstance(given, dict) else {"kind": "manual", "input": given}
        )
        self.outputs: dict[str, Any] = {"trigger": trigger}
        self.trace: list[tuple[str, str | None, Any]] = []

    def run(self) -> tuple[str, Any]:
        """(status, value, reason or class of the error)."""
        current: str | None = "n0"
        while current is not None:
            node = self._nodes[current]
            try:
                output, branch = self._visit(node)
            except ToolError:
                return "errored", ToolError
            self.trace.append((current, branch, output))
            if node["type"] == "fail":
                return "failed", node["reason"]
            if node["type"] == "terminate":
                return "completed", None
            self.outputs[current] = output
            try:
                current = self._next(current, branch)
            except WorkflowError:
                return "errored", WorkflowError
        return "completed", self.outputs[self.trace[-1][0]]

    def _visit(self, node: dict[str, Any]) -> tuple[Any, str | None]:
        match node["type"]:
            case "condition":
                value = self._find(node["expr"])
                return {"value": value}, "true" if value not in (None, False, 0, "", [], {}) else "false"
            case "switch":
                value = self._find(node["expr"])
                kinds = {dict: "object", type(None): "null", bool: str(value).lower()}
                return {"value": value}, kinds.get(type(value), str(value))
            case "json_select":
                value = self._need(node["input_from"])
                has = isinstance(value, dict) and "value" in value
                return {"found": has, "value": value["value"] if has else None}, None
            case "template_render":
                value = self._need(node["input_from"])
                has = isinstance(value, dict) and "value" in value
                inner = _shown(value["value"]) if has else "{{value}}"
                return {"rendered": "x" if node["template"] == "x" else f"<{inner}{_shown(value)}>"}, None
        return None, None

    def _need(self, path: str) -> Any:
        value: Any = self.outputs
        for segment in path.split("."):
            if not isinstance(value, dict) or segment not in value:
                raise ToolError("", "")
            value = value[segment]
        return value

    def _find(self, path: str) -> Any:
        try:
            return self._need(path)
        except ToolError:
            return None

    def _next(self, current: str, branch: str | None) -> str | None:
        loops, plain = [], []
        for number, edge in enumerate(self._edges):
            if edge["from"] != current or edge.get("when") != branch:
                continue
            if "max_iterations" not in edge:
                plain.append(number)
            elif self._spent[number] < edge["max_iterations"]:
                loops.append(number)
        if len(loops) > 1 or len(plain) > 1:
            raise WorkflowError("", "")
        chosen = [*loops, *plain][:1]
        for number in chosen:
            self._spent[number] += 1
        return self._edges[chosen[0]]["to"] if chosen else None


def _shown(value: Any) -> str:
    from agentdc_runtime.values import text

    return text(value)


def _compiled(text: str) -> RuntimeProgram:
    """The program of the generated workflow module; formatting is left out, as it takes most of the time."""
    report = checked(text)
    assert report.workflow is not None
    assert report.facts is not None, [each.message for each in report.diagnostics]
    assert report.decoded is not None
    bundle = run_passes(Bundle(lower(report.workflow, report.facts, report.decoded.places, "w.toml")))
    assert run_passes(bundle) == bundle
    module: dict[str, Any] = {}
    writer = WorkflowModule(bundle.main, {}, "w", Schemas(bundle), awaits=False)
    exec(render("app/workflow.py.j2", writer.view("w")), module)
    found = module["PROGRAM"]
    assert isinstance(found, RuntimeProgram)
    return found


@settings(max_examples=300, deadline=None)
@given(workflows(), st.sampled_from([None, {}, {"x": "x"}, {"x": {"y": {"value": 0}}}]))
def test_compiled_workflows_run_as_the_specification_says(workflow: dict[str, Any], given_input: Any) -> None:
    program = _compiled(_toml(workflow))
    run = Run(program, Process("id"), "manual", given_input, deadline=monotonic() + 60)
    ending = drive(run, program.starts["go"][1])
    plain = _Interpreter(workflow, given_input)
    status, value = plain.run()
    assert ending.status == status, (ending.error, _toml(workflow))
    assert [(node.id, branch, output) for node, branch, output, _ in run.trace] == plain.trace
    if status == "completed":
        assert ending.value == value
    elif status == "failed":
        assert ending.reason == value
    else:
        assert isinstance(ending.error, AgentError)
        assert type(ending.error) is value
    assert ending.last_node == (run.trace[-1][0].id if value is not ToolError else run.last_node)
