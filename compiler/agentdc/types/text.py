"""Types in words: for reports and goldens, one line.

>>> text(record({"city": STRING}, optional={"zip": union((STRING, NULL))}))
'{city: string, zip?: string | null}'
"""

from __future__ import annotations

import json
import re

from agentdc.types.shape import Array, Field, Literal, Never, Object, Scalar, Type, Union, Unknown

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
            return json.dumps(value, ensure_ascii=False)
        case Array(item, prefix):
            return _array(item, prefix)
        case Object(fields, rest):
            return _object(fields, rest)
        case Union(members):
            return " | ".join(text(member) for member in members)


def _array(item: Type, prefix: tuple[Type, ...]) -> str:
    if not prefix:
        inner = text(item)
        return f"[({inner})…]" if isinstance(item, Union) else f"[{inner}…]"
    parts = [text(each) for each in prefix]
    if not isinstance(item, Never):
        parts.append(f"{text(item)}…")
    return f"[{', '.join(parts)}]"


def _object(fields: tuple[tuple[str, Field], ...], rest: Type | None) -> str:
    parts = [
        f"{name if _BARE.match(name) else json.dumps(name, ensure_ascii=False)}"
        f"{'' if field.required else '?'}: {text(field.type)}"
        for name, field in fields
    ]
    if rest is not None:
        parts.append("…" if isinstance(rest, Unknown) else f"…: {text(rest)}")
    return f"{{{', '.join(parts)}}}"
