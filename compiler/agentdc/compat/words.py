"""Kinds of values and of nodes as a sentence has them."""

from __future__ import annotations

from agentdc.nodes.spec import Needs
from agentdc.types import Type, kinds
from agentdc.types.shape import ALL_KINDS

_VALUES = {
    "array": "an array",
    "boolean": "a boolean",
    "float": "a number",
    "integer": "a number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}
_NEEDED: dict[Needs, str] = {
    "any": "a value",
    "array": "an array",
    "string": "a string",
    "strings": "an array of strings",
}


def a_value(value: Type) -> str:
    """What a value of this type is: "a string", "a string or null"."""
    found = frozenset(kinds(value) or ALL_KINDS)
    if found >= frozenset(ALL_KINDS):
        return "any value"
    words = list(dict.fromkeys(_VALUES[each] for each in sorted(found)))
    words.sort(key=lambda word: word == "null")
    return " or ".join(words)


def a_kind(needs: Needs) -> str:
    """What a reader asks for."""
    return _NEEDED[needs]


def a_node(kind: str) -> str:
    """A node of this kind."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} node"
