"""Child workflows end to end: found, checked and inlined at build, run as on agentd (spec 01 §5.15 to §5.17)."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentdc.check.validate import Options
from agentdc.diagnostics import SourceFile
from agentdc.diagnostics.render import text
from agentdc.driver.check import Report, check_source
from agentdc.driver.compile import Trust, compile_workflow
from agentdc.driver.files import write_tree

START = '[[start_nodes]]\nname = "go"\nsource = "manual"\n'
ECHO = (
    f'name = "echo"\n{START}[[nodes]]\nid = "say"\ntype = "json_select"\ninput_from = "trigger"\npath = ""\n'
)
FAILS = f'name = "fails"\n{START}[[nodes]]\nid = "no"\ntype = "fail"\nreason = "said no"\n'
ERRORS = f'name = "errors"\n{START}[[nodes]]\nid = "bad"\ntype = "parse_json"\ninput_from = "trigger.input"\n'
ENDS = f'name = "ends"\n{START}[[nodes]]\nid = "end"\ntype = "terminate"\n'
SLOW = (
    f'name = "slow"\n{START}[[nodes]]\nid = "wait"\ntype = "read_file"\npath_from = "trigger.input"\n'
    "retry = { max_attempts = 2, backoff_ms = 400 }\n"
)


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    outcome: Any
    stderr: str


class Family:
    """Workflow files in one folder, checked and built from there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        monkeypatch.chdir(folder)

    def write(self, **files: str) -> None:
        for name, content in files.items():
            (self.folder / f"{name}.toml").write_text(content)

    def report(self, name: str = "main") -> Report:
        path = f"{name}.toml"
        return check_source(SourceFile(path, Path(path).read_bytes()), Options())

    def told(self, name: str = "main") -> str:
        return text.render(self.report(name).build_diagnostics)

    def run(self, data: object, *flags: str, name: str = "main") -> Ran:
        report = self.report(name)
        assert not [each.message for each in report.build_diagnostics if each.is_error]
        write_tree(self.folder / "app", compile_workflow(report, Trust()).files)
        (self.folder / "in.json").write_text(json.dumps(data))
        command = [sys.executable, "-I", "-S", "app", "--input", "in.json", "--log-level", "off", *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return Ran(done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr)


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Family:
    return Family(tmp_path, monkeypatch)


def calling(workflow: str, extra: str = "") -> str:
    return f'name = "main"\n{START}[[nodes]]\nid = "below"\ntype = "call"\nworkflow = "{workflow}"\n{extra}'


@pytest.mark.parametrize(
    ("child", "extra", "value"),
    [
        (ECHO, "", {"result": {"found": True, "value": {"kind": "manual", "a": 1}}}),
        (ECHO, 'input_from = "trigger"', {"result": {"found": True, "value": {"kind": "manual", "a": 1}}}),
        (
            ECHO,
            'input_from = "trigger.a"',
            {"result": {"found": True, "value": {"kind": "manual", "input": 1}}},
        ),
        (
            ECHO,
            'input_from = "trigger.z"',
            {"result": {"found": True, "value": {"kind": "manual", "input": None}}},
        ),
        (FAILS, "", {"error": "said no"}),
        (ENDS, "", {"result": None}),
    ],
)
def test_call(family: Family, child: str, extra: str, value: object) -> None:
    family.write(main=calling("child.toml", extra), child=child)
    assert family.run({"a": 1}).outcome == {"status": "completed", "final_value": value, "last_node": "below"}


def test_an_error_inside_a_call_is_the_callers_own_and_names_both_files(family: Family) -> None:
    family.write(main=calling("child.toml"), child=ERRORS)
    ran = family.run("not json")
    assert (ran.status, ran.outcome) == (5, None)
    first, *places = ran.stderr.splitlines()
    assert first.startswith("app: tool `parse_json` failed: invalid JSON")
    assert places == [
        "  --> child.toml:5: node `bad` (parse_json)",
        "  --> main.toml:5: node `below` (call)",
    ]


def test_a_child_shares_the_deadline(family: Family) -> None:
    family.write(main=calling("child.toml"), child=SLOW)
    ran = family.run("missing.txt", "--timeout-secs", "1")
    assert ran.status == 5
    assert "cannot read" in ran.stderr


def test_parallel_is_soft_and_in_order(family: Family) -> None:
    branches = ", ".join(
        f'{{ workflow = "{each}.toml"{extra} }}'
        for each, extra in (
            ("echo", ', input_from = "trigger.a"'),
            ("fails", ""),
            ("errors", ""),
            ("ends", ""),
        )
    )
    main = f'name = "main"\n{START}[[nodes]]\nid = "all"\ntype = "parallel"\nbranches = [{branches}]\n'
    family.write(main=main, echo=ECHO, fails=FAILS, errors=ERRORS, ends=ENDS)
    value = family.run({"a": [1]}).outcome["final_value"]
    assert value["ok"] is False
    assert value["results"][0] == {"result": {"found": True, "value": {"kind": "manual", "input": [1]}}}
    assert value["results"][1] == {"error": "sub-workflow failed: said no"}
    assert value["results"][2]["error"].startswith("tool `parse_json` failed: ")
    assert value["results"][3] == {"result": None}


def test_parallel_without_branches(family: Family) -> None:
    family.write(main=f'name = "main"\n{START}[[nodes]]\nid = "all"\ntype = "parallel"\nbranches = []\n')
    assert family.run({}).outcome["final_value"] == {"ok": True, "results": []}


def mapping(extra: str = "") -> str:
    return (
        f'name = "main"\n{START}[[nodes]]\nid = "each"\ntype = "map"\nitems_from = "trigger.items"\n'
        f'workflow = "child.toml"\nmax_items = 3\n{extra}'
    )


def test_map_keeps_the_order(family: Family) -> None:
    family.write(main=mapping("max_concurrent = 2\n"), child=ECHO)
    value = family.run({"items": [1, {"b": 2}, None]}).outcome["final_value"]
    seen = [result["result"]["value"] for result in value["results"]]
    assert (value["ok"], seen) == (
        True,
        [{"kind": "manual", "input": 1}, {"kind": "manual", "b": 2}, {"kind": "manual", "input": None}],
    )


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        (None, "map: trigger.items must resolve to an array, not null"),
        ("abc", "map: trigger.items must resolve to an array, not string"),
        ([1, 2, 3, 4], "map: trigger.items has 4 elements, and max_items is 3"),
    ],
)
def test_map_refuses_what_is_no_fit(family: Family, items: object, reason: str) -> None:
    family.write(main=mapping(), child=ECHO)
    ran = family.run({"items": items})
    assert ran.status == 5
    assert f"workflow `main`: {reason}" in ran.stderr


def test_map_over_nothing(family: Family) -> None:
    family.write(main=mapping(), child=ECHO)
    assert family.run({"items": []}).outcome["final_value"] == {"ok": True, "results": []}


def test_recursion_that_data_decides_ends_at_depth_eight(family: Family) -> None:
    again = (
        f'name = "main"\n{START}entry_node = "more"\n'
        '[[nodes]]\nid = "more"\ntype = "condition"\nexpr = "trigger.more"\n'
        '[[nodes]]\nid = "again"\ntype = "call"\nworkflow = "main.toml"\ninput_from = "trigger"\n'
        '[[nodes]]\nid = "end"\ntype = "terminate"\n'
        '[[edges]]\nfrom = "more"\nto = "again"\nwhen = "true"\n'
        '[[edges]]\nfrom = "more"\nto = "end"\nwhen = "false"\n'
        '[[edges]]\nfrom = "again"\nto = "end"\n[[edges]]\nfrom = "again"\nto = "end"\nwhen = "error"\n'
    )
    family.write(main=again)
    assert "the workflow can run itself: main.toml → main.toml" in family.told()
    assert family.run({"more": False}).outcome["status"] == "completed"
    ran = family.run({"more": True})
    assert "call nodes are nested more than 8 levels deep" in ran.stderr
    assert ran.stderr.count("  --> main.toml:10: node `again` (call)") == 9


def test_recursion_on_every_route_is_an_error(family: Family) -> None:
    family.write(main=calling("other.toml"), other=calling("main.toml").replace('"main"', '"other"', 1))
    told = family.told()
    assert "every run of the workflow runs it again" in told
    assert "main.toml → other.toml → main.toml" in told


def test_children_of_children_are_found_beside_their_parent(family: Family) -> None:
    (family.folder / "sub").mkdir()
    (family.folder / "sub" / "deep.toml").write_text(ECHO)
    (family.folder / "sub" / "child.toml").write_text(calling("deep.toml").replace('"main"', '"child"', 1))
    family.write(main=calling("sub/child.toml"))
    assert family.run(7).outcome["final_value"]["result"]["result"]["value"] == {"kind": "manual", "input": 7}


def test_a_broken_child_is_told_with_its_own_place_and_its_callers(family: Family) -> None:
    family.write(main=calling("child.toml"), child=ECHO + "nonsense = 1\n")
    told = family.told()
    assert " --> child.toml:10:1\n" in told
    assert 'note: called from main.toml (node "below")' in told
    assert 'the child workflow "child.toml" cannot be used: it has 1 error' in told


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('start = "stop"\n', 'the child workflow "child.toml" has no start node "stop"'),
        ("", 'the child workflow "missing.toml" cannot be read: No such file or directory'),
    ],
)
def test_a_reference_that_cannot_be_used(family: Family, extra: str, message: str) -> None:
    family.write(main=calling("child.toml" if extra else "missing.toml", extra), child=ECHO)
    assert message in family.told()


def test_types_of_a_child_reach_the_parent(family: Family) -> None:
    use = '[[nodes]]\nid = "use"\ntype = "parse_json"\ninput_from = "below.result.nothing"\n'
    edge = '[[edges]]\nfrom = "below"\nto = "use"\n'
    family.write(main=calling("child.toml") + use + edge, child=ECHO)
    assert 'nothing is at the path "below.result.nothing": there is no "nothing"' in family.told()


def test_counters_and_audit_events_of_children(family: Family) -> None:
    family.write(main=mapping(), child=ECHO)
    ran = family.run({"items": [1, 2]}, "--record", "r.json", "--log-level", "info", "--log-format", "json")
    assert ran.status == 0
    record = json.loads(Path("r.json").read_text())
    assert (record["cost"]["workflow_starts"], record["cost"]["workflow_completions"]) == (1, 3)
    assert record["cost"]["node_executions"] == 3
    started = [json.loads(line) for line in ran.stderr.splitlines() if "workflow.started" in line]
    parents = [event["span"].get("parent_execution_id") for event in started]
    assert parents == [None, record["execution_id"], record["execution_id"]]


ALLOWED = '[check]\nallow = ["policy_denied"]\n'  # so that it is the gate that says it


def test_the_policy_of_the_main_workflow_holds_in_children(family: Family) -> None:
    node = '[[nodes]]\nid = "read"\ntype = "read_env"\nkey = "HOME"\n'
    reads = f'name = "child"\n{START}{node}[policy.env]\nread_keys = ["*"]\n'
    family.write(main=calling("child.toml") + "[policy]\n" + ALLOWED, child=reads)
    ran = family.run({})
    assert ran.status == 5
    assert "policy violation: read_env: env_read of" in ran.stderr
