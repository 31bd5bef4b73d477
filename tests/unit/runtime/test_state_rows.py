"""Leases and checkpoints as rows: when a lease binds, and what a decision does to a run (spec 04 §4.2)."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator

import pytest

from agentdc_runtime.state import decisions, rows
from agentdc_runtime.state.decisions import APPROVE, EXPIRE, REJECT, Refused
from agentdc_runtime.state.fitting import why_not
from agentdc_runtime.state.owner import boot, me, namespace
from agentdc_runtime.state.saved import Checkpoint
from agentdc_runtime.state.schema import MIGRATIONS

NOW = 1_000_000_000


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    for version in MIGRATIONS:
        for statement in version:
            made.execute(statement)
    yield made
    made.close()


def waiting(database: sqlite3.Connection, run_id: str, expires_at: int | None = None) -> Checkpoint:
    made = Checkpoint(
        run_id=run_id,
        workflow="w",
        start_node="go",
        trigger_kind="manual",
        trigger_input="null",
        node_outputs='{"trigger":{}}',
        paused_at="ask",
        resume_node="next",
        awaiting_approval=True,
        created_at=NOW - 10,
        expires_at=expires_at,
        extra={},
    )
    rows.save(database, made)
    return made


def test_a_lease_binds_as_long_as_its_process_lives() -> None:
    ours = f"{me()}#{namespace()}"
    assert not rows.is_over(ours, 0, NOW)
    child = subprocess.Popen(["true"])
    child.wait()
    assert rows.is_over(f"{boot()}/{child.pid}/1#{namespace()}", NOW, NOW)
    assert rows.is_over(f"another-boot/{os.getpid()}/1#{namespace()}", NOW, NOW)


def test_where_a_process_cannot_be_looked_at_its_beat_tells() -> None:
    """In another container the same number is another process."""
    other = f"{me()}#pid:[1]"
    assert not rows.is_over(other, NOW - rows.STALE_MS, NOW)
    assert rows.is_over(other, NOW - rows.STALE_MS - 1, NOW)
    assert rows.is_over("another-boot/1/1#pid:[1]", NOW, NOW)
    assert rows.BEAT * 1000 * 3 < rows.STALE_MS


def test_holders_and_beats(database: sqlite3.Connection) -> None:
    other = f"{me()}#pid:[1]"
    rows.hold(database, "r", other, NOW)
    assert rows.holder(database, "r", NOW) == other
    assert rows.holder(database, "r", NOW + rows.STALE_MS + 1) is None
    rows.beat(database, other, NOW + rows.STALE_MS)
    assert rows.holder(database, "r", NOW + rows.STALE_MS + 1) == other
    rows.release(database, "r")
    assert rows.holder(database, "r", NOW) is None


def test_a_decision_is_made_once(database: sqlite3.Connection) -> None:
    waiting(database, "r")
    made = decisions.decide(database, "r", APPROVE, "ann", "fine", NOW)
    assert decisions.output(made) == {
        "approved": True,
        "at": "1970-01-12T13:46:40.000Z",
        "by": "ann",
        "note": "fine",
    }
    for decision in (APPROVE, REJECT):
        with pytest.raises(Refused, match="the run r has been approved by ann"):
            decisions.decide(database, "r", decision, "bob", None, NOW)
    assert rows.load(database, "r") is not None


def test_a_rejected_run_is_over_in_the_same_step(database: sqlite3.Connection) -> None:
    waiting(database, "r")
    rows.hold(database, "r", me(), NOW)
    made = decisions.decide(database, "r", REJECT, "bob", None, NOW)
    assert made.reason == "rejected by bob"
    assert (rows.load(database, "r"), rows.holder(database, "r", NOW)) == (None, None)
    with pytest.raises(Refused, match="rejected by bob"):
        decisions.decide(database, "r", APPROVE, "ann", None, NOW)
    with pytest.raises(Refused, match="no run other waits"):
        decisions.decide(database, "other", APPROVE, "ann", None, NOW)


def test_too_late_is_too_late(database: sqlite3.Connection) -> None:
    made = waiting(database, "r", NOW)
    assert not decisions.is_late(made, NOW - 1)
    late = decisions.decide(database, "r", APPROVE, "ann", None, NOW)
    assert (late.decision, late.at) == (EXPIRE, NOW)
    assert rows.load(database, "r") is None


class _Program:
    """As far as `why_not` looks at one."""

    def __init__(self) -> None:
        self.points = {"a": None, "b": None}
        self.needs = {"b": (("b", "x.items.1", "string"), ("c", "y", "strings"))}


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ({}, "node `b` reads `x.items.1`, and no output of `x` is stored"),
        ({"x": {"items": ["0"]}}, "node `b` reads `x.items.1`, and what is stored of `x` does not have it"),
        ({"x": "text"}, "node `b` reads `x.items.1`, and what is stored of `x` does not have it"),
        ({"x": {"items": [0, 1.5]}}, "node `b` needs a string at `x.items.1`, and a number is stored there"),
        ({"x": {"items": [0, None]}}, "node `b` needs a string at `x.items.1`, and null is stored there"),
        ({"x": {"items": [0, "1"]}}, "node `c` reads `y`, and no output of `y` is stored"),
        (
            {"x": {"items": [0, "1"]}, "y": ["a", 1]},
            "node `c` needs an array of strings at `y`, and an array is stored there",
        ),
        ({"x": {"items": [0, "1"]}, "y": ["a"]}, None),
    ],
)
def test_why_a_run_cannot_go_on(outputs: dict[str, object], why: str | None) -> None:
    program: object = _Program()
    assert why_not(program, "b", outputs) == why  # type: ignore[arg-type]
    assert why_not(program, "a", outputs) is None  # type: ignore[arg-type]
    assert why_not(program, None, outputs) is None  # type: ignore[arg-type]
    assert why_not(program, "gone", outputs) == (  # type: ignore[arg-type]
        "it stands before node `gone`, which this build of the workflow does not have"
    )
