"""What `agentdc diff` rests on: patterns that cover patterns, statements from anywhere, and the order of verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdc.check.capabilities import NotAStatement, Record, Statement, from_bytes, stated
from agentdc.diffing import render, rules
from agentdc.diffing.compare import Verdict, compare
from agentdc_runtime.policy.match import name_matches, path_matches

TEXTS = st.text("/ab*", max_size=6)
LEVELS = st.sampled_from(
    ["absent", "present", "off", "on", "none", "1", "2", "unlimited", "bearer", "x; y", "x"]
)
CATEGORIES = st.sampled_from(
    [
        *rules.SETS,
        *rules.LIMITS,
        *rules.GUARDS,
        *rules.COUNTED,
        *rules.FLOORS,
        "use http",
        "secret",
        "policy",
        "sandbox",
    ]
)
SUBJECTS = st.sampled_from(["*", "/srv/**", "/srv/in/*", "a", "mode", "[policy]"])
RECORDS = st.lists(
    st.builds(Record, CATEGORIES, st.sampled_from(["", "route x"]), SUBJECTS, LEVELS), max_size=8
)


def statement(records: list[Record]) -> Statement:
    """One level for each key, as checked workflows give."""
    return stated("w", {(each.category, each.of, each.subject): each for each in records}.values())


@given(TEXTS, TEXTS, TEXTS)
def test_a_pattern_that_covers_another_matches_what_that_matches(
    outer: str, inner: str, subject: str
) -> None:
    if rules.path(outer, inner) and path_matches(inner, subject):
        assert path_matches(outer, subject)
    if rules.name(outer, inner) and name_matches(inner, subject):
        assert name_matches(outer, subject)


@given(TEXTS)
def test_every_pattern_covers_itself_and_is_covered_by_all(pattern: str) -> None:
    for covers in set(rules.SETS.values()):
        assert covers(pattern, pattern)
    for covers in (rules.path, rules.name, rules.plain):
        assert covers("*", pattern)


@given(RECORDS, RECORDS)
def test_any_two_statements_can_be_compared(some: list[Record], others: list[Record]) -> None:
    old, new = statement(some), statement(others)
    assert compare(old, old) == []
    there, back = compare(old, new), compare(new, old)
    assert there == sorted(there, key=lambda each: each.key)
    more = {Verdict.WIDENED, Verdict.ADDED}
    up = {(each.category, each.of, each.subject) for each in there if each.verdict in more}
    assert not up & {(each.category, each.of, each.subject) for each in back if each.verdict in more}
    for rendered in (render.as_text, render.as_json, render.as_markdown):
        assert rendered("a", "b", there).endswith("\n")


@given(RECORDS)
def test_statements_survive_json(records: list[Record]) -> None:
    found = statement(records)
    assert from_bytes(json.dumps(found.to_json()).encode()) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["version", "records", "level"]), inner)
    ),
)


@given(JSON)
def test_what_is_no_statement_is_refused(document: Any) -> None:
    try:
        from_bytes(json.dumps(document).encode())
    except NotAStatement:
        return
    assert document["version"] == 1


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"[" * 100_000, b"{}", b"[]", b'{"version": 1, "records": {}}']
)
def test_bytes_that_are_no_statement(data: bytes) -> None:
    with pytest.raises(NotAStatement):
        from_bytes(data)


def test_sets_are_known_by_what_they_hold() -> None:
    """Two lists that allow the same give no difference, however they are written."""
    one = stated(
        "w", [Record("policy fs.read", "", each, "allowed") for each in ("/srv/**", "/srv/in/*", "/srv")]
    )
    other = stated("w", [Record("policy fs.read", "", "/srv/*", "allowed")])
    assert compare(one, other) == compare(other, one) == []
