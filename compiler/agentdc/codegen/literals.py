"""The only way a user's value becomes Python source.

Every literal is built as a concrete syntax tree by libcst, then read back and compared: text that would not
evaluate to the value is a mistake of ours and stops the build.

    >>> literal("a\\"b")
    "'a\\"b'"
"""

from __future__ import annotations

import ast
import math
import unicodedata
from typing import Any

import libcst as cst

MAX_COMMENT = 100
MAX_LINES = 100  # libcst nests a string per line; deeper trees are slow


class BadLiteral(Exception):
    """A value that did not survive the way to source text and back."""


def literal(value: Any) -> str:
    """Python source of a JSON value; long strings with line breaks become one string per line."""
    source = cst.Module(body=[]).code_for_node(_node(value))
    if not same(ast.literal_eval(source), value):
        raise BadLiteral(f"a {type(value).__name__} literal did not survive")
    return source


def docstring(text: str) -> str:
    """A triple-quoted docstring; `text` holds only printable characters and line breaks (see `comment`)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    source = f'"""{escaped}"""'
    if ast.literal_eval(source) != text:
        raise BadLiteral("a docstring did not survive")
    return source


def same(left: Any, right: Any) -> bool:
    """Equality that keeps 1, 1.0 and True apart, at every depth."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return bool(left == right)


def comment(text: str) -> str:
    """Text that is safe behind a `#`: one line, printable, at most MAX_COMMENT characters."""
    shown = "".join(each if _plain(each) else "?" for each in text)
    return shown if len(shown) <= MAX_COMMENT else shown[: MAX_COMMENT - 1] + "…"


def _plain(character: str) -> bool:
    return character.isprintable() and unicodedata.bidirectional(character) not in {"R", "AL", "AN"}


def _node(value: Any) -> cst.BaseExpression:
    match value:
        case None | True | False:
            return cst.Name(str(value))
        case str():
            return _string(value)
        case int():
            return _signed(value < 0, cst.Integer(str(abs(value))))
        case float():
            return _signed(math.copysign(1, value) < 0, cst.Float(repr(abs(value))))
        case list():
            return cst.List([cst.Element(_node(item)) for item in value])
        case tuple():
            return _tuple([_node(item) for item in value])
        case dict():
            return cst.Dict([cst.DictElement(_string(key), _node(item)) for key, item in value.items()])
    raise BadLiteral(f"no literal for a {type(value).__name__}")


def _tuple(items: list[cst.BaseExpression]) -> cst.Tuple:
    elements = [cst.Element(item) for item in items]
    if len(elements) == 1:
        elements = [elements[0].with_changes(comma=cst.Comma())]
    return cst.Tuple(elements)


def _signed(negative: bool, number: cst.BaseNumber) -> cst.BaseExpression:
    return cst.UnaryOperation(cst.Minus(), number) if negative else number


def _string(text: str) -> cst.BaseExpression:
    """One string, or for a long text with line breaks a parenthesised string per line."""
    lines = text.splitlines(keepends=True)
    if len(text) < 60 or not 2 <= len(lines) <= MAX_LINES:
        return cst.SimpleString(repr(text))
    whole: cst.SimpleString | cst.ConcatenatedString = cst.SimpleString(repr(lines[-1]))
    for line in reversed(lines[:-1]):
        whole = cst.ConcatenatedString(cst.SimpleString(repr(line)), whole)
    return whole.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
