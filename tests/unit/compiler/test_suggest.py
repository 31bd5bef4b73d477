"""Did you mean: who is near, in which order, and what is said when nobody is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdc.diagnostics import did_you_mean, nearest
from agentdc.diagnostics.suggest import edit_distance


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("", "", 0),
        ("", "ab", 2),
        ("merge", "merge", 0),
        ("merg", "merge", 1),
        ("mxrge", "merge", 1),
        ("mereg", "merge", 1),  # neighbours swapped count as one
        ("requets", "request", 1),
        ("kitten", "sitting", 3),
        ("ca", "abc", 3),  # a swapped pair is not edited again
    ],
)
def test_edit_distance(left: str, right: str, distance: int) -> None:
    assert edit_distance(left, right, 9) == edit_distance(right, left, 9) == distance


NAMES = st.text("abc", max_size=6)


@given(NAMES, NAMES, st.integers(0, 6))
def test_a_limit_only_cuts(left: str, right: str, limit: int) -> None:
    assert edit_distance(left, right, limit) == min(edit_distance(left, right, 99), limit + 1)


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("http_requets", ["http_request", "merge"], ["http_request"]),
        ("MERGE", ["merge", "merg"], ["merge"]),  # the same but for capitals wins
        ("say", ["Say", "SAY", "sya"], ["SAY", "Say"]),
        ("ab", ["ac", "xy"], ["ac"]),  # short names may differ by one
        ("a", ["b"], ["b"]),
        ("", ["a", "bc"], ["a"]),
        (
            "node",
            ["nodes", "mode", "code", "nope", "note"],
            ["code", "mode", "nodes", "nope"],
        ),  # at most four
        ("readfiles", ["read_file", "write_file"], ["read_file"]),  # up to a third of the name
        ("sleep", ["merge", "fail"], []),
        ("x", [], []),
    ],
)
def test_nearest(name: str, known: list[str], near: list[str]) -> None:
    assert nearest(name, known) == near
    assert nearest(name, reversed(known)) == near


@pytest.mark.parametrize(
    ("name", "known", "help_text"),
    [
        ("sya", ["say"], 'did you mean "say"?'),
        ("ac", ["ab", "ad"], 'did you mean "ab" or "ad"?'),
        ("ac", ["ab", "ad", "ae"], 'did you mean "ab", "ad" or "ae"?'),
        ("sleep", ["merge", "fail"], 'known here: "fail", "merge"'),
        ("sleep", ["merge", "merge"], 'known here: "merge"'),
        ("sleep", [], None),
        ("zzzzz", [f"name{n}" for n in range(9)], None),  # too many to list
    ],
)
def test_did_you_mean(name: str, known: list[str], help_text: str | None) -> None:
    assert did_you_mean(name, known) == help_text
