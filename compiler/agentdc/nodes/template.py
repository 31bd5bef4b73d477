"""Templates `{{key}}` (spec 01 §4), cut into literal text and holes at build time.

>>> parse("Hi {{ name }}!")
('Hi ', Hole(key='name', segments=('name',)), '!')
"""

from __future__ import annotations

from agentdc.ir.ops import Hole


def parse(template: str) -> tuple[str | Hole, ...]:
    """The parts of a template, in order; empty literal parts are dropped."""
    parts: list[str | Hole] = []
    literal, rest = "", template
    while True:
        before, opening, after = rest.partition("{{")
        literal += before
        key, closing, tail = after.partition("}}")
        if not closing:  # no `}}`: the rest stands as written
            literal += opening + after
            break
        if literal:
            parts.append(literal)
        parts.append(Hole(key.strip(), inner_segments(key.strip())))
        literal, rest = "", tail
    if literal:
        parts.append(literal)
    return tuple(parts)


def inner_segments(path: str) -> tuple[str, ...]:
    """The segments of an inner path: empty ones are skipped (spec 01 §3.1)."""
    return tuple(segment for segment in path.split(".") if segment)
