"""A tool of an agent loop: what the model is told of it, and what it does (spec 01 §11.1). Links `errors`.

A tool passes the same gates as the node of its name, since it is that node's handler that acts.
"""

from __future__ import annotations

from agentdc_runtime.errors import ToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any, TypeAlias

    from agentdc_runtime.core.run import Run

    Json: TypeAlias = Any
    Call: TypeAlias = Callable[[Run, Mapping[str, Json]], Awaitable[Json]]
    Listing: TypeAlias = Callable[[Run], Awaitable[str]]


class Tool:
    """One tool.

    `hint`: its arguments in words. `parameters`: their JSON Schema, for providers that call tools natively. `call`:
    the result for arguments; AgentError. `listing`: more that the model is told once the loop begins, or None.
    """

    __slots__ = ("call", "description", "hint", "listing", "name", "parameters")

    def __init__(
        self,
        name: str,
        description: str,
        hint: str,
        parameters: dict[str, Json],
        call: Call,
        listing: Listing | None = None,
    ) -> None:
        self.name = name
        self.description = description
        self.hint = hint
        self.parameters = parameters
        self.call = call
        self.listing = listing


def text(tool: str, args: Mapping[str, Json], name: str) -> str:
    """A required argument that is a string; ToolError."""
    value = args.get(name)
    if not isinstance(value, str):
        raise ToolError(tool, f"the argument `{name}` must be a string")
    return value


def described(required: dict[str, str], optional: dict[str, Json] | None = None) -> dict[str, Json]:
    """A JSON Schema of arguments; `required`: strings by name, with what they mean."""
    strings = {name: {"type": "string", "description": meaning} for name, meaning in required.items()}
    return {"type": "object", "properties": {**strings, **(optional or {})}, "required": list(required)}
