"""Following a path's segments through a type (spec 01 §3.1).

>>> follow(record({"content": STRING}), ("content",))
Followed(type=STRING, certain=1, possible=True)
"""

from __future__ import annotations

from dataclasses import dataclass

from agentdc.types.shape import NEVER, UNKNOWN, Array, Never, Object, Type, Union, Unknown, union


@dataclass(frozen=True, slots=True)
class Followed:
    """Where a path leads.

    `type`: of the value when it resolves. `certain`: how many leading segments resolve in every value of the
    type. `possible`: False when no value of the type has the path.
    """

    type: Type
    certain: int
    possible: bool


def follow(start: Type, segments: tuple[str, ...]) -> Followed:
    """Walk `segments` from a value of type `start`."""
    current, certain, sure = start, 0, True
    for segment in segments:
        current, always = _step(current, segment)
        if isinstance(current, Never):
            return Followed(NEVER, certain, possible=False)
        sure = sure and always
        certain += sure
    return Followed(current, certain, possible=True)


def _step(value: Type, segment: str) -> tuple[Type, bool]:
    """The type behind one segment, and whether every value of the type has it."""
    match value:
        case Unknown():
            return UNKNOWN, False
        case Object():
            field = value.field(segment)
            if field is not None:
                return field.type, field.required
            return (NEVER if value.rest is None else value.rest), False
        case Array(item):
            return (item if is_index(segment) else NEVER), False
        case Union(members):
            steps = [_step(member, segment) for member in members]
            return union(step[0] for step in steps), all(step[1] for step in steps)
        case _:
            return NEVER, False


def is_index(segment: str) -> bool:
    """Whether a segment can index an array: decimal digits, one leading `+` allowed."""
    digits = segment.removeprefix("+")
    return digits.isascii() and digits.isdigit()
