"""Whether the tools of a server are those that were locked (`agentdc mcp lock`). Links `jsontext` and a digest.

A tool has two digests: of what it takes and gives (schemas and hints, without their words), and of everything that it
says of itself. The first decides whether a workflow that was checked against the lock still fits; a change of words
alone is told and nothing else, since servers put what they find on a machine into descriptions.

    Lock({"add": ["5f…", "a1…"]}).changes([{"name": "add", "inputSchema": {}}], lambda tool: True)
"""

from __future__ import annotations

from agentdc_runtime.jsontext import compact
from agentdc_runtime.signing.digests import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    Json: TypeAlias = Any

_SHAPE = ("inputSchema", "outputSchema", "annotations")
_SAID = (*_SHAPE, "title", "description")
_WORDS = ("title", "description", "$comment", "examples")
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_VALUES = ("const", "enum", "default", "required")


class Change:
    """One tool that is not as it was locked. `what`: new, gone, changed or reworded."""

    __slots__ = ("tool", "what")

    def __init__(self, tool: str, what: str) -> None:
        self.tool = tool
        self.what = what

    @property
    def serious(self) -> bool:
        """Whether it is more than other words."""
        return self.what != "reworded"


class Lock:
    """The locked tools of one server: by name, the digests of shape and of words."""

    __slots__ = ("_locked",)

    def __init__(self, locked: Mapping[str, Sequence[str]]) -> None:
        self._locked = locked

    def changes(self, listed: Iterable[Mapping[str, Json]], counts: Callable[[str], bool]) -> list[Change]:
        """What changed among the tools that count, by name; `listed`: as the server describes them now."""
        found = []
        seen = set()
        for tool in listed:
            name = str(tool["name"])
            seen.add(name)
            locked = self._locked.get(name)
            if not counts(name):
                continue
            if locked is None:
                found.append(Change(name, "new"))
            elif locked[0] != shape_digest(tool):
                found.append(Change(name, "changed"))
            elif locked[1] != words_digest(tool):
                found.append(Change(name, "reworded"))
        found += [Change(name, "gone") for name in self._locked if name not in seen and counts(name)]
        return sorted(found, key=lambda change: change.tool)


def shape_digest(tool: Mapping[str, Json]) -> str:
    """Of what a tool takes and gives; hexadecimal."""
    shape = {key: _plain(tool[key]) for key in _SHAPE if tool.get(key) is not None}
    return _digest(shape)


def words_digest(tool: Mapping[str, Json]) -> str:
    """Of everything that a tool says of itself; hexadecimal."""
    return _digest({key: tool[key] for key in _SAID if tool.get(key) is not None})


def _digest(value: Json) -> str:
    return sha256(compact(_sorted(value)).encode("utf-8", "surrogatepass")).hex()


def _sorted(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


def _plain(schema: Json) -> Json:
    """A schema without its words; names of keys and values that it lists stay."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {}
    for key, value in schema.items():
        if key in _WORDS:
            continue
        if key in _BY_NAME and isinstance(value, dict):
            plain[key] = {name: _plain(each) for name, each in value.items()}
        else:
            plain[key] = value if key in _VALUES else _plain(value)
    return plain
