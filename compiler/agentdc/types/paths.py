"""Following a path's segments through a type (spec 01 §3.1).

>>> follow(record({"content": STRING}), ("content",))
Followed(type=STRING, certain=1, possible=True)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as OneOf

from agentdc.types.shape import (
    ALL_KINDS,
    NEVER,
    UNKNOWN,
    Array,
    Never,
    Object,
    Type,
    Union,
    Unknown,
    kinds,
    union,
)

Doubt = OneOf["none", "open", "known"]
_ORDER: dict[Doubt, int] = {"none": 0, "open": 1, "known": 2}
_NEARLY_ALL = 6  # kinds: a value that may be almost anything is as good as unknown


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a path leads.

    `type`: of the value when it resolves. `certain`: how many leading segments resolve in every value of the
    type. `possible`: False when no value of the type has the path. `doubt`: why it may not resolve: nothing says
    what is there (`open`), or the type says that some values lack it (`known`).
    """

    type: Type
    certain: int
    possible: bool
    doubt: Doubt = field(default="none", compare=False)


def follow(start: Type, segments: tuple[str, ...]) -> Followed:
    """Walk `segments` from a value of type `start`."""
    current, certain, sure = start, 0, True
    doubt: Doubt = "none"
    for segment in segments:
        current, here = _step(current, segment)
        if isinstance(current, Never):
            return Followed(NEVER, certain, possible=False, doubt="known")
        sure = sure and here == "none"
        doubt = max(doubt, here, key=_ORDER.__getitem__)
        certain += sure
    return Followed(current, certain, possible=True, doubt=doubt)


def _step(value: Type, segment: str) -> tuple[Type, Doubt]:
    """The type behind one segment, and whether every value of the type has it."""
    match value:
        case Unknown():
            return UNKNOWN, "open"
        case Object():
            known = value.field(segment)
            if known is not None:
                return known.type, "none" if known.required else "known"
            return (NEVER, "known") if value.rest is None else (value.rest, "open")
        case Array(item, prefix):
            if not is_index(segment):
                return NEVER, "known"
            at = int(segment) if len(segment) < 9 else len(prefix)
            return (prefix[at], "none") if at < len(prefix) else (item, "open")
        case Union(members):
            steps = [_step(member, segment) for member in members]
            found = union(step[0] for step in steps)
            doubt = max((step[1] for step in steps), key=_ORDER.__getitem__)
            if doubt == "known" and len(kinds(value) or ALL_KINDS) >= _NEARLY_ALL:
                doubt = "open"
            return found, doubt
        case _:
            return NEVER, "known"


def is_index(segment: str) -> bool:
    """Whether a segment can index an array: decimal digits, one leading `+` allowed."""
    digits = segment.removeprefix("+")
    return digits.isascii() and digits.isdigit()
