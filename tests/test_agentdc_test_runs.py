"""What fixtures and scenarios mean at run time: each test compiles workflows and runs real test apps."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdc.check.validate import Options
from agentdc.driver.test import TestRequest, run_tests
from agentdc.testing.results import Ran, Result
from agentdc.testing.suite import Suite


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache of compiled test apps for this file, so that each workflow is compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def _inline(nodes: str, name: str = "w", edges: str = "") -> str:
    head = f'name = "{name}"\nstart_nodes = [{{ name = "go", source = "manual", entry_node = "a" }}]\n'
    return f"name = '{name}'\n[workflow]\ninline = '''\n{head}edges = [{edges}]\n{nodes}'''\n"


def _tests(folder: Path, files: dict[str, str], **options: Any) -> Suite:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return run_tests(TestRequest((str(folder),), Options(**options)))


def _one(folder: Path, files: dict[str, str], **options: Any) -> Result:
    [result] = _tests(folder, files, **options).results
    return result


def _ran(result: Result, trial: int = 0) -> Ran:
    assert result.load_error is None, result.load_error
    ran = result.trials[trial].ran
    assert ran is not None
    return ran


def _outputs(result: Result) -> dict[str, Any]:
    return {entry.node: json.loads(entry.output) for entry in _ran(result).tail}


HEAD = 'name = "w"\nstart_nodes = [{ name = "go", source = "manual", entry_node = "a" }]\n'
STUBS = (
    HEAD
    + """
intelligence.backends = [{ name = "fast", provider = "openai", model = "m", api_key_env = "K" }]
mcp_servers = [{ name = "docs", command = ["docs"], allow_tools = ["find"], allow_resources = ["docs://*"] }]
edges = [
  { from = "a", to = "b" }, { from = "b", to = "c" }, { from = "c", to = "d" },
  { from = "b", to = "no", when = "error" }, { from = "d", to = "no", when = "exhausted" },
]
[[nodes]]
id = "a"
type = "llm_infer"
backend = "fast"
prompt = "Grüße {{name}}"
[[nodes]]
id = "b"
type = "call_mcp_tool"
tool = "find"
args_from = "a.content"
[[nodes]]
id = "c"
type = "read_mcp_resource"
resource_from = "trigger.uri"
[[nodes]]
id = "d"
type = "agent_loop"
backend = "fast"
instructions = "work"
tools = ["read_file"]
max_steps = 3
[[nodes]]
id = "no"
type = "fail"
reason = "the tool refused"
[policy]
"""
)


def test_without_mocks_models_and_servers_are_stubs(tmp_path: Path) -> None:
    result = _one(
        tmp_path, {"f/workflow.toml": STUBS, "f/fixture.toml": 'start = "go"\nexpected.path = ["a", "b"]'}
    )
    assert result.passed
    assert _outputs(result) == {
        "a": {"stub": "llm_infer"},
        "b": {"stub": "call_mcp_tool"},
        "c": {"stub": "read_mcp_resource"},
        "d": {"stub": "agent_loop"},
    }


def test_mocks_answer_as_the_real_ones_would(tmp_path: Path) -> None:
    fixture = """
start = "go"
trigger = { payload = { uri = "docs://a" } }
[mocks]
intel = ["hello"]
mcp_tools.find = [{ content = [{ type = "text", text = "x" }], structuredContent = { n = 1.0 } }]
mcp_resources."docs://a" = [{ contents = [{ uri = "docs://a", text = "y" }] }]
[expected]
status = "completed"
path = ["a", "b", "c", "d"]
path_exact = true
"""
    result = _one(tmp_path, {"f/workflow.toml": STUBS, "f/fixture.toml": fixture})
    assert result.passed, result.failures
    outputs = _outputs(result)
    usage = {"completion_tokens": 0, "prompt_tokens": 0}
    assert outputs["a"] == {"content": "hello", "parsed": None, "stop_reason": None, "usage": usage}
    content = [{"text": "x", "type": "text"}]
    told = {"content": content, "is_error": False, "server": "docs", "structured": {"n": 1.0}, "tool": "find"}
    assert outputs["b"] == told
    contents = [{"text": "y", "uri": "docs://a"}]
    assert outputs["c"] == {"contents": contents, "server": "docs", "uri": "docs://a"}


@pytest.mark.parametrize(
    ("mocks", "status", "text"),
    [
        ("intel = ['x']\nmcp_tools.find = [{ isError = true }]", "failed", "the tool refused"),
        ("mcp_tools.find = []", "errored", "mcp: the tool `find` has no mock left"),
        ("mcp_tools.find = [{}]", "errored", "mcp: the resource `docs://a` has no mock"),
        ('mcp_resources."docs://a" = [{}]', "errored", "mcp: the tool `find` has no mock"),
    ],
)
def test_branches_and_errors_of_mocks(mocks: str, status: str, text: str, tmp_path: Path) -> None:
    fixture = (
        f'start = "go"\ntrigger.payload.uri = "docs://a"\n[mocks]\n{mocks}\n[expected]\nstatus = "{status}"'
    )
    result = _one(tmp_path, {"f/workflow.toml": STUBS, "f/fixture.toml": fixture})
    ran = _ran(result)
    assert result.passed and text in f"{ran.reason}{ran.error}"


def test_the_workflow_s_own_policy_is_ignored_unless_asked_for(tmp_path: Path) -> None:
    fixture = 'start = "go"\ntrigger.payload.uri = "http://a"\nmocks.mcp_tools.find = [{}]\n'
    fixture += 'mocks.mcp_resources."http://a" = [{}]\n'
    files = {f"{name}/workflow.toml": STUBS for name in ("all", "own")}
    files |= {"all/fixture.toml": fixture, "own/fixture.toml": fixture + 'policy = "workflow"\n'}
    free, bound = _tests(tmp_path, files).results
    assert free.passed
    assert bound.load_error is not None
    assert "mcp: " not in bound.load_error and "policy violation: read_mcp_resource" in bound.load_error


def test_an_errored_fixture_is_not_loaded_and_shows_where(tmp_path: Path) -> None:
    workflow = HEAD + '[[nodes]]\nid = "a"\ntype = "read_file"\npath_from = "trigger.path"\n[policy]\n'
    fixture = 'start = "go"\ntrigger.payload.path = "nowhere.txt"\n'
    result = _one(tmp_path, {"f/workflow.toml": workflow, "f/fixture.toml": fixture})
    assert result.load_error == (
        'the run errored: tool `read_file` failed: cannot read "nowhere.txt": No such file or directory'
    )
    ran = result.trials[0].ran
    assert ran is not None and ran.trail == (("workflow.toml", 3, "a", "read_file"),)
    assert ran.path == ("a",) and ran.last_node == "a"


def test_a_pause_errors(tmp_path: Path) -> None:
    workflow = HEAD + '[[nodes]]\nid = "a"\ntype = "pause_for_approval"\n'
    fixture = 'start = "go"\nexpected = { status = "errored", reason_contains = "workflow `w`: pause_for" }'
    assert _one(tmp_path, {"f/workflow.toml": workflow, "f/fixture.toml": fixture}).passed


def test_triggers_dry_runs_environment_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENTDC_TEST_STAGE", raising=False)
    workflow = (
        HEAD
        + """
edges = [{ from = "a", to = "b" }, { from = "b", to = "c" }, { from = "c", to = "d" }]
[[nodes]]
id = "a"
type = "json_select"
input_from = "trigger"
path = ""
[[nodes]]
id = "b"
type = "read_env"
key = "AGENTDC_TEST_STAGE"
[[nodes]]
id = "c"
type = "read_file"
path_from = "trigger.path"
[[nodes]]
id = "d"
type = "write_file"
path_from = "trigger.path"
content_from = "b.value"
"""
    )
    fixture = """
start = "go"
files = "files"
env = { AGENTDC_TEST_STAGE = "x" }
trigger = { kind = "event", payload = { path = "in.txt", n = 1.0 } }
"""
    files = {"one/workflow.toml": workflow, "one/files/in.txt": "here", "one/fixture.toml": fixture}
    dry = fixture.replace("start", "dry_run = true\nstart").replace('env = { AGENTDC_TEST_STAGE = "x" }', "")
    files |= {"two/workflow.toml": workflow, "two/files/in.txt": "here", "two/fixture.toml": dry}
    first, second = _tests(tmp_path, files).results
    outputs = _outputs(first)
    assert outputs["a"]["value"] == {"kind": "event", "n": 1.0, "path": "in.txt"}
    assert outputs["b"]["value"] == "x"
    assert outputs["c"]["content"] == "here"
    assert outputs["d"]["written"] is True
    assert (tmp_path / "one" / "files" / "in.txt").read_text() == "here"
    outputs = _outputs(second)
    assert outputs["b"]["missing"] is True  # the variable of the other fixture has gone again
    assert outputs["c"] == {"dry_run": True, "path": "in.txt"}


MODEL = """\
[[nodes]]
id = "a"
type = "llm_infer"
backend = "default"
prompt = "?"
output_schema = "inline"
output_repairs = 1
"""


@pytest.mark.parametrize(
    ("script", "cost", "text"),
    [
        ("[[intel.turns]]\ncontent = '1'\nprompt_tokens = 2\ncompletion_tokens = 3", (1, 5), "None"),
        ("[[intel.turns]]\ncontent = 'x'\nprompt_tokens = 2\n[[intel.turns]]\ncontent = '1'", (2, 2), "None"),
        (
            "[[intel.turns]]\ncontent = 'x'\n[[intel.turns]]\ncontent = 'y'",
            (2, 0),
            "schema validation failed: ",
        ),
        ("[[intel.turns]]\ncontent = 'x'\nprompt_tokens = 2", (1, 2), "call 2 finds no mock reply left"),
        ("", (0, 0), "intelligence call failed: call 1 finds no mock reply left"),
        ("faults.intel_error_on_call = 1\n[[intel.turns]]\ncontent = '1'", (0, 0), "transport fault"),
        ("faults.intel_error_on_call = 2\n[[intel.turns]]\ncontent = '1'", (1, 0), "None"),
    ],
)
def test_scripted_models_of_scenarios(script: str, cost: tuple[int, int], text: str, tmp_path: Path) -> None:
    result = _one(tmp_path, {"s.toml": _scenario(script)})
    ran = _ran(result)
    assert text in str(ran.error)
    assert (result.cost["llm_calls"], result.cost["llm_tokens"]) == cost
    assert result.cost["node_executions"] == 1


def _scenario(script: str) -> str:
    """The dotted keys of a script stand before the tables."""
    dotted = [line for line in script.splitlines() if line.startswith("faults")]
    rest = [line for line in script.splitlines() if not line.startswith("faults")]
    return "\n".join([*dotted, _inline(MODEL), *rest])


def test_retries_reach_the_next_reply(tmp_path: Path) -> None:
    nodes = MODEL + 'retry = { max_attempts = 2, backoff_ms = 0, on = "transient" }\n'
    turns = "[intel]\nturns = [{ content = '7' }]\n[faults]\nintel_error_on_call = 1\n"
    turns += "[expected]\nstatus = 'completed'\n"
    result = _one(tmp_path, {"s.toml": _inline(nodes) + turns})
    assert result.passed, result.failures


@pytest.mark.parametrize(
    ("policy", "own", "denials"),
    [
        ("", "", 0),
        ("", "policy = {}", 1),
        ("[policy]", "", 1),
        ("[policy.env]\nread_keys = ['*']", "policy = {}", 0),
    ],
)
def test_policies_of_scenarios(policy: str, own: str, denials: int, tmp_path: Path) -> None:
    nodes = f'{own}\n[[nodes]]\nid = "a"\ntype = "read_env"\nkey = "HOME"\n'
    expected = (
        f"[expected]\nstatus = '{'errored' if denials else 'completed'}'\nmin_policy_denials = {denials}\n"
    )
    result = _one(tmp_path, {"s.toml": f"{_inline(nodes)}{policy}\n{expected}"})
    assert result.passed, result.failures
    assert result.cost["policy_denials"] == denials


def test_inline_workflows_know_their_folder(tmp_path: Path) -> None:
    template = '[[nodes]]\nid = "a"\ntype = "template_render"\ntemplate = "${SCENARIO_DIR}/x"\n'
    result = _one(tmp_path, {"deep/s.toml": _inline(template)})
    assert _outputs(result)["a"] == {"rendered": f"{(tmp_path / 'deep').resolve().as_posix()}/x"}


def test_a_scenario_times_out_between_nodes(tmp_path: Path) -> None:
    slow = '[[nodes]]\nid = "a"\ntype = "read_file"\npath_from = "trigger.path"\n'
    slow += "retry = { max_attempts = 3, backoff_ms = 1500 }\n"
    expected = "[trigger]\npayload = { path = 'nowhere' }\n"
    expected += "[expected]\nstatus = 'errored'\nreason_contains = 'timeout'\n"
    result = _one(tmp_path, {"s.toml": "timeout_secs = 1\n" + _inline(slow) + expected})
    assert result.passed, result.failures


CHILD = HEAD.replace('"w"', '"child"') + (
    'edges = [{ from = "a", to = "b", when = "true" }, { from = "a", to = "no", when = "false" }]\n'
    '[[nodes]]\nid = "a"\ntype = "condition"\nexpr = "trigger.ok"\n[[nodes]]\nid = "b"\ntype = "merge"\n'
    '[[nodes]]\nid = "no"\ntype = "fail"\n'
)


@pytest.mark.parametrize(
    "node",
    [
        'type = "call"\nworkflow = "child.toml"\ninput_from = "trigger.first"',
        'type = "parallel"\nbranches = [{ workflow = "child.toml", input_from = "trigger.first" }]',
        'type = "map"\nitems_from = "trigger.items"\nworkflow = "child.toml"\nmax_items = 3',
    ],
)
def test_coverage_reaches_into_children(node: str, tmp_path: Path) -> None:
    workflow = f'{HEAD}edges = [{{ from = "a", to = "e", when = "error" }}]\n[[nodes]]\nid = "a"\n{node}\n'
    workflow += '[[nodes]]\nid = "e"\ntype = "merge"\n'
    fixture = 'start = "go"\ntrigger = { payload = { first = { ok = true }, items = [{ ok = true }] } }'
    suite = _tests(tmp_path, {"f/workflow.toml": workflow, "f/child.toml": CHILD, "f/fixture.toml": fixture})
    assert suite.results[0].passed, suite.results[0].load_error
    missed = {
        Path(each.file).name: ({place.node for place in each.missed_nodes}, len(each.missed_edges))
        for each in suite.coverage.files
    }
    assert missed == {"child.toml": ({"no"}, 1), "workflow.toml": ({"e"}, 1)}
    assert suite.coverage.edges == (1, 3)


def test_copies_of_a_workflow_count_once_and_loops_by_their_edges(tmp_path: Path) -> None:
    workflow = HEAD + (
        'edges = [{ from = "a", to = "a", when = "true", max_iterations = 2 }, '
        '{ from = "a", to = "b", when = "false" }, '
        '{ from = "a", to = "b", when = "true" }, { from = "b", to = "a", max_iterations = 0 }]\n'
        '[[nodes]]\nid = "a"\ntype = "condition"\nexpr = "trigger.again"\n[[nodes]]\nid = "b"\ntype = "merge"\n'
    )
    files = {}
    for name, again in (("x", "true"), ("y", "false")):
        files[f"{name}/workflow.toml"] = workflow
        files[f"{name}/fixture.toml"] = f'start = "go"\ntrigger.payload.again = {again}'
    suite = _tests(tmp_path, files)
    first, second = suite.results
    assert _ran(first).path == ("a", "a", "a", "b") and _ran(second).path == ("a", "b")
    assert len(suite.coverage.files) == 1
    assert suite.coverage.edges == (3, 3)


def test_a_test_process_that_dies_takes_only_its_case_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentdc.driver import test_app

    monkeypatch.setattr(test_app, "GRACE", 0.5)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "plain.txt").write_text("x")
    workflow = HEAD + '[[nodes]]\nid = "a"\ntype = "read_file"\npath_from = "trigger.path"\n'
    files = {}
    for name, path in (("1", "plain.txt"), ("2", "fifo"), ("3", "plain.txt")):
        files[f"{name}/workflow.toml"] = workflow
        payload = (tmp_path / path).as_posix()
        files[f"{name}/fixture.toml"] = f'start = "go"\ntimeout_secs = 1\ntrigger.payload.path = "{payload}"'
    results = _tests(tmp_path, files).results
    told = [each.load_error for each in results]
    assert told[0] is None and told[2] is None
    assert told[1] in {
        "the test process ended in this case: no answer within 1.5 s",
        # A handler that refuses what is no regular file says so at once.
        f'the run errored: tool `read_file` failed: cannot read "{fifo.as_posix()}": not a regular file',
    }


def test_agentd_s_dialect_lets_a_doomed_workflow_run(tmp_path: Path) -> None:
    doomed = _inline('[[nodes]]\nid = "a"\ntype = "parse_json"\ninput_from = "a.rendered"\n')
    doomed += "[expected]\nstatus = 'errored'\nreason_contains = 'parse_json'\n"
    strict = _one(tmp_path, {"s.toml": doomed})
    assert strict.load_error is not None and strict.load_error.startswith("[path_not_upstream]")
    assert _one(tmp_path, {"s.toml": doomed}, agentd_dialect=True).passed


def test_the_order_of_results_is_the_order_of_places(tmp_path: Path) -> None:
    files = {f"{name}.toml": _inline('[[nodes]]\nid = "a"\ntype = "merge"\n', name) for name in "cab"}
    suite = _tests(tmp_path, files)
    assert [each.case.name for each in suite.results] == ["a", "b", "c"]
    assert all(each.passed for each in suite.results)
