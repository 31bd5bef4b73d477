"""Types in words, for reports and goldens: in one line, or in as many as a wide one needs.

>>> text(record({"city": STRING}, optional={"zip": union((STRING, NULL))}))
'{city: string, zip?: string | null}'
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from agentdc.types.shape import Array, Field, Literal, Never, Object, Scalar, Type, Union, Unknown

WIDTH = 110
_LONGEST = 80  # characters of a text that are shown
_WORTH = 3  # fields that records have in common, so that telling them apart is shorter
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


def text(value_type: Type) -> str:
    """The type as text: `any` for unknown, `never` for no value, `…` for further keys or items."""
    match value_type:
        case Unknown(null, full):
            return "any that is true" if full else "any" if null else "any but null"
        case Never():
            return "never"
        case Scalar(kind, full):
            return f"{'non-empty' if kind == 'string' else 'non-zero'} {kind}" if full else kind
        case Literal(_, value):
            return _literal(value)
        case Array(Never(), ()):
            return "[]"
        case Array(item, ()):
            return f"[({text(item)})…]" if isinstance(item, Union) else f"[{text(item)}…]"
        case Array():
            return f"[{', '.join(_part(*part) for part in _items(value_type))}]"
        case Object():
            return f"{{{', '.join(_part(*part) for part in _fields(value_type))}}}"
        case Union(members):
            simple = _simple([each for each in members if isinstance(each, Scalar | Literal)])
            return " | ".join(
                [*simple, *(text(each) for each in members if not isinstance(each, Scalar | Literal))]
            )


def wrapped(value_type: Type, before: int = 0, indent: str = "") -> str:
    """The type as `text` has it, broken into lines where one would be too long.

    `before`: characters that stand before it in its line. `indent`: blanks at the beginning of that line.
    """
    line = text(value_type)
    if before + len(line) <= WIDTH:
        return line
    match value_type:
        case Array(item, ()) if not isinstance(item, Union):
            return f"[{wrapped(item, before + 3, indent)}…]"
        case Array():
            return _lines("[]", _numbered(value_type), indent)
        case Object():
            return _lines("{}", _fields(value_type), indent)
        case Union(members):
            return _alternatives(members, before, indent)
    return line


def _literal(value: str | int | float | bool | None) -> str:
    """As JSON, or in single quotes where that saves escapes, as TOML has it; of a long text only the beginning."""
    shown = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and "'" not in value and shown.replace('\\"', '"') == f'"{value}"':
        shown = f"'{value}'" if '"' in value else shown
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 2]}…{shown[-1]}"


def entry(title: str, value_type: Type) -> str:
    """A line, or a few, of a list of types: what it is about, then the type."""
    shown = wrapped(value_type, len(title) + 2)
    gap = "" if shown.startswith("\n") else " "
    return f"{title}:{gap}{shown}\n"


def _alternatives(members: tuple[Type, ...], before: int, indent: str) -> str:
    """One below the other; of records, what they have in common once, then what is different in each."""
    inner = f"{indent}  "
    same, different = _apart(members)
    if same is not None:
        words = ["with ", *["  or "] * (len(different) - 1)]
        lines = [
            word + wrapped(each, len(inner) + 6, f"{inner}     ")
            for word, each in zip(words, different, strict=True)
        ]
        return wrapped(same, before, indent) + "".join(f"\n{inner}{line}" for line in lines)
    simple = [each for each in members if isinstance(each, Scalar | Literal)]
    lines = _simple(simple) + [
        wrapped(each, len(inner) + 3, f"{inner}  ") for each in members if each not in simple
    ]
    return "".join(f"\n{inner}| {line}" for line in lines)


def _apart(members: tuple[Type, ...]) -> tuple[Object | None, list[Object]]:
    """The fields that all members have in common, and of each the others; None where that does not help."""
    records = [each for each in members if isinstance(each, Object)]
    if len(records) < len(members) or any(each.rest != records[0].rest for each in records):
        return None, []
    same = [each for each in records[0].fields if all(each in other.fields for other in records)]
    if len(same) < _WORTH:
        return None, []
    different = [Object(tuple(each for each in record.fields if each not in same)) for record in records]
    return Object(tuple(same), records[0].rest), different


def _simple(members: Sequence[Scalar | Literal]) -> list[str]:
    """Scalars in words; both kinds of numbers are what a JSON Schema calls a number."""
    found = [text(each) for each in members]
    for size in ("", "non-zero "):
        if f"{size}integer" in found and f"{size}float" in found:
            first, second = sorted((found.index(f"{size}integer"), found.index(f"{size}float")))
            found[first : second + 1] = [f"{size}number", *found[first + 1 : second]]
    return found


_Part = tuple[str, Type | None, str]
"""What stands before a type between brackets, the type, what stands behind it."""


def _fields(value: Object) -> Iterator[_Part]:
    for name, field in value.fields:
        yield _name(name, field), field.type, ""
    if value.rest is not None:
        yield ("…", None, "") if isinstance(value.rest, Unknown) else ("…: ", value.rest, "")


def _items(value: Array) -> Iterator[_Part]:
    if value.prefix and all(each == value.item for each in value.prefix):
        yield f"{len(value.prefix)} or more: ", value.item, ""
        return
    for each in value.prefix:
        yield "", each, ""
    if not isinstance(value.item, Never):
        yield ("(", value.item, ")…") if isinstance(value.item, Union) else ("", value.item, "…")


def _numbered(value: Array) -> Iterator[_Part]:
    """The items with the numbers that a path has for them."""
    for index, (before, found, behind) in enumerate(_items(value)):
        yield f"{index}: " if index < len(value.prefix) and not before else before, found, behind


def _name(name: str, field: Field) -> str:
    shown = name if _BARE.match(name) else json.dumps(name, ensure_ascii=False)
    return f"{shown}: " if field.required else f"{shown}?: "


def _part(before: str, value_type: Type | None, behind: str) -> str:
    return before + ("" if value_type is None else text(value_type)) + behind


def _lines(brackets: str, parts: Iterator[_Part], indent: str) -> str:
    inner = f"{indent}  "
    lines = [brackets[0]]
    for before, found, behind in parts:
        start = len(inner) + len(before) + len(behind) + 1
        shown = "" if found is None else wrapped(found, start, inner)
        first = before.rstrip() if shown.startswith("\n") else before
        lines.append(f"{inner}{first}{shown}{behind},".removeprefix(f"{inner}\n"))
    return "\n".join([*lines, f"{indent}{brackets[1]}"])
