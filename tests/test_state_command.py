"""`<app> state …` as an operator has it (spec 04 §4.5, §11), and where the state is when no flag says so."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from command import GREET, Done, app, make
from killing import LOAD, asking
from serving import serving, until

AUDITED = f"""{LOAD}
[logging.audit]
target = "file:audit.jsonl"
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(AUDITED, tmp_path_factory.mktemp("command"))


@pytest.fixture
def used(built: Path, tmp_path: Path) -> Path:
    """A folder in which the app has answered twice."""
    with serving("", tmp_path, "--state-dir", "state", app=built) as server:
        for key in ("a", "b"):
            assert server.ask("POST", "/once", asking(key)).status == 201
    return tmp_path


def state(built: Path, folder: Path, *words: str, **variables: str) -> Done:
    return app(built, "state", *words, cwd=folder, AGENTD_STATE_DIR="state", **variables)


def audited(folder: Path) -> list[str]:
    lines = (folder / "audit.jsonl").read_text().splitlines()
    return [json.loads(line)["fields"]["event"] for line in lines]


def test_info(built: Path, used: Path) -> None:
    told = state(built, used, "info", "--json")
    found = json.loads(told.stdout)
    assert (told.returncode, told.stderr) == (0, "")
    assert found["rows"] == {
        "approvals": 0, "checkpoints": 0, "idempotency": 2, "leases": 0, "run_nodes": 0, "runs": 0,
    }  # fmt: skip
    assert (found["schema"], found["wal_bytes"], found["reserve_bytes"]) == (2, 0, 2**20)
    assert found["db_bytes"] == (used / "state" / "state.db").stat().st_size
    lines = state(built, used, "info").stdout.splitlines()
    assert "rows.idempotency: 2" in lines
    assert f"schema: {found['schema']}" in lines


def test_checkpoint_and_verify(built: Path, used: Path) -> None:
    for mode in ("passive", "full", "restart", "truncate"):
        done = state(built, used, "checkpoint", "--mode", mode, "--format=json")
        assert (done.returncode, json.loads(done.stdout)["result"]) == (0, "ok")
    assert json.loads(state(built, used, "verify", "--full", "--json").stdout) == {
        "full": True, "ok": True, "problems": [],
    }  # fmt: skip
    database = sqlite3.connect(used / "state" / "state.db")
    database.execute("INSERT INTO run_nodes VALUES ('nobody', 1, 'n', 'respond', 'ok', NULL, NULL, 1)")
    database.commit()
    database.close()
    assert state(built, used, "verify").returncode == 0
    told = state(built, used, "verify", "--full")
    assert (told.returncode, "refers to nothing in runs" in told.stdout) == (5, True)


def test_backup_and_restore(built: Path, used: Path) -> None:
    assert state(built, used, "backup", "copy.db").returncode == 0
    again = state(built, used, "backup", "copy.db", "--json")
    assert (again.returncode, json.loads(again.stdout)["error"]["code"]) == (8, "state_exists")
    with serving("", used, "--state-dir", "state", app=built) as server:
        assert server.ask("POST", "/once", asking("c")).status == 201
        locked = state(built, used, "restore", "copy.db")
        assert (locked.returncode, "stop the agent" in locked.stderr) == (8, True)
    back = state(built, used, "restore", "copy.db", "--json")
    assert back.returncode == 0
    assert (used / json.loads(back.stdout)["original"] / "state.db").exists()
    assert json.loads(state(built, used, "info", "--json").stdout)["rows"]["idempotency"] == 2
    missing = state(built, used, "restore", "nothing.db", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["error"]["code"]) == (3, "state_not_found")
    assert {"state.opened", "state.backup", "state.restored"} <= set(audited(used))


def test_prune(built: Path, used: Path) -> None:
    database = sqlite3.connect(used / "state" / "state.db")
    database.execute("UPDATE idempotency SET expires_at = 1 WHERE key = 'a'")
    database.commit()
    database.close()
    pruned = state(built, used, "prune", "--json")
    assert json.loads(pruned.stdout) == {"pruned": {"approvals": 0, "idempotency": 1, "runs": 0}}
    assert audited(used)[-1] == "state.pruned"


@pytest.mark.parametrize("action", ["info", "checkpoint", "verify", "recover", "prune", "backup"])
def test_where_there_is_nothing(built: Path, tmp_path: Path, action: str) -> None:
    words = ("copy.db",) if action == "backup" else ()
    told = state(built, tmp_path, action, *words, "--json")
    error = json.loads(told.stdout)["error"]
    assert (told.returncode, error["code"]) == (3, "state_not_found")
    assert "--state-dir" in error["hint"]
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "needs to know what to do"),
        (("sell",), "unknown argument `sell` after `state`"),
        (("info", "more"), "takes no operand"),
        (("backup",), "takes one FILE"),
        (("backup", "a", "b"), "takes one FILE"),
        (("checkpoint", "--mode", "half"), "`--mode` takes passive, full, restart or truncate"),
        (("checkpoint", "--mode"), "`--mode` requires a value"),
        (("info", "--mode", "full"), "unknown argument `--mode` for `state info`"),
        (("info", "--full"), "unknown argument `--full`"),
        (("verify", "--full=yes"), "`--full` takes no value"),
        (("info", "--format", "xml"), "`--format` takes text or json"),
        (("info", "--timeout", "soon"), "`--timeout` takes a whole number of seconds"),
        (("info", "--state-dir", ""), "`--state-dir` requires a value"),
    ],
)
def test_words_that_are_refused(built: Path, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    told = state(built, tmp_path, *words)
    assert (told.returncode, told.stdout) == (2, "")
    assert said in told.stderr
    assert "Usage:" in told.stderr


@pytest.mark.parametrize("words", [("--help",), ("-h",), ("info", "--help")])
def test_help(built: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    told = state(built, tmp_path, *words)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("Usage:")
    assert "state ACTION" in app(built, "--help", cwd=tmp_path).stdout


def test_an_app_without_state_has_no_such_verb(tmp_path: Path) -> None:
    plain = make(GREET, tmp_path / "plain")
    told = app(plain, "state", "info", cwd=tmp_path)
    assert (told.returncode, "unknown argument `state`" in told.stderr) == (2, True)
    assert "state ACTION" not in app(plain, "--help", cwd=tmp_path).stdout
    assert not list(plain.glob("agentdc_runtime/state/*"))


def test_the_state_is_at_home_without_a_flag(built: Path, tmp_path: Path) -> None:
    """Where there is `[state]`, a key needs no flag (spec 04 §1)."""
    with serving("", tmp_path, app=built) as server:
        assert server.ask("POST", "/once", asking("a")).status == 201
    home = tmp_path / ".local" / "state" / "agentdc" / "load"
    assert (home / "state.db").exists()
    told = app(built, "state", "info", "--json", cwd=tmp_path)
    assert json.loads(told.stdout)["directory"] == str(home)


def test_several_workers_share_the_figures(built: Path, tmp_path: Path) -> None:
    with serving("", tmp_path, "--state-dir", "state", "--workers", "2", app=built) as server:
        for number in range(8):
            assert server.ask("POST", "/once", asking(f"k{number}")).status == 201
        until(lambda: server.metric("agentd_state_checkpoints_total") > 0)
        assert server.metric("agentd_state_status") == 1
        again = server.ask("POST", "/once", asking("k0"))
        assert again.headers["x-agentd-idempotent-replay"] == "true"
    assert (tmp_path / "state" / "agent.lock").read_bytes() == b""
