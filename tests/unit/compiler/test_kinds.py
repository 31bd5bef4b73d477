"""Every node kind is complete: what it declares fits the specification, its handler, its model and its cases.

A part that is missing fails with the path to create.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from pathlib import Path
from typing import Any

import pytest
import tomli
from compiled import TESTS, checked_file

from agentdc.diagnostics import SourceFile
from agentdc.ir.ops import Call, Expr
from agentdc.ir.walk import parts
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import MODELS, SPECS
from agentdc.nodes.spec import ErrorClass, Family, NodeSpec
from agentdc.parse.decode import decode
from agentdc.passes import colour

NODES = TESTS / "nodes"
HANDLERS = TESTS.parent / "runtime_lib" / "agentdc_runtime" / "nodes"
KINDS = sorted(SPECS)

# The table at the head of spec 01 §5, and §2.4.
LABELS: dict[str, tuple[str, ...] | None] = {
    **dict.fromkeys(("http_request", "call_mcp_tool", "shell_run", "call", "parallel", "map"), ("error",)),
    "agent_loop": ("exhausted",),
    "condition": ("true", "false"),
    "switch": None,
}
SKIPPED_IN_DRY_RUNS = {
    "read_file", "read_mcp_resource", "llm_infer", "agent_loop", "write_file", "create_dir", "http_request",
    "call_mcp_tool", "shell_run",
}  # fmt: skip
NEVER_RETRIED = {"call", "parallel", "map", "pause_for_approval"} | {
    "fail",
    "merge",
    "terminate",
}  # these cannot err
# The handler has a Workflow error of its own for what is no array, and one for nothing at all.
LOADED_AS_NULL = {("map", "items_from")}
AWAITED = {
    *("agent_loop", "call_mcp_tool", "http_request", "llm_infer", "map", "parallel", "read_mcp_resource"),
    "shell_run",
}
# A handler that is there twice: for apps that await, and for those that do not.
TWIN = {colour.PLAIN: colour.AWAITED}
ENDS = {"fail": "fail", "pause_for_approval": "pause", "terminate": "terminate"}
CHECK_ORDER = {
    "call_mcp_tool": 7, "read_mcp_resource": 7, "agent_loop": 8, "respond": 9, "map": 10, "http_request": 11,
}  # fmt: skip
UNRESOLVED_IS_NULL = {
    ("condition", "expr"), ("switch", "expr"), ("llm_infer", "input_from"), ("call", "input_from"),
    ("call_mcp_tool", "args_from"), ("shell_run", "args_from"), ("parallel", "branches[].input_from"),
}  # fmt: skip


def _source(kind: str) -> Path:
    return NODES / kind / "workflow.toml"


def _table(kind: str) -> dict[str, Any]:
    """The first node of the kind in its own case, as a TOML table."""
    document = tomli.loads(_source(kind).read_text("utf-8"))
    table: dict[str, Any] = next(node for node in document["nodes"] if node["type"] == kind)
    return table


def _nodes(kind: str) -> list[NodeModel]:
    workflow = checked_file(_source(kind)).workflow
    assert workflow is not None
    return [node for node in workflow.nodes if node.type == kind]


def test_the_registry_is_sorted_and_complete() -> None:
    assert list(SPECS) == KINDS
    assert len(KINDS) == 24
    assert [spec.kind for spec in SPECS.values()] == KINDS
    assert {kind: spec.model for kind, spec in SPECS.items()} == MODELS


@pytest.mark.parametrize("kind", KINDS)
def test_declaration(kind: str) -> None:
    spec = SPECS[kind]
    assert spec.summary.strip() == spec.summary
    assert spec.summary
    assert not spec.summary.endswith(".")
    assert "\n" not in spec.summary
    assert spec.model.__doc__
    assert typing.get_type_hints(spec.model)["type"] == typing.Literal[kind]
    assert set(spec.errors) <= set(typing.get_args(ErrorClass))
    assert spec.labels == LABELS.get(kind, ())
    assert spec.always_labelled == (kind in {"condition", "switch"})
    assert spec.dry_run == (kind in SKIPPED_IN_DRY_RUNS)
    assert spec.retryable == (kind not in NEVER_RETRIED)
    assert spec.end == ENDS.get(kind, "continue")
    assert spec.check_order == CHECK_ORDER.get(kind, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_paths(kind: str) -> None:
    """Every field that holds a context path is declared as one, with what an unresolved path does (spec 01 §3.2)."""
    spec = SPECS[kind]
    holds = {name for name in spec.model.model_fields if name == "expr" or name.endswith("_from")}
    holds |= {"branches[].input_from"} if kind == "parallel" else set()
    holds |= {"branches[].input_from"} if kind == "parallel" else set()
    assert {field.name for field in spec.paths} == holds
    for field in spec.paths:
        assert field.missing == ("null" if (kind, field.name) in UNRESOLVED_IS_NULL else "error")


@pytest.mark.parametrize("kind", KINDS)
def test_effects(kind: str) -> None:
    spec = SPECS[kind]
    for node in _nodes(kind):
        for effect in spec.effects(node):
            assert effect.family in typing.get_args(Family)
            assert effect.field in spec.model.model_fields
            assert effect.constant is None or effect.data is None
            assert not effect.chosen or kind == "agent_loop"


def _calls(expr: Expr) -> list[Call]:
    return [part for part in parts(expr) if isinstance(part, Call)]


def _lowered(spec: NodeSpec) -> list[Expr]:
    return [spec.lower(node) for node in _nodes(spec.kind)]


def _function(named: str) -> Any:
    module, _, name = named.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("kind", KINDS)
def test_handler(kind: str) -> None:
    """What lowering calls is there, and takes exactly the arguments that it is given."""
    for expr in _lowered(SPECS[kind]):
        for call in _calls(expr):
            function = _function(call.function)
            parameters = list(inspect.signature(function).parameters.values())
            keywords = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
            places = [each for each in parameters if each.kind is not inspect.Parameter.KEYWORD_ONLY]
            assert [each.name for each in places] == (["run"] if call.takes_run else [])
            given = {name for name, _ in call.arguments}
            needed = {each.name for each in keywords if each.default is inspect.Parameter.empty}
            assert needed <= given <= {each.name for each in keywords}
            labelled = SPECS[kind].labelled and call == expr
            assert str(function.__annotations__["return"]).startswith("tuple[") == labelled


@pytest.mark.parametrize("kind", KINDS)
def test_lowering_reads_the_declared_paths(kind: str) -> None:
    """Each path field is read through a `Load` that does what the declaration says when it does not resolve."""
    from agentdc.ir.ops import Load

    spec = SPECS[kind]
    for node in _nodes(kind):
        loads = [part for part in parts(spec.lower(node)) if isinstance(part, Load)]
        wanted = [
            (path, "null" if (kind, field.name) in LOADED_AS_NULL else field.missing)
            for _, field, path in spec.paths_of(node)
        ]
        assert sorted((load.path, load.missing) for load in loads) == sorted(wanted)
        assert {load.tool for load in loads} <= {kind}


@pytest.mark.parametrize("kind", KINDS)
def test_awaited_handlers_are_coroutines(kind: str) -> None:
    assert SPECS[kind].awaits == (kind in AWAITED)
    for expr in _lowered(SPECS[kind]):
        for call in _calls(expr):
            awaits = SPECS[kind].awaits and call == expr
            assert inspect.iscoroutinefunction(_function(call.function)) == awaits


@pytest.mark.parametrize("plain", TWIN)
def test_twins_take_the_same(plain: str) -> None:
    one, other = _function(plain), _function(TWIN[plain])
    assert inspect.signature(one) == inspect.signature(other)
    assert inspect.iscoroutinefunction(other)


@pytest.mark.parametrize("kind", KINDS)
def test_valid_case(kind: str) -> None:
    assert _source(kind).exists(), f"create {_source(kind)}"
    report = checked_file(_source(kind))
    errors = [each.message for each in report.diagnostics if each.is_error]
    assert not errors
    assert report.workflow is not None
    assert any(node.type == kind for node in report.workflow.nodes)
    assert not report.unsupported


def _document(node: dict[str, Any]) -> SourceFile:
    lines = [f"{key} = {_toml(value)}" for key, value in node.items()]
    return SourceFile("workflow.toml", "\n".join(['name = "w"', "[[nodes]]", *lines, ""]).encode())


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case list():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    raise TypeError(type(value))


def _slugs(node: dict[str, Any]) -> list[str]:
    return [each.code.slug for each in decode(_document(node), MODELS).diagnostics]


@pytest.mark.parametrize("kind", KINDS)
def test_invalid_nodes(kind: str) -> None:
    """A missing key, a key too many, and a wrong type of each key are found, alone and by name."""
    node = _table(kind)
    ignores = SPECS[kind].model.model_config.get("extra") == "ignore"
    if not ignores:
        assert _slugs(node) == []
    plain = {key: value for key, value in node.items() if key in SPECS[kind].model.model_fields}
    assert _slugs({**plain, "no_such_key": 1}) == ["ignored_field" if ignores else "unknown_key"]
    for key, value in plain.items():
        assert _slugs({**plain, key: [] if isinstance(value, bool) else True}) == ["wrong_type"], key
        without = {each: plain[each] for each in plain if each != key}
        required = key == "type" or SPECS[kind].model.model_fields[key].is_required()
        assert _slugs(without) == (["missing_key"] if required else []), key
        if isinstance(value, int) and not isinstance(value, bool):
            assert _slugs({**plain, key: -1}) == ["out_of_range"], key


def test_nothing_is_without_a_kind() -> None:
    """No handler and no case folder that no kind uses; every case folder holds what its kind needs."""
    called = {call.function for kind in KINDS for expr in _lowered(SPECS[kind]) for call in _calls(expr)}
    handlers = {each.stem for each in HANDLERS.glob("*.py")} - {"__init__"}
    used = {name.partition(":")[0].rpartition(".")[2] for name in called}
    twins = {name.partition(":")[0].rpartition(".")[2] for name in TWIN.values()}
    assert handlers == used | twins
    assert {each.name for each in NODES.iterdir()} == set(KINDS)
    for kind in KINDS:
        needed = {"workflow.toml", "exchange.txt"} if kind in KINDS else {"workflow.toml"}
        children = {use.workflow for node in _nodes(kind) for use in SPECS[kind].children(node)}
        assert {each.name for each in (NODES / kind).iterdir()} == needed | children
