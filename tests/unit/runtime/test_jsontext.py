"""JSON text of the dialect (spec 01 §0, design §7): every row, its edges, and round trips."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from typing import Any

import pytest
from equality import equal
from hypothesis import given
from hypothesis import strategies as st

from agentdc_runtime.jsontext import MAX_DEPTH, Fixed, JsonError, compact, loads, pretty

# Far above the interpreter's recursion limit; a loop edge can wrap a value ten thousand times.
VERY_DEEP = 12_000


def typed(value: Any) -> Any:
    return repr(value), type(value)


def deep(depth: int) -> Any:
    value: Any = 1e-7
    for turn in range(depth):
        value = {"v": value} if turn % 2 else [value]
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        (" \t\r\n true \t\r\n", True),
        ("0", 0),
        ("-0", -0.0),
        ("-0.0", -0.0),
        ("-0e3", -0.0),
        ("0.0", 0.0),
        ("1", 1),
        ("1.0", 1.0),
        ("1e2", 100.0),
        ("1E+2", 100.0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", -9223372036854775808.0),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 18446744073709551616.0),
        ("-18446744073709551616", -18446744073709551616.0),
        ("123456789012345678901234567890", 123456789012345678901234567890.0),
        ("1e-400", 0.0),
        ("-1e-400", -0.0),
        ("0." + "0" * 5000 + "1", 0.0),
        ("1." + "0" * 5000, 1.0),
        ('""', ""),
        (r'"\"\\\/\b\f\n\r\t\u00e9"', '"\\/\b\f\n\r\té'),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\uD83D\uDE00"', "😀"),
        (r'"\\ud83d"', "\\ud83d"),
        (r'"\\\\ud83d\\"', "\\\\ud83d\\"),
        (r'"\ud7ff\ue000"', "\ud7ff\ue000"),
        ('"\x7f é 漢 😀 \u2028"', "\x7f é 漢 😀 \u2028"),
        ('{"a":1,"a":2}', {"a": 2}),
        ('{"a":{"x":1},"a":{"y":2}}', {"a": {"y": 2}}),
        ("[ ]", []),
        ('{"":{}}', {"": {}}),
    ],
)
def test_loads(text: str, value: Any) -> None:
    assert typed(loads(text)) == typed(value)


def test_loads_keeps_the_order_of_keys() -> None:
    assert list(loads('{"b":1,"a":2}')) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expecting a value at line 1 column 1"),
        ("  ", "expecting a value at line 1 column 3"),
        ("\ufeff{}", "expecting a value at line 1 column 1"),
        ("nul", "expecting a value"),
        ("NaN", "NaN is not JSON at line 1 column 1"),
        ('["NaN",\n Infinity]', "Infinity is not JSON at line 2 column 2"),
        ("-Infinity", "-Infinity is not JSON at line 1 column 1"),
        ('["1e400", 1e400]', "number too large at line 1 column 11"),
        ("-1e400", "number too large"),
        ("9" * 400, "number too large"),
        ("9" * 5000, "number too large"),
        ("9" * 400 + ".5", "number too large"),
        ("01", "text after the value at line 1 column 2"),
        ("-01", "text after the value"),
        ("+1", "expecting a value"),
        (".5", "expecting a value"),
        ("1.", "text after the value"),
        ("1e", "text after the value"),
        ("-", "expecting a value"),
        ("0x1", "text after the value"),
        ("1_0", "text after the value"),
        ("1 2", "text after the value at line 1 column 3"),
        ("{}\n\n x", "text after the value at line 3 column 2"),
        ("{}\x0b", "text after the value"),
        ("{}\u00a0", "text after the value"),
        ("[1,]", "at line 1 column"),
        ('{"a":1,}', "at line 1 column"),
        ("[1 2]", "expecting ',' delimiter at line 1 column 4"),
        ('{"a" 1}', "expecting ':' delimiter at line 1 column 6"),
        ("{a:1}", "expecting property name"),
        ("{1:1}", "expecting property name"),
        ("{'a':1}", "expecting property name"),
        ("[1] // no", "text after the value"),
        ("/* no */ 1", "expecting a value"),
        ('["a\nb"]', "invalid control character at line 1 column 4"),
        ('"\x1f"', "invalid control character"),
        ('"abc', "unterminated string"),
        ('"abc\\', "at line 1 column"),
        (r'"\x"', "invalid \\escape"),
        (r'"\u12"', "invalid \\uXXXX escape"),
        (r'"\u12g4"', "invalid \\uXXXX escape"),
        ("[", "at line 1 column 2"),
        ("[1", "at line 1 column"),
        ('{"a":', "at line 1 column 6"),
        (r'"\ud83d"', "lone surrogate escape at line 1 column 2"),
        (r'"ab\uDE00"', "lone surrogate escape at line 1 column 4"),
        (r'"\ude00\ud83d"', "lone surrogate escape at line 1 column 2"),
        (r'"\ud83dx"', "lone surrogate escape"),
        (r'"\ud83d\n"', "lone surrogate escape"),
        (r'"\ud83d\ud83d\ude00"', "lone surrogate escape at line 1 column 2"),
        (r'"\\\ud83d"', "lone surrogate escape at line 1 column 4"),
        (r'{"\ud83d":1}', "lone surrogate escape"),
        (r'{"a":"\ud83d","a":1}', "lone surrogate escape"),
        ('"\ud83d"', "lone surrogate at line 1 column 2"),
    ],
)
def test_loads_refuses(text: str, reason: str) -> None:
    with pytest.raises(JsonError) as caught:
        loads(text)
    assert reason in caught.value.reason
    assert re.search(r" at line \d+ column \d+$", caught.value.reason)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"[[[":', "}]")])
def test_nesting_limit(opening: str, closing: str) -> None:
    at_once = opening.replace('"[[["', "").count("[") + opening.count("{")
    fitting = MAX_DEPTH // at_once
    loads(opening * fitting + "1" + closing * fitting)
    with pytest.raises(JsonError, match="more than 127 nested containers at line 1 column"):
        loads(opening * (fitting + 1) + "1" + closing * (fitting + 1))


def test_wide_text_is_not_deep() -> None:
    assert loads("[" + ",".join(['{"a":[]}'] * 500) + "]") == [{"a": []}] * 500
    assert loads('"' + "[" * 500 + '"') == "[" * 500


@pytest.mark.parametrize("depth", [128, 990, 1_000, 100_000])
def test_text_too_deep_for_the_stack_is_refused_alike(depth: int) -> None:
    with pytest.raises(JsonError, match="more than 127 nested containers at line 1 column 128"):
        loads("[" * depth + "]" * depth)
    with pytest.raises(JsonError):
        loads("[" * depth)


def test_an_error_never_quotes_the_text() -> None:
    with pytest.raises(JsonError) as caught:
        loads('{"password": hunter2}')
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-(2**63), "-9223372036854775808"),
        (2**64 - 1, "18446744073709551615"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (0.00001, "0.00001"),
        (-0.00001, "-0.00001"),
        (0.0000123, "0.0000123"),
        (9.999e-5, "0.00009999"),
        (9.99e-6, "9.99e-6"),
        (1e-6, "1e-6"),
        (1.5e-7, "1.5e-7"),
        (-1.5e-7, "-1.5e-7"),
        (1e-10, "1e-10"),
        (5e-324, "5e-324"),
        (1e15, "1000000000000000.0"),
        (9999999999999998.0, "9999999999999998.0"),
        (1e16, "1e16"),
        (-1e16, "-1e16"),
        (1.2345678901234568e17, "1.2345678901234568e17"),
        (1e100, "1e100"),
        (1.7976931348623157e308, "1.7976931348623157e308"),
        ("", '""'),
        ('"\\/\b\f\n\r\t\x00\x1f\x7fé漢😀\u2028', '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7fé漢😀\u2028"'),
        ({}, "{}"),
        ([], "[]"),
        ({"b": {"z": 1, "a": 2}, "a": [1, "x", {}]}, '{"a":[1,"x",{}],"b":{"a":2,"z":1}}'),
        ({"é": 1, "z": 2, "😀": 3, "\uffff": 4, "Z": 5, "": 6}, '{"":6,"Z":5,"z":2,"é":1,"\uffff":4,"😀":3}'),
        ({"1e-05,": [1e-5, "2e+16,", 2e16]}, '{"1e-05,":[0.00001,"2e+16,",2e16]}'),
        ({"a": 1e-7, "e-mail": "3e-45a, e-9"}, '{"a":1e-7,"e-mail":"3e-45a, e-9"}'),
        ([1e22, 1e-7], "[1e22,1e-7]"),
    ],
)
def test_compact(value: Any, text: str) -> None:
    assert compact(value) == text
    if not isinstance(value, (dict, list)):
        assert pretty(value) == text
    assert typed(loads(compact(value)))[1] is type(value)


def test_pretty() -> None:
    value = {"b": [1, [], {}, [2, {"y": 1e-5, "x": None}]], "a": "é\n"}
    assert pretty(value) == (
        "{\n"
        '  "a": "é\\n",\n'
        '  "b": [\n'
        "    1,\n"
        "    [],\n"
        "    {},\n"
        "    [\n"
        "      2,\n"
        "      {\n"
        '        "x": null,\n'
        '        "y": 0.00001\n'
        "      }\n"
        "    ]\n"
        "  ]\n"
        "}"
    )
    assert pretty({}) == "{}" and pretty([]) == "[]"


def test_fixed_keeps_its_own_order_only() -> None:
    entry = Fixed(node_id="n", kind="k", output={"b": 1, "a": Fixed(z=1, y=2)})
    document = Fixed(status="completed", entries=[entry], final_value={"b": 1, "a": 2}, empty=Fixed())
    assert compact(document) == (
        '{"status":"completed","entries":[{"node_id":"n","kind":"k","output":{"a":{"y":2,"z":1},"b":1}}],'
        '"final_value":{"a":2,"b":1},"empty":{}}'
    )
    assert pretty(Fixed(b={"d": 1, "c": 2}, a=1e-7)) == (
        '{\n  "b": {\n    "c": 2,\n    "d": 1\n  },\n  "a": 1e-7\n}'
    )
    assert compact([Fixed(b=1, a=1e-7)]) == '[{"b":1,"a":1e-7}]'


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [math.nan]])
def test_numbers_that_are_not_finite_have_no_text(value: Any) -> None:
    with pytest.raises(ValueError):
        compact(value)
    with pytest.raises(ValueError):
        pretty(value)


def test_values_that_are_not_json_have_no_text() -> None:
    for write in (compact, pretty):
        with pytest.raises(TypeError, match="not a JSON value: set"):
            write([{1}])


def test_no_depth_ends_in_a_recursion_error() -> None:
    text = compact(deep(VERY_DEEP))
    assert text.startswith('{"v":[{"v":[') and "1e-7" in text
    assert len(text) == VERY_DEEP // 2 * len('{"v":[]}') + len("1e-7")
    assert len(pretty(deep(2_000)).split("\n")) == 2 * 2_000 + 1


scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(values)
def test_round_trip(value: Any) -> None:
    for text in (compact(value), pretty(value)):
        back = loads(text)
        assert equal(back, value)
        assert compact(back) == compact(value)  # also the sign of zero


@given(values)
def test_agrees_with_the_standard_library(value: Any) -> None:
    ours, theirs = (
        compact(value),
        json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    )
    assert json.loads(ours) == json.loads(theirs)
    if not re.search(r"\de[+-]\d", theirs):
        assert ours == theirs
    spaced = pretty(value)
    if not re.search(r"\de[+-]\d", theirs):
        assert spaced == json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_float_text(value: float) -> None:
    text = compact(value)
    assert float(text) == value and math.copysign(1, float(text)) == math.copysign(1, value)
    assert re.fullmatch(r"-?(0|[1-9]\d*)\.\d+|-?[1-9](\.\d+)?e-?[1-9]\d*", text)
    assert ("e" in text) == (value != 0 and not 1e-5 <= abs(value) < 1e16)


@given(st.text(alphabet=st.sampled_from('[]{}",:\\ud8dc0012aeE+-.tfn \n\x00\ud800')))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value = loads(text)
    except JsonError:
        return
    compact(value).encode()  # what is read can be written, as UTF-8


@given(st.text(alphabet=st.sampled_from('[]{}",:\\u0012aeE+-.tfn \n')))
def test_accepts_what_the_standard_library_accepts(text: str) -> None:
    try:
        theirs = json.loads(text)
    except ValueError:
        with pytest.raises(JsonError):
            loads(text)
        return
    try:
        ours = loads(text)
    except JsonError as error:
        assert "too large" in error.reason  # noqa: PT017 - either outcome is fine, not any reason
        return
    assert ours == theirs


def test_linking_costs_no_regular_expressions() -> None:
    heavy = "{'re', 'json', 'enum', 'typing'}"
    script = f"import agentdc_runtime.values; print(*sorted({heavy} & set(sys.modules)))"
    import agentdc_runtime

    root = agentdc_runtime.__path__[0].rsplit("/", 1)[0]
    command = [sys.executable, "-S", "-I", "-c", f"import sys; sys.path.insert(0, {root!r}); {script}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "\n"
