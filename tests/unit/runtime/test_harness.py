"""What runs inside a test app: scripted models and servers, stand-ins of kinds, and what a run passed."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from agentdc_runtime.core.process import Process
from agentdc_runtime.core.run import Ending, Node, Program, Run
from agentdc_runtime.errors import (
    IntelligenceError,
    McpError,
    PolicyError,
    SchemaError,
    ToolError,
    WorkflowError,
)
from agentdc_runtime.models.answer import ANY_JSON, Answer
from agentdc_runtime.testing import stand_ins
from agentdc_runtime.testing.mocks import KEPT, Mocks, variant
from agentdc_runtime.testing.scripted import Scripted
from agentdc_runtime.testing.watch import Seen, visited

WORLD: dict[str, Any] = {"backends": ["fast"], "servers": ["docs"]}
SCRIPT: dict[str, Any] = {
    "intel": None,
    "loop": None,
    "approvals": [],
    "fault": None,
    "mcp_tools": None,
    "mcp_resources": None,
    "allow": None,
}
ASK = Node("ask", "llm_infer", "workflow.toml", 7)


def _run(script: dict[str, Any], world: dict[str, Any] | None = None, *, dry_run: bool = False) -> Run:
    process = Process("test")
    mocks = process.kept[KEPT] = Mocks(WORLD | (world or {}), SCRIPT | script, 0)
    if mocks.scripted:
        process.models = cast(Any, Scripted(mocks))
    run = Run(Program("w", {}, 0), process, "manual", None, deadline=1e12, dry_run=dry_run)
    run.node = ASK
    return run


def _ask(run: Run, answer: Answer | None = None, repairs: int = 0, backend: str = "default") -> Any:
    asked = stand_ins.llm_infer(run, backend=backend, prompt=lambda: "?", answer=answer, repairs=repairs)
    return asyncio.run(asked)


def _replies(*contents: str) -> dict[str, Any]:
    return {"intel": [{"content": content} for content in contents]}


# Computed apart from the code, from the formula of spec 01 §10.2: rows are trials, columns turns.
@pytest.mark.parametrize(
    ("count", "table"),
    [
        (1, [[0, 0, 0, 0]] * 4),
        (2, [[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]),
        (3, [[0, 2, 0, 1], [1, 2, 2, 1], [1, 1, 1, 1], [2, 0, 0, 2]]),
        (5, [[0, 4, 2, 0], [0, 1, 2, 3], [4, 0, 2, 0], [4, 1, 0, 4]]),
    ],
)
def test_variant(count: int, table: list[list[int]]) -> None:
    assert [[variant(trial, turn, count) for turn in range(4)] for trial in range(4)] == table


def test_each_trial_takes_its_variants() -> None:
    turns = [{"variants": [{"content": "a"}, {"content": "b", "prompt_tokens": 3, "completion_tokens": 4}]}]
    said = [Mocks(WORLD, SCRIPT | {"intel": turns}, trial).reply() for trial in range(3)]
    assert said == [("a", 0, 0), ("b", 3, 4), ("a", 0, 0)]


def test_replies_are_first_in_first_out_and_then_an_error() -> None:
    run = _run(_replies("one", "two"))
    assert _ask(run) == {
        "content": "one",
        "parsed": None,
        "stop_reason": None,
        "usage": {"completion_tokens": 0, "prompt_tokens": 0},
    }
    assert _ask(run)["content"] == "two"
    with pytest.raises(IntelligenceError) as caught:
        _ask(run)
    assert caught.value.display == "intelligence call failed: call 3 finds no mock reply left; there were 2"
    assert caught.value.transient


@pytest.mark.parametrize("call", [1, 2])
def test_a_fault_takes_no_reply(call: int) -> None:
    run = _run(_replies("one", "two") | {"fault": call})
    said = []
    for _ in range(3):
        try:
            said.append(_ask(run)["content"])
        except IntelligenceError as error:
            said.append(error.display)
    fault = f"intelligence call failed: transport fault, injected at call {call}"
    assert said == [fault, "one", "two"] if call == 1 else ["one", fault, "two"]
    assert run.process.counters["llm_calls"] == 2


@pytest.mark.parametrize("backend", ["default", "fast"])
def test_the_mock_answers_for_every_declared_backend(backend: str) -> None:
    assert _ask(_run(_replies("x")), backend=backend)["content"] == "x"


def test_unknown_backend_is_told_with_the_known_ones() -> None:
    with pytest.raises(
        IntelligenceError, match="no model backend is called `slow`; there are: default, fast"
    ):
        _ask(_run(_replies("x")), backend="slow")


def test_dry_runs_ask_nobody_but_know_the_backends() -> None:
    run = _run(_replies(), dry_run=True)
    run.process.kept[KEPT].intel = []
    assert _ask(run) == {"content": "<dry-run>", "dry_run": True, "parsed": None}
    with pytest.raises(IntelligenceError):
        _ask(run, backend="slow")


def test_without_a_model_the_node_is_a_stub() -> None:
    assert _ask(_run({}), backend="whatever") == {"stub": "llm_infer"}


def test_tokens_are_counted_for_every_call() -> None:
    turn = {"content": "no", "prompt_tokens": 5, "completion_tokens": 2}
    run = _run({"intel": [turn, {"content": "7", "prompt_tokens": 1}]})
    output = _ask(run, ANY_JSON, repairs=1)
    assert output == {
        "content": "7",
        "parsed": 7,
        "stop_reason": None,
        "usage": {"completion_tokens": 0, "prompt_tokens": 1},
    }
    assert (run.process.counters["llm_calls"], run.process.counters["llm_tokens"]) == (2, 8)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("```json\n1\n```", "model returned invalid JSON: "),
        ("NaN", "model returned invalid JSON: "),
        ("1", "schema violation: /: not a mood"),
    ],
)
def test_rejected_replies(content: str, reason: str) -> None:
    answer = Answer(lambda value: None if value == "calm" else "/: not a mood", {"const": "calm"})
    with pytest.raises(SchemaError) as caught:
        _ask(_run(_replies(content, content)), answer, repairs=1)
    assert caught.value.display.startswith(f"schema validation failed: node `ask`, 2 attempts: {reason}")
    assert not caught.value.transient


def _call(run: Run, tool: str = "find", server: str | None = None) -> Any:
    return stand_ins.call_mcp_tool(run, tool=tool, server=server, arguments=lambda: None)


def test_tool_results() -> None:
    queue = [{}, {"content": [{"type": "text", "text": "x"}], "isError": True, "structuredContent": {"n": 1}}]
    run = _run({"mcp_tools": {"find": queue}, "mcp_resources": {}})
    empty = {"content": [], "is_error": False, "server": "docs", "structured": None, "tool": "find"}
    assert _call(run) == (empty, None)
    content = [{"type": "text", "text": "x"}]
    failed = empty | {"content": content, "is_error": True, "structured": {"n": 1}}
    assert _call(run) == (failed, "error")
    for tool, reason in (
        ("find", "mcp: the tool `find` has no mock left"),
        ("get", "mcp: the tool `get` has no mock"),
    ):
        with pytest.raises(McpError) as caught:
            _call(run, tool)
        assert caught.value.display == reason and caught.value.transient
    assert len(queue) == 2  # the script itself is not used up


def test_resources() -> None:
    run = _run({"mcp_resources": {"docs://a": [{"contents": [{"text": "x"}]}, {}]}, "mcp_tools": {}})

    def read(uri: Any) -> Any:
        return stand_ins.read_mcp_resource(run, uri=lambda: uri, server=None)

    assert read("docs://a") == {"contents": [{"text": "x"}], "server": "docs", "uri": "docs://a"}
    assert read("docs://a") == {"contents": [], "server": "docs", "uri": "docs://a"}
    with pytest.raises(McpError):
        read("docs://b")
    with pytest.raises(ToolError, match="resource_from must resolve to a string"):
        read(1)


@pytest.mark.parametrize(
    ("servers", "named", "meant"),
    [
        ([], None, "default"),
        (["a"], None, "a"),
        (["a", "b"], "b", "b"),
        (["a", "b"], None, None),
        (["a"], "c", None),
    ],
)
def test_server_of_a_node(servers: list[str], named: str | None, meant: str | None) -> None:
    run = _run({"mcp_tools": {"find": [{}]}}, {"servers": servers})
    if meant is None:
        with pytest.raises(WorkflowError):
            _call(run, server=named)
    else:
        assert _call(run, server=named)[0]["server"] == meant


def test_allowlists_come_before_dry_run_and_mocks() -> None:
    script = {"mcp_tools": {"find": [{}]}, "allow": {"docs": {"tool": ["fi*"], "resource": []}}}
    assert _call(_run(script))[1] is None
    assert _call(_run(script, dry_run=True)) == ({"dry_run": True, "server": "docs", "tool": "find"}, None)
    with pytest.raises(PolicyError, match="call_mcp_tool: tool `get` is not covered by the allowlist"):
        _call(_run(script, dry_run=True), "get")
    with pytest.raises(PolicyError):
        stand_ins.read_mcp_resource(_run(script), uri=lambda: "docs://a", server=None)


def test_without_servers_mcp_nodes_are_stubs() -> None:
    run = _run({})
    assert _call(run) == ({"stub": "call_mcp_tool"}, None)
    assert stand_ins.read_mcp_resource(run, uri=lambda: 1, server=None) == {"stub": "read_mcp_resource"}
    assert stand_ins.stub(kind="agent_loop") == ({"stub": "agent_loop"}, None)


def test_a_pause_goes_on_with_the_consent_that_is_scripted() -> None:
    run = _run({"approvals": [{"by": "ann", "note": None}]})
    said = {"approved": True, "at": "1970-01-01T00:00:00.000000Z", "by": "ann", "note": None}
    assert stand_ins.pause(run) == said
    with pytest.raises(WorkflowError):
        stand_ins.pause(run)


def test_a_pause_is_a_workflow_error() -> None:
    with pytest.raises(WorkflowError, match="state directory"):
        stand_ins.pause(_run({}))


def test_what_was_never_asked_for() -> None:
    mocks = Mocks(WORLD, SCRIPT | _replies("a", "b") | {"mcp_tools": {"find": [{}], "get": [{}]}}, 0)
    mocks.reply()
    mocks.answer("tool", "get")
    assert mocks.unused() == {"intel": 1, "mcp_tools.find": 1}


def test_seen_nodes_and_edges() -> None:
    run = _run({})
    a, b = Node("a", "switch", "w.toml", 1), Node("b", "merge", "w.toml", 2)
    run.trace = [(a, "x", None, 0.0), (a, "x", None, 0.0), (b, None, None, 0.0)]
    run.node = ASK
    seen = Seen()
    ended = Ending("errored", "ask", 0, error=ToolError("llm_infer", "no"))
    seen.add(run, ended)
    assert [each.id for each in visited(run, ended)] == ["a", "a", "b", "ask"]
    assert seen.by_file()["w.toml"] == {
        "nodes": ["a", "b"],
        "edges": [["a", "x", "a"], ["a", "x", "b"], ["b", None, "ask"]],
    }
    run.at_edge = True  # the error came from picking an edge: nothing was entered
    assert [each.id for each in visited(run, ended)] == ["a", "a", "b"]


def test_children_announce_themselves() -> None:
    seen = Seen()
    process = Process("test", journal=cast(Any, seen.watch))
    child = Run(Program("c", {}, 0), process, "manual", None, deadline=1e12)
    assert process.journal is not None
    journal = process.journal(child, "go", None)
    journal.started()
    child.trace = [(ASK, None, None, 0.0)]
    journal.ended(Ending("completed", "ask", 0), False)
    assert child.journal is journal
    assert seen.nodes == {("workflow.toml", "ask")}
