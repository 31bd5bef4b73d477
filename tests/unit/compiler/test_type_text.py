"""Types in words: one line where it fits, and what a person can take in where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from agentdc.types import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    NULL,
    STRING,
    UNKNOWN,
    Array,
    Type,
    open_record,
    record,
    union,
)
from agentdc.types import Literal as Exactly
from agentdc.types.from_value import exact
from agentdc.types.text import text, wrapped

LONG = {f"a_rather_long_name_{n}": STRING for n in range(5)}


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (union((INTEGER, FLOAT)), "number"),
        (union((FLOAT, NULL, INTEGER)), "number | null"),
        (union((INTEGER, STRING)), "integer | string"),
        (Array(STRING, (STRING, STRING)), "[2 or more: string]"),
        (Array(STRING, (INTEGER,)), "[integer, string…]"),
        (record({"a b": STRING}, {"c": NULL}), '{"a b": string, c?: null}'),
        (Exactly("string", '["a"]'), "'[\"a\"]'"),
        (Exactly("string", 'it\'s "so"'), '"it\'s \\"so\\""'),
        (Exactly("string", 'a\n"b"'), '"a\\n\\"b\\""'),
        (Exactly("string", "x" * 200), f'"{"x" * 77}…"'),
    ],
)
def test_one_line(found: Type, shown: str) -> None:
    assert text(found) == shown
    assert wrapped(found) == shown


def test_an_object_is_broken_into_a_line_for_each_field() -> None:
    found = record({"deep": record(LONG), "note": STRING})
    lines = wrapped(found, before=6).splitlines()
    assert lines[:2] == ["{", "  deep: {"]
    assert lines[2] == "    a_rather_long_name_0: string,"
    assert lines[-3:] == ["  },", "  note: string,", "}"]


def test_records_tell_once_what_they_have_in_common() -> None:
    found = union((record({**LONG, "ok": BOOLEAN}), record({**LONG, "ok": NULL, "why": STRING})))
    assert wrapped(found).splitlines()[-3:] == ["}", "  with {ok: boolean}", "    or {ok: null, why: string}"]


def test_different_types_stand_one_below_the_other() -> None:
    found = union((record(LONG), open_record({"code": INTEGER, **LONG}), Exactly("string", "none")))
    assert wrapped(found).splitlines()[:3] == ["", '  | "none"', "  | {"]
    assert wrapped(found).splitlines()[-1] == "    }"


@pytest.mark.parametrize("before", [0, 40, 100])
def test_no_line_is_too_wide(before: int) -> None:
    found: Type = UNKNOWN
    for depth in range(6):
        found = record({**LONG, f"level_{depth}": found, "items": Array(union((found, NULL)))})
    assert all(len(line) <= 110 for line in wrapped(found, before).splitlines()[1:])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [1, 1.5, True, None, "x"]}, '{a: [1, 1.5, true, null, "x"]}'),
        ([], "[]"),
        (2**64, "float"),
        (list(range(300)), "any"),
    ],
)
def test_exact(value: Any, shown: str) -> None:
    assert text(exact(value)) == shown
