"""Handlers that touch nothing outside the run (spec 01 §5.4–§5.7, §5.18, §5.19, §5.23)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from equality import equal
from hypothesis import given
from hypothesis import strategies as st

from agentdc_runtime.errors import ToolError
from agentdc_runtime.nodes import (
    condition,
    diff_compute,
    json_select,
    parse_json,
    respond,
    switch,
)
from agentdc_runtime.values import inner

if TYPE_CHECKING:
    from agentdc_runtime.core.run import Run


def test_parse_json() -> None:
    assert parse_json.run(text='{"a":[1,1.0]}') == {"parsed": {"a": [1, 1.0]}}
    assert parse_json.run(text=" null ") == {"parsed": None}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "input_from must resolve to a string, not null"),
        ({"a": 1}, "input_from must resolve to a string, not object"),
        (7, "input_from must resolve to a string, not number"),
        (True, "input_from must resolve to a string, not boolean"),
        ("", "invalid JSON: expecting a value at line 1 column 1"),
        ("{}\n}", "invalid JSON: text after the value at line 2 column 1"),
        ("[" * 200 + "]" * 200, "invalid JSON: more than 127 nested containers at line 1 column 128"),
    ],
)
def test_parse_json_refuses(text: Any, reason: str) -> None:
    with pytest.raises(ToolError) as caught:
        parse_json.run(text=text)
    assert caught.value.display == f"tool `parse_json` failed: {reason}"


@pytest.mark.parametrize(
    ("value", "path", "found", "result"),
    [
        ({"a": {"b": [1, None]}}, "a.b.0", True, 1),
        ({"a": {"b": [1, None]}}, ".a..b.+01", True, None),
        ({"a": {"b": [1, None]}}, "a.b.2", False, None),
        ({"a": 1}, "", True, {"a": 1}),
        (None, "", True, None),
        ("text", "0", False, None),
    ],
)
def test_json_select(value: Any, path: str, found: bool, result: Any) -> None:
    assert json_select.run(value=value, path=inner(path)) == {"found": found, "value": result}


def test_branches() -> None:
    assert condition.run(value=[]) == ({"value": []}, "false")
    assert condition.run(value="false") == ({"value": "false"}, "true")
    assert condition.run(value=None) == ({"value": None}, "false")
    assert switch.run(value=1.0) == ({"value": 1.0}, "1.0")
    assert switch.run(value=None) == ({"value": None}, "null")
    assert switch.run(value={"a": 1}) == ({"value": {"a": 1}}, "object")


def test_respond_keeps_the_last_reply() -> None:
    class Stand:
        response: Any = None

    run = Stand()
    respond.run(cast("Run", run), status=200, content_type="text/plain", body="first")
    output = respond.run(cast("Run", run), status=418, content_type="application/json", body='"é😀"')
    assert output == {"bytes": 8, "content_type": "application/json", "status": 418}
    assert run.response == {"status": 418, "content_type": "application/json", "body": '"é😀"'}


@pytest.mark.parametrize(
    ("left", "right", "added", "changed", "removed"),
    [
        (1, 1, {}, {}, {}),
        (0.0, -0.0, {}, {}, {}),
        (1, 1.0, {}, {"$": {"from": 1, "to": 1.0}}, {}),
        (1, True, {}, {"$": {"from": 1, "to": True}}, {}),
        (None, False, {}, {"$": {"from": None, "to": False}}, {}),
        ({}, [], {}, {"$": {"from": {}, "to": []}}, {}),
        ({"a": 1}, {"a": 2}, {}, {"a": {"from": 1, "to": 2}}, {}),
        ({"a": {"b": 1}}, {}, {}, {}, {"a": {"b": 1}}),
        ({}, {"a": {"b": [1]}}, {"a": {"b": [1]}}, {}, {}),
        ({"a": None}, {}, {}, {}, {"a": None}),
        ([1, 2], [1, 3], {}, {"[1]": {"from": 2, "to": 3}}, {}),
        ([1], [1, {"x": 1}, 3], {"[1]": {"x": 1}, "[2]": 3}, {}, {}),
        ([1, 2, 3], [1], {}, {}, {"[1]": 2, "[2]": 3}),
        ([[1, [2]]], [[1, [4]]], {}, {"[0][1][0]": {"from": 2, "to": 4}}, {}),
        (
            {"items": [{}, {}, {"name": "a"}]},
            {"items": [{}, {}, {"name": "b", "new": 1}]},
            {"items[2].new": 1},
            {"items[2].name": {"from": "a", "to": "b"}},
            {},
        ),
        ([{"a.b": 1}], [{"a.b": 2}], {}, {"[0].a.b": {"from": 1, "to": 2}}, {}),
        ({"": {"": 1}}, {"": {"": 2}}, {}, {".": {"from": 1, "to": 2}}, {}),
        ({"": 1}, {"": 2}, {}, {"": {"from": 1, "to": 2}}, {}),
        ({"a": [1]}, {"a": {"0": 1}}, {}, {"a": {"from": [1], "to": {"0": 1}}}, {}),
        ({"a": 1, "b": [1]}, {"b": [1], "a": 1}, {}, {}, {}),
        # one path text for two places: the later in sorted, depth-first order stays
        ({"a.b": 1, "a": {"b": 2}}, {"a.b": 3, "a": {"b": 4}}, {}, {"a.b": {"from": 1, "to": 3}}, {}),
        ({"a": {}}, {"a": {"b": 2}, "a.b": 3}, {"a.b": 3}, {}, {}),
    ],
)
def test_diff(left: Any, right: Any, added: Any, changed: Any, removed: Any) -> None:
    expected = {
        "added": added,
        "changed": changed,
        "removed": removed,
        "unchanged": not (added or changed or removed),
    }
    assert equal(diff_compute.run(left=left, right=right), expected)


def test_diff_of_very_deep_values() -> None:
    left: Any = 1
    right: Any = 2
    for _ in range(5_000):
        left, right = {"v": left}, {"v": right}
    out = diff_compute.run(left=left, right=right)
    assert out["changed"] == {".".join(["v"] * 5_000): {"from": 1, "to": 2}}


values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.floats(0, 1) | st.sampled_from(["", "x"]),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inside),
    max_leaves=8,
)


@given(values, values)
def test_diff_is_empty_exactly_for_equal_values_and_mirrors(left: Any, right: Any) -> None:
    there = diff_compute.run(left=left, right=right)
    back = diff_compute.run(left=right, right=left)
    assert there["unchanged"] == equal(left, right)
    assert equal(there["added"], back["removed"]) and equal(there["removed"], back["added"])
    flipped = {path: {"from": pair["to"], "to": pair["from"]} for path, pair in back["changed"].items()}
    assert equal(there["changed"], flipped)
