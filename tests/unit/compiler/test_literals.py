"""Values to source text: what comes back is what went in, whatever it was."""

from __future__ import annotations

import ast
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentdc.codegen.literals import MAX_COMMENT, MAX_LINES, BadLiteral, comment, docstring, literal, same

texts = st.text() | st.text(alphabet="\"'\\\n\r\t {}#%\0\x7f\u2028\u202e\ud7ff\ue000\U0001f600a")
scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
@example([1, 1.0, True, -0.0, 0.0, -1, "1"])
@example({"": {}, "a": [], "b": [[]]})
@example(5e-324)
@example('\'"""\\')
@example("{{ '{% raw %}' }}")
def test_round_trip(value: Any) -> None:
    source = literal(value)
    assert same(ast.literal_eval(source), value)
    assert "\n" not in source
    compile(f"x = {source}", "literal", "exec")


@given(st.lists(texts).map(tuple))
def test_tuples_of_text(value: tuple[str, ...]) -> None:
    assert same(ast.literal_eval(literal(value)), value)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        (None, "None"),
        (True, "True"),
        (-5, "-5"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e300, "1e+300"),
        ("it's", '"it\'s"'),
        ('a"b', "'a\"b'"),
        ("a\nb", "'a\\nb'"),
        ("\u202e", "'\\u202e'"),
        ("\u2028\0", "'\\u2028\\x00'"),
        ("é→", "'é→'"),
        ((), "()"),
        (("a",), "('a',)"),
        (("a", "b"), "('a', 'b')"),
        ([], "[]"),
        ({"a": [1]}, "{'a': [1]}"),
    ],
)
def test_text_of_literals(value: Any, source: str) -> None:
    assert literal(value) == source


@pytest.mark.parametrize("lines", [2, 3, MAX_LINES, MAX_LINES + 1, 5000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\x0c"])
def test_long_text_is_one_string_per_line(lines: int, end: str) -> None:
    value = f"a line of the text, long enough to be cut{end}" * lines
    source = literal(value)
    assert ast.literal_eval(source) == value
    assert source.startswith("(") == (lines <= MAX_LINES)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, {1, 2}, b"x", object(), {"a": {"b": 1j}}])
def test_what_is_no_json_has_no_literal(value: Any) -> None:
    with pytest.raises(
        (BadLiteral, SyntaxError)
    ):  # a number that is not finite has no literal in libcst either
        literal(value)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (1, True, False),
        (0.0, -0.0, False),
        ("a", "a", True),
        ([1, [True]], [1, [1]], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        ((1,), [1], False),
        ([1], [1, 2], False),
    ],
)
def test_same(left: Any, right: Any, equal: bool) -> None:
    assert same(left, right) == equal


@given(texts)
@example("x" * 500)
def test_comments_are_one_printable_line(text: str) -> None:
    shown = comment(text)
    assert shown.isprintable()
    assert len(shown) <= MAX_COMMENT
    tree = ast.parse(f"x = 1  # {shown}\ny = 2\n")
    assert len(tree.body) == 2


@given(texts)
@example('"""')
@example("\\")
@example('ends with a quote"')
def test_docstrings(text: str) -> None:
    shown = comment(text)
    module = ast.parse(docstring(shown))
    assert ast.get_docstring(module, clean=False) == shown


def test_a_docstring_keeps_line_breaks() -> None:
    assert ast.literal_eval(docstring('first "line"\n\nlast \\ line\n')) == 'first "line"\n\nlast \\ line\n'
