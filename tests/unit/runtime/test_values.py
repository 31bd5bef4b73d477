"""Paths, texts, labels, truth and equality of JSON values (spec 01 §0, §3, §4, §5.18, §5.19)."""

from __future__ import annotations

from typing import Any

import pytest
from equality import equal
from hypothesis import given
from hypothesis import strategies as st

from agentdc_runtime.errors import ToolError
from agentdc_runtime.values import (
    MISSING,
    fill,
    find,
    inner,
    kind,
    label,
    need,
    string,
    text,
    truthy,
    walk,
)

DATA: Any = {
    "a": {"b": [10, {"c": None}, [True]], "": "empty key", "0": "zero key"},
    "": {"": 1},
    "list": [[1, 2], "s"],
    "null": None,
    "text": "12345",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b.0", 10),
        ("a.b.1.c", None),
        ("a.b.2.0", True),
        ("a.b.00", 10),
        ("a.b.+0", 10),
        ("a.b.+001.c", None),
        ("a.0", "zero key"),
        ("a.", "empty key"),
        (".", 1),
        ("null", None),
        ("a.b.3", MISSING),
        ("a.b.-1", MISSING),
        ("a.b.-0", MISSING),
        ("a.b.++0", MISSING),
        ("a.b.+", MISSING),
        ("a.b.", MISSING),
        ("a.b. 0", MISSING),
        ("a.b.0 ", MISSING),
        ("a.b.0x0", MISSING),
        ("a.b.1e0", MISSING),
        ("a.b.1_0", MISSING),
        ("a.b.٠", MISSING),  # a decimal digit, but not an ASCII one
        ("a.b.²", MISSING),
        ("a.b.x", MISSING),
        ("a.b." + "9" * 10_000, MISSING),
        ("a.b." + "0" * 10_000, 10),
        ("a.b.18446744073709551616", MISSING),
        ("null.x", MISSING),
        ("text.0", MISSING),
        ("a.b.0.x", MISSING),
        ("nope", MISSING),
        ("A", MISSING),
        (" a", MISSING),
    ],
)
def test_walk(path: str, expected: Any) -> None:
    segments = tuple(path.split("."))
    assert walk(DATA, segments) is expected or walk(DATA, segments) == expected
    assert (walk(DATA, segments) is MISSING) == (expected is MISSING)
    assert find(DATA, segments) == (None if expected is MISSING else expected)
    if expected is MISSING:
        with pytest.raises(ToolError, match="does not resolve") as caught:
            need(DATA, segments, "parse_json", f"load.{path}")
        assert f"load.{path}" in caught.value.reason and caught.value.tool == "parse_json"
    else:
        assert need(DATA, segments, "parse_json", path) == expected


def test_no_segments_is_the_value_itself() -> None:
    assert walk(DATA, ()) is DATA
    assert find(None, ()) is None and need(None, (), "t", "p") is None


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("", ()),
        (".", ()),
        (".a..b", ("a", "b")),
        ("a.b.", ("a", "b")),
        (" a . b", (" a ", " b")),
        ("0", ("0",)),
    ],
)
def test_inner(path: str, segments: tuple[str, ...]) -> None:
    assert inner(path) == segments


@pytest.mark.parametrize(
    ("value", "shown"),
    [("é\n", "é\n"), ("", ""), (None, "null"), (True, "true"), (7, "7"), ([1, 2], "[1,2]"),
     ({"b": 1, "a": 1e-5}, '{"a":0.00001,"b":1}')],
)  # fmt: skip
def test_text(value: Any, shown: str) -> None:
    assert text(value) == shown
    assert fill({"x": [value]}, ("x", "0"), "x.0") == shown
    assert fill(value, (), "") == shown


def test_an_unresolved_hole_is_put_back() -> None:
    assert fill(None, ("x",), "x") == "{{x}}"
    assert fill({"a": 1}, ("a", "b"), ".a..b") == "{{.a..b}}"


@pytest.mark.parametrize("value", [None, False, 0, 0.0, -0.0, "", [], {}])
def test_false(value: Any) -> None:
    assert truthy(value) is False


@pytest.mark.parametrize("value", [True, 1, -1, 1e-300, "false", "0", " ", [0], [None], {"": None}])
def test_true(value: Any) -> None:
    assert truthy(value) is True


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Yes ", "Yes "), ("", ""), (True, "true"), (False, "false"), (7, "7"), (1.0, "1.0"), (-0.0, "-0.0"),
        (1e16, "1e16"), (None, "null"), ([], "array"), ([1], "array"), ({}, "object"), ({"a": 1}, "object"),
    ],
)  # fmt: skip
def test_label(value: Any, expected: str) -> None:
    assert label(value) == expected


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"), (True, "boolean"), (1, "number"), (1.5, "number"), ("", "string"), ([], "array"),
        ({}, "object"),
    ],
)  # fmt: skip
def test_kind_and_string(value: Any, name: str) -> None:
    assert kind(value) == name
    if name == "string":
        assert string(value, "read_file", "path_from") == value
        return
    with pytest.raises(ToolError) as caught:
        string(value, "read_file", "path_from")
    assert caught.value.display == f"tool `read_file` failed: path_from must resolve to a string, not {name}"


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1, True), (1, 1.0, False), (1, True, False), (0, False, False), (1.0, True, False), (1, "1", False),
        (None, False, False), (None, 0, False), ("", None, False), (0.0, -0.0, True), (0, -0.0, False),
        ([], {}, False), ([], [], True), ({}, {}, True), ([1], [1.0], False), ([1, 2], [1], False),
        ([1], [1, 2], False), ([[{"a": [0]}]], [[{"a": [0.0]}]], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ({"a": 1}, {"a": True}, False), ({"a": 1}, {"b": 1}, False),
        ({"a": None}, {}, False), ([[{"a": [0.0]}]], [[{"a": [-0.0]}]], True),
    ],
)  # fmt: skip
def test_equal(left: Any, right: Any, same: bool) -> None:
    assert equal(left, right) is same
    assert equal(right, left) is same


def test_equal_at_any_depth() -> None:
    left: Any = 1
    right: Any = 1
    other: Any = 1.0
    for _ in range(20_000):
        left, right, other = [left], [right], [other]
    assert equal(left, right) and not equal(left, other)


@given(st.text(alphabet="0123456789+-. "), st.lists(st.integers(), min_size=1, max_size=3))
def test_index_grammar(segment: str, items: list[int]) -> None:
    digits = segment.removeprefix("+")
    good = digits != "" and set(digits) <= set("0123456789") and int(digits) < len(items)
    assert (walk(items, (segment,)) is not MISSING) == good
