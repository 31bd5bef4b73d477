"""Runs that wait for a person: decided by command line and over HTTP, in time or not, and who goes on with them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from command import Done, app, make
from serving import Answer, Server, serving, until

TEXT = """\
name = "gate"
[[start_nodes]]
name = "go"
source = "http"
entry_node = "ask"
[[start_nodes]]
name = "must"
source = "manual"
entry_node = "decide"
[[start_nodes]]
name = "soon"
source = "http"
entry_node = "hurry"
[[start_nodes]]
name = "twice"
source = "manual"
entry_node = "first"

[[http_routes]]
method = "POST"
path = "/go"
start_node = "go"
[[http_routes]]
method = "POST"
path = "/soon"
start_node = "soon"

[server]
approvals_auth = "bearer:ops"
[auth.bearer.ops]
tokens_env = "OPS"
[state]
history = true
reserve_mb = 0
[logging.audit]
target = "file:audit.jsonl"
include_reason = true

[[nodes]]
id = "ask"
type = "pause_for_approval"
reason = "look"
[[nodes]]
id = "said"
type = "template_render"
input_from = "trigger"
template = "{{id}} goes on"

[[nodes]]
id = "decide"
type = "pause_for_approval"
require_decision = true
[[nodes]]
id = "by"
type = "template_render"
input_from = "decide"
template = "{{by}}: {{note}}"

[[nodes]]
id = "hurry"
type = "pause_for_approval"
expires_secs = 1

[[nodes]]
id = "first"
type = "pause_for_approval"
[[nodes]]
id = "second"
type = "pause_for_approval"

[[edges]]
from = "ask"
to = "said"
[[edges]]
from = "decide"
to = "by"
[[edges]]
from = "first"
to = "second"
"""
STATE = ("--state-dir", "state")
OPS = {"Authorization": "Bearer 0ps"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(TEXT, tmp_path_factory.mktemp("gate"))


def run(built: Path, folder: Path, *words: str, **more: str) -> Done:
    return app(built, *words, *STATE, cwd=folder, OPS="0ps", **more)


def paused(built: Path, folder: Path, start: str) -> str:
    done = app(
        built,
        "--mode",
        "once",
        "--start",
        start,
        "--input",
        "-",
        *STATE,
        cwd=folder,
        input='{"id": 7}',
        OPS="0ps",
    )
    assert done.returncode == 7, done.stderr
    return str(json.loads(done.stdout)["run_id"])


def audited(folder: Path, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line)["fields"] for line in (folder / "audit.jsonl").read_text().splitlines()]
    return [each for each in lines if each["event"] == name]


def kept(folder: Path) -> int:
    database = sqlite3.connect(folder / "state" / "state.db")
    try:
        return int(database.execute("SELECT count(*) FROM checkpoints").fetchone()[0])
    finally:
        database.close()


def decide(server: Server, run_id: str, body: Any, token: str = "0ps") -> Answer:
    headers = {"Authorization": f"Bearer {token}"}
    return server.ask("POST", f"/approvals/{run_id}", json.dumps(body), headers)


# On the command line.


def test_approved_on_the_command_line(built: Path, tmp_path: Path) -> None:
    run_id = paused(built, tmp_path, "must")
    waiting = json.loads(run(built, tmp_path, "approvals", "list", "--json").stdout)["approvals"]
    assert [(each["run_id"], each["node"], each["reason"]) for each in waiting] == [(run_id, "decide", None)]
    assert run_id in run(built, tmp_path, "approvals", "list").stdout
    refused = run(built, tmp_path, "--mode", "once", "--resume", run_id)
    assert refused.returncode == 5
    assert f"the run {run_id} waits for a decision about `decide`" in refused.stderr
    done = run(built, tmp_path, "approvals", "approve", run_id, "--by", "ann", "--note", "fine")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["final_value"] == {"rendered": "ann: fine"}
    assert audited(tmp_path, "approval.decided")[0]["by"] == "ann"
    assert audited(tmp_path, "workflow.resumed")[0]
    shown = json.loads(run(built, tmp_path, "approvals", "show", run_id).stdout)
    assert [(each["decision"], each["by"], each["note"]) for each in shown["decisions"]] == [
        ("approve", "ann", "fine")
    ]
    again = run(built, tmp_path, "approvals", "approve", run_id)
    assert (again.returncode, kept(tmp_path)) == (8, 0)
    assert f"the run {run_id} has been approved by ann" in again.stderr


def test_rejected_on_the_command_line(built: Path, tmp_path: Path) -> None:
    run_id = paused(built, tmp_path, "go")
    done = run(built, tmp_path, "approvals", "reject", run_id, "--by", "bob", "--note", "not today")
    assert json.loads(done.stdout) == {"status": "failed", "reason": "not today", "last_node": "ask"}
    resumed = run(built, tmp_path, "--mode", "once", "--resume", run_id)
    assert resumed.returncode != 0
    assert "has been rejected by bob; it has ended" in resumed.stderr
    ended = json.loads(run(built, tmp_path, "runs", "show", run_id).stdout)
    assert (ended["status"], ended["outcome"]["reason"]) == ("failed", "not today")
    assert [each["reason"] for each in audited(tmp_path, "workflow.failed")] == ["not today"]
    assert kept(tmp_path) == 0


def test_each_pause_has_a_decision_of_its_own(built: Path, tmp_path: Path) -> None:
    run_id = paused(built, tmp_path, "twice")
    for node, status in (("first", 7), ("second", 0)):
        waiting = json.loads(run(built, tmp_path, "approvals", "list", "--json").stdout)["approvals"]
        assert [each["node"] for each in waiting] == [node]
        assert run(built, tmp_path, "approvals", "approve", run_id, "--by", node).returncode == status
    shown = json.loads(run(built, tmp_path, "approvals", "show", run_id).stdout)
    assert [each["by"] for each in shown["decisions"]] == ["first", "second"]
    assert kept(tmp_path) == 0


def test_nobody_decided_in_time(built: Path, tmp_path: Path) -> None:
    run_id = paused(built, tmp_path, "soon")
    until(lambda: json.loads(run(built, tmp_path, "approvals", "list", "--json").stdout)["approvals"] == [])
    late = run(built, tmp_path, "approvals", "approve", run_id)
    assert late.returncode == 8
    assert f"the approval of run {run_id} has expired" in late.stderr
    ended = json.loads(run(built, tmp_path, "runs", "show", run_id).stdout)
    assert ended["status"] == "failed"
    assert ended["outcome"]["reason"].startswith("nobody decided about `hurry` in time")
    assert len(audited(tmp_path, "approval.expired")) == 1
    assert kept(tmp_path) == 0


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("approvals", "approve", "exec-1-1-1"), 3),
        (("approvals", "show", "exec-1-1-1"), 3),
        (("approvals", "approve"), 2),
        (("approvals", "maybe", "x"), 2),
        (("approvals",), 2),
        (("runs", "show", "exec-1-1-1"), 3),
        (("runs", "list", "--status", "happy"), 2),
        (("runs", "list", "--since", "yesterday"), 2),
        (("runs", "prune"), 2),
    ],
)
def test_words_that_lead_nowhere(built: Path, tmp_path: Path, words: tuple[str, ...], status: int) -> None:
    paused(built, tmp_path, "go")
    assert run(built, tmp_path, *words).returncode == status
    assert kept(tmp_path) == 1


# Over HTTP.


def test_decided_over_http(built: Path, tmp_path: Path) -> None:
    with serving("", tmp_path, *STATE, app=built, OPS="0ps") as server:
        answers = [server.ask("POST", "/go", json.dumps({"id": number})) for number in (1, 2)]
        assert [each.status for each in answers] == [202, 202]
        first, second = (each.json["run_id"] for each in answers)
        assert server.ask("GET", "/approvals").status == 401
        assert decide(server, first, {"decision": "approve"}, token="wrong").status == 401
        waiting = server.ask("GET", "/approvals", headers=OPS).json["approvals"]
        assert [each["run_id"] for each in waiting] == [first, second]
        for body in (
            {},
            {"decision": "maybe"},
            {"decision": "approve", "note": 1},
            {"decision": "approve", "x": 1},
        ):
            assert decide(server, first, body).status == 400
        assert decide(server, "exec-1-1-1", {"decision": "approve"}).status == 404
        approved = decide(server, first, {"decision": "approve", "note": "ok"})
        assert (approved.status, approved.json["by"]) == (200, "bearer:ops")
        assert decide(server, second, {"decision": "reject", "note": "no"}).status == 200
        assert decide(server, second, {"decision": "approve"}).status == 409
        until(lambda: kept(tmp_path) == 0)
        ended = {
            each: json.loads(run(built, tmp_path, "runs", "show", each).stdout) for each in (first, second)
        }
        assert ended[first]["outcome"]["final_value"] == {"rendered": "1 goes on"}
        assert (ended[second]["status"], ended[second]["outcome"]["reason"]) == ("failed", "no")
        assert server.metric("agentd_workflow_failures_total") == 1
        assert server.end() == 0


def test_a_served_run_expires(built: Path, tmp_path: Path) -> None:
    with serving("", tmp_path, *STATE, app=built, OPS="0ps") as server:
        assert server.ask("POST", "/soon", "{}").status == 202
        until(lambda: kept(tmp_path) == 0)
        assert len(audited(tmp_path, "approval.expired")) == 1


def test_one_hundred_decide_at_once(built: Path, tmp_path: Path) -> None:
    """One decision counts, and the run goes on once."""
    from concurrent.futures import ThreadPoolExecutor

    with serving("", tmp_path, *STATE, app=built, OPS="0ps") as server:
        run_id = server.ask("POST", "/go", '{"id": 1}').json["run_id"]
        bodies = [{"decision": "approve" if number % 2 else "reject"} for number in range(100)]
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda body: decide(server, run_id, body), bodies))
        assert sorted(each.status for each in answers) == [200] + [409] * 99
        until(lambda: kept(tmp_path) == 0)
        assert len(audited(tmp_path, "approval.decided")) == 1


# Who goes on.


def test_what_is_approved_elsewhere_goes_on_where_it_is_served(built: Path, tmp_path: Path) -> None:
    with serving("", tmp_path, *STATE, app=built, OPS="0ps") as server:
        run_id = server.ask("POST", "/go", '{"id": 1}').json["run_id"]
        done = run(built, tmp_path, "approvals", "approve", run_id, "--by", "ann")
        assert done.returncode == 0
        assert "the process that serves this state directory goes on with the run" in done.stderr
        until(lambda: kept(tmp_path) == 0)
        assert server.metric("agentd_workflow_completions_total") == 1


def test_what_is_approved_while_nothing_serves_goes_on_there(built: Path, tmp_path: Path) -> None:
    with serving("", tmp_path, *STATE, app=built, OPS="0ps") as server:
        run_id = server.ask("POST", "/go", '{"id": 1}').json["run_id"]
        server.process.kill()
        server.process.wait()
    done = run(built, tmp_path, "approvals", "approve", run_id, "--by", "ann")
    assert json.loads(done.stdout)["final_value"] == {"rendered": "1 goes on"}
    assert kept(tmp_path) == 0


def test_a_restart_goes_on_with_what_was_decided_meanwhile(built: Path, tmp_path: Path) -> None:
    with serving("", tmp_path, *STATE, app=built, OPS="0ps") as server:
        run_id = server.ask("POST", "/go", '{"id": 1}').json["run_id"]
        server.process.kill()
        server.process.wait()
    database = sqlite3.connect(tmp_path / "state" / "state.db")
    database.execute(
        "INSERT INTO approvals SELECT run_id, paused_at, created_at, 'approve', 'ann', NULL, created_at"
        " FROM checkpoints"
    )
    database.commit()
    database.close()
    with serving("", tmp_path, *STATE, app=built, OPS="0ps"):
        until(lambda: kept(tmp_path) == 0)
    assert json.loads(run(built, tmp_path, "runs", "show", run_id).stdout)["status"] == "completed"


def test_a_run_is_in_one_hand(built: Path, tmp_path: Path) -> None:
    """What a living process holds, another one leaves alone."""
    run_id = paused(built, tmp_path, "go")
    database = sqlite3.connect(tmp_path / "state" / "state.db")
    with serving("", tmp_path, "--state-dir", "other", app=built, OPS="0ps") as server:
        owner = _owner_of(server.process.pid)
        database.execute("UPDATE checkpoints SET awaiting_approval = 0")
        database.execute("INSERT INTO leases VALUES (?, ?, 0)", (run_id, owner))
        database.commit()
        held = run(built, tmp_path, "--mode", "once", "--resume", run_id)
        assert held.returncode == 5
        assert "in the hands of another process" in held.stderr
    assert run(built, tmp_path, "--mode", "once", "--resume", run_id).returncode == 0
    database.close()


def _owner_of(pid: int) -> str:
    """As `state.owner` names a process and its namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    began = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{boot}/{pid}/{began}#{Path('/proc/self/ns/pid').readlink()}"
