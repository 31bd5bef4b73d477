"""Deliveries with an idempotency key when something goes wrong (spec 02 §1.7, §3.2): the store, and our own code."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command import make
from serving import ECHO, LISTENING, Server, serving, start, until

TEXT = f"""{ECHO}
[[http_routes]]
method = "POST"
path = "/once"
start_node = "go"
idempotency_key = "id"
"""
REFUSED = '{"error":"the idempotency store is unavailable"}'


@pytest.mark.parametrize(
    ("option", "status", "later"),
    [("", 400, None), ("store_failure_status = 400", 400, None), ("store_failure_status = 503", 503, "1")],
)
def test_store_that_fails(tmp_path: Path, option: str, status: int, later: str | None) -> None:
    """Its table is gone, as after a damage of the disk; whether callers are told to come back is an option."""
    with serving(f"{TEXT}[server]\n{option}\n", tmp_path, "--state-dir", "state") as server:
        first = server.ask("POST", "/once", '{"id": "a"}')
        assert first.status == 200
        with closing(sqlite3.connect(tmp_path / "state" / "state.db")) as database:
            database.execute("ALTER TABLE idempotency RENAME TO away")
            database.commit()
            answer = server.ask("POST", "/once", '{"id": "a"}')
            assert (answer.status, answer.body.decode()) == (status, REFUSED)
            assert answer.headers.get("retry-after") == later
            assert answer.headers["connection"] == "keep-alive"
            assert server.metric("agentd_workflow_starts_total") == 1  # nothing ran
            database.execute("ALTER TABLE away RENAME TO idempotency")
            database.commit()
        again = server.ask("POST", "/once", '{"id": "a"}')
        assert (again.status, again.headers["x-agentd-idempotent-replay"]) == (200, "true")


def test_mistake_of_ours_releases_its_delivery(tmp_path: Path) -> None:
    """The answer of a run cannot be made, as long as a file says so: what burst is not told, and nothing is kept."""
    built = make(TEXT, tmp_path / "built")
    module = built / "agentdc_runtime" / "http" / "reply.py"
    text = module.read_text()
    head = "def outcome_reply("
    assert head in text
    module.write_text(text.replace(head, "def _real_reply(") + BURST)
    server = start(built, tmp_path, "--state-dir", "state")
    try:
        until(lambda: LISTENING.search(server.said) is not None)
        server.port = _port(server)
        (tmp_path / "broken").touch()
        for _ in range(2):  # not 409: the first one does not hold the key
            answer = server.ask("POST", "/once", '{"id": "a"}')
            assert (answer.status, answer.body) == (500, b'{"error":"internal error"}')
            assert answer.headers["connection"] == "close"
        assert server.said.count('event="http.internal_error" path=/once') == 2
        (tmp_path / "broken").unlink()
        answer = server.ask("POST", "/once", '{"id": "a"}')
        assert answer.status == 200
        assert "x-agentd-idempotent-replay" not in answer.headers
        assert server.ask("POST", "/once", '{"id": "a"}').headers["x-agentd-idempotent-replay"] == "true"
    finally:
        assert server.end() == 0


BURST = """

def outcome_reply(ending, run):
    import os

    if os.path.exists("broken"):
        raise KeyError("private")
    return _real_reply(ending, run)
"""


def _port(server: Server) -> int:
    found = LISTENING.search(server.said)
    assert found is not None
    return int(found[3])
