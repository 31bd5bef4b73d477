"""Fixtures and scenarios as they are read: where they are, what is refused, and with which words and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdc.check.validate import Options
from agentdc.diagnostics import Severity
from agentdc.diagnostics.render import text
from agentdc.driver.files import FileProblem
from agentdc.driver.test_find import find
from agentdc.driver.test_load import Loaded, Loader
from agentdc.testing.subject import Subject

HEAD = 'name = "w"\nstart_nodes = [{ name = "go", source = "manual", entry_node = "ask" }]\n'
MODEL = (
    HEAD
    + """
edges = [{ from = "ask", to = "find" }, { from = "find", to = "bad", when = "error" }]
[[nodes]]
id = "ask"
type = "llm_infer"
backend = "default"
prompt = "?"
output_schema = "inline"
[[nodes]]
id = "find"
type = "call_mcp_tool"
tool = "search"
retry = { max_attempts = 2 }
[[nodes]]
id = "bad"
type = "fail"
"""
)
PLAIN = HEAD + '[[nodes]]\nid = "ask"\ntype = "merge"\n'
SCENARIO = 'name = "s"\nworkflow.inline = """\n' + MODEL + '"""\n'


def _fixture(folder: Path, fixture: str, workflow: str = MODEL) -> Loaded:
    (folder / "workflow.toml").write_text(workflow)
    (folder / "fixture.toml").write_text(fixture)
    return Loader(Options()).load(find([str(folder)])[0])


def _scenario(folder: Path, scenario: str) -> Loaded:
    (folder / "scenario.toml").write_text(scenario)
    return Loader(Options()).load(find([str(folder)])[0])


def _told(loaded: Loaded) -> str:
    return text.render(loaded.case.diagnostics)


@pytest.mark.parametrize(
    ("fixture", "told"),
    [
        ("", ['fixture_invalid]: the fixture needs the key "start"']),
        (
            'strat = "go"',
            ['the fixture has no key "strat"', ":1:1", 'did you mean "start"?', "keys of the fixture: start"],
        ),
        ("start = 1", ['"start": expected a string, found an integer', ":1:9"]),
        ('start = "go"\ntimeout_secs = -1', ['"timeout_secs" must be at least 0', ":2:16"]),
        (
            'start = "go"\nexpected.stats = "x"',
            ['[expected] has no key "stats"', 'did you mean "status"?', ":2:10"],
        ),
        (
            'start = "go"\n[expected]\nstatus = "paused"',
            ['"status" in [expected] cannot be "paused"', ":3:10"],
        ),
        ('start = "go"\ntrigger = { kind = "cron" }', ['"kind" in [trigger] cannot be "cron"']),
        (
            'start = "go"\ntrigger.payload = 2026-01-01',
            ["a date or a time, which JSON does not know", ":2:19"],
        ),
        ('start = "go"\ntrigger.payload = inf', ["must be a finite number", ":2:19"]),
        (
            'start = "go"\nmocks.mcp_tools.search = [{ is_error = true }]',
            ['has no key "is_error"', '"isError"'],
        ),
        ('start = "go"\nmocks.mcp_tools.search = {}', ["expected an array of tables"]),
        ('start = "go"\nmocks.intel = [1]', ['item 0 of "intel" in [mocks]: expected a string']),
        ('start = "go"\npolicy = "none"', ['"policy" cannot be "none"']),
        ("start = go", ["toml_syntax", ":1:9", "text needs quotes"]),
        ('start = "og"', ['the workflow has no start node "og"', 'did you mean "go"?', ":1:9"]),
        ('start = "go"\nfiles = "nowhere"', ['"files" must be a folder', "nowhere", ":2:9"]),
        ('start = "go"\nworkflow = "w.toml"', ["unreadable_file", "w.toml: No such file or directory"]),
        ('start = "go"\nenv = { "A=B" = "x" }', ["a variable that no environment can have", ":2:9"]),
        ('start = "go"\nenv.A = "\\u0000"', ["a variable that no environment can have"]),
    ],
)
def test_refused_fixtures(fixture: str, told: list[str], tmp_path: Path) -> None:
    loaded = _fixture(tmp_path, fixture)
    assert loaded.case.problem
    for each in told:
        assert each in _told(loaded)


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ("", ['scenario_invalid]: the scenario needs the key "name"']),
        ('name = "s"', ["the scenario needs a workflow"]),
        ('name = "s"\nworkflow.path = "w.toml"', ["w.toml: No such file or directory"]),
        (SCENARIO + "trials = -1", ['"trials" must be at least 0']),
        (SCENARIO + "min_pass_rate = 1.5", ['"min_pass_rate" must be at most 1']),
        (SCENARIO + 'min_pass_rate = "all"', ["expected a number, found a string"]),
        (SCENARIO + "intel.turns = [{}]", ['a turn needs "content" or "variants"']),
        (SCENARIO + "[[intel.turns]]\nvariants = [{ prompt_tokens = 1 }]", ['needs the key "content"']),
        (SCENARIO + "faults.intel_error_on_call = 0", ["calls of the model count from 1"]),
        (SCENARIO + "policy.fs.raed = []", ['[policy.fs] has no key "raed"', 'did you mean "read"?']),
        (SCENARIO + "[mocks]\nintel = []", ['the scenario has no key "mocks"']),
        (SCENARIO + 'trigger.start = "og"', ['the workflow has no start node "og"']),
        ('name = "s"\nworkflow.inline = "name = 1"', ["scenario.toml (workflow.inline):1:8", "wrong_type"]),
    ],
)
def test_refused_scenarios(scenario: str, told: list[str], tmp_path: Path) -> None:
    loaded = _scenario(tmp_path, scenario)
    assert loaded.case.problem
    for each in told:
        assert each in _told(loaded)


def test_a_workflow_with_errors_is_a_load_error_of_code_and_message(tmp_path: Path) -> None:
    loaded = _fixture(tmp_path, 'start = "go"', PLAIN + '[[edges]]\nfrom = "ask"\nto = "aks"\n')
    assert loaded.case.problem.startswith("[dangling_edge] ")
    assert "workflow.toml:8:6" in _told(loaded)


MOCKS = [
    (
        "mcp_tools.serch = [{}]",
        "error",
        ['the tool "serch" has a mock, and no node asks for it', '"search"', ":2:17"],
    ),
    ('mcp_resources."docs://a" = [{}]', "error", ['the resource "docs://a"', "no read_mcp_resource node"]),
    ("mcp_tools.search = [{}, {}]", None, []),
    (
        "mcp_tools.search = [{}, {}, {}]",
        "warning",
        ["3 answers for a run that asks 2 times at most", ":2:35"],
    ),
    (
        'mcp_tools.search = [{ content = ["x"] }]',
        "error",
        ["each entry of its content is a table with a `type`"],
    ),
    ('mcp_tools.search = [{ content = [{ text = "x" }] }]', "error", ["could never come about"]),
    ("intel = ['{}']", None, []),
    ("intel = ['{}', 'x']", "warning", ["2 answers for a run that asks once at most", ":2:22"]),
    ("intel = ['```json']", "error", ['"ask" has an output_schema, and the reply is not JSON', ":2:16"]),
    ("intel = ['NaN']", "error", ["the reply is not JSON"]),
    ("intel = ['NaN']\nexpected.status = \"errored\"", None, []),
]


@pytest.mark.parametrize(("mocks", "severity", "told"), MOCKS)
def test_mocks_against_the_nodes(mocks: str, severity: str | None, told: list[str], tmp_path: Path) -> None:
    loaded = _fixture(tmp_path, f'start = "go"\nmocks.{mocks}')
    found = loaded.case.diagnostics
    assert [each.severity.value for each in found] == ([] if severity is None else [severity])
    slug = {"error": "impossible_mock", "warning": "unused_mock"}
    assert all(each.code.slug == slug[each.severity.value] for each in found)
    assert bool(loaded.case.problem) == (severity == "error")
    for each in told:
        assert each in _told(loaded)


def test_repairs_make_rejected_replies_possible_except_the_last(tmp_path: Path) -> None:
    patient = MODEL.replace('output_schema = "inline"', 'output_schema = "inline"\noutput_repairs = 1')
    assert not _fixture(tmp_path, "start = 'go'\nmocks.intel = ['x', '1']", patient).case.diagnostics
    last = _fixture(tmp_path, "start = 'go'\nmocks.intel = ['x', 'y']", patient)
    assert [each.code.slug for each in last.case.diagnostics] == ["impossible_mock"]


@pytest.mark.parametrize(
    ("reply", "broken"), [('{"n": 1}', False), ('{"n": "1"}', True), ("[]", True), ("1", True)]
)
def test_replies_against_a_schema_file(reply: str, broken: bool, tmp_path: Path) -> None:
    schema = '{"type": "object", "properties": {"n": {"type": "integer"}}}'
    (tmp_path / "n.json").write_text(schema)
    loaded = _fixture(tmp_path, f"start = 'go'\nmocks.intel = ['{reply}']", MODEL.replace("inline", "n.json"))
    assert ("breaks the schema" in loaded.case.problem) == broken
    assert bool(loaded.case.problem) == broken


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file"),
        ("{", "it is not JSON"),
        ('{"type": "objekt"}', "'objekt' is not valid"),
        ("[]", "it is neither an object nor a boolean"),
    ],
)
def test_schema_files_must_be_schemas(content: str | None, told: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "n.json").write_text(content)
    loaded = _fixture(tmp_path, "start = 'go'", MODEL.replace("inline", "n.json"))
    assert told in loaded.case.problem
    assert 'output_schema = "n.json"' in _told(loaded)


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ('path = ["ask", "find", "bad"]', ""),
        ('path = ["ask", "fnid"]', 'no run can enter "fnid"'),
        ('path = ["find"]', 'no run from "go" begins at "find": it begins at "ask"'),
        ('path = ["ask", "bad"]', 'no run goes from "ask" to "bad"'),
        ('last_node = "badd"', 'did you mean "bad"?'),
    ],
)
def test_expectations_that_no_run_can_meet_are_warnings(expected: str, told: str, tmp_path: Path) -> None:
    loaded = _fixture(tmp_path, f'start = "go"\nexpected.{expected}')
    assert not loaded.case.problem
    assert told in _told(loaded)
    assert all(each.severity is Severity.WARNING for each in loaded.case.diagnostics)
    assert bool(loaded.case.diagnostics) == bool(told)


def test_turns_that_nobody_asks_for(tmp_path: Path) -> None:
    scenario = f'name = "s"\nworkflow.inline = """{PLAIN}"""\nintel.turns = [{{ content = "x" }}]'
    assert "1 answer for a run that never asks" in _told(_scenario(tmp_path, scenario))


def test_loops_and_children_leave_the_number_of_uses_open(tmp_path: Path) -> None:
    loop = MODEL.replace("edges = [", 'edges = [{ from = "find", to = "ask", max_iterations = 3 }, ')
    many = "start = 'go'\nmocks.intel = ['1', '2', '3', '4', '5']"
    loaded = _fixture(tmp_path, many, loop)
    assert not loaded.case.diagnostics
    assert isinstance(loaded.case.subject, Subject)
    assert loaded.case.subject.uses("llm_infer") is None
    assert loaded.case.subject.uses("read_mcp_resource") == 0


def _tree(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLAIN if path.name == "workflow.toml" else SCENARIO)


def test_what_is_found_and_what_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _tree(tmp_path, "z/fixture.toml", "z/workflow.toml", "z/inside.toml", "a/s.toml", "a/workflow.toml")
    _tree(tmp_path, "a/deep/er/t.toml", ".hidden/s.toml", "build/s.toml", "a/notes.txt", "tests/u.toml")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "broken.toml").write_text("=")
    everything = ["a/deep/er/t.toml", "a/s.toml", "broken.toml", "tests/u.toml", "z"]
    assert [each.place for each in find(["."])] == everything
    assert [each.place for each in find([])] == ["tests/u.toml"]
    assert [each.place for each in find(["z", "a/s.toml", "./z/fixture.toml", "a"])] == [
        "a/deep/er/t.toml",
        "a/s.toml",
        "z",
    ]
    (tmp_path / "tests" / "u.toml").unlink()
    (tmp_path / "tests").rmdir()
    assert [each.place for each in find([])] == ["a/deep/er/t.toml", "a/s.toml", "broken.toml", "z"]


@pytest.mark.parametrize("path", ["nowhere", "nowhere/fixture.toml", "nowhere.toml"])
def test_a_path_that_is_not_there(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileProblem, match="No such file"):
        find([path])


def test_a_fixture_may_name_a_workflow_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflow.toml").write_text(PLAIN)
    folder = tmp_path / "tests" / "one"
    folder.mkdir(parents=True)
    (folder / "fixture.toml").write_text('start = "go"\nworkflow = "../../workflow.toml"\n')
    loaded = Loader(Options()).load(find([])[0])
    assert loaded.case.subject is not None
    assert loaded.case.subject.main.shown == "workflow.toml"
