"""`shell_run`: one command without a shell (spec 01 §5.14)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Const, Expr, Later, Load
from agentdc.model.base import U64
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Cost, Effect, NodeSpec, PathField, TypeOf, either, handler
from agentdc.types import BOOLEAN, INTEGER, NULL, STRING, Array, Type, record, union
from agentdc.types import Literal as Exactly


class ShellRun(NodeModel):
    """Run one command; an exit code other than 0 takes the branch `error`."""

    type: Literal["shell_run"]
    command: str = Field(description="absolute path of the program")
    args_from: str | None = Field(None, description="context path of the arguments, an array of strings")
    timeout_secs: U64 = Field(30, description="seconds until the process group is killed; 0 counts as 1")


def _outcomes(node: ShellRun, type_of: TypeOf) -> Mapping[str | None, Type]:  # noqa: ARG001
    told: dict[str, Type] = {
        "args": Array(STRING),
        "command": STRING,
        "duration_ms": INTEGER,
        "stderr": STRING,
        "stdout": STRING,
        "timed_out": BOOLEAN,
        "truncated": BOOLEAN,
    }
    return {
        None: record({"exit_code": Exactly("integer", 0), "signal": NULL, **told}),
        "error": record({"exit_code": INTEGER, "signal": union((INTEGER, NULL)), **told}),
    }


def _effects(node: ShellRun) -> Iterable[Effect]:
    sends = () if node.args_from is None else (node.args_from,)
    return (Effect("shell", "command", constant=node.command, sends=sends),)


def _costs(node: ShellRun, limits: Mapping[str, int]) -> Iterable[Cost]:  # noqa: ARG001
    return (Cost("shell_runs", 1), Cost("wall_secs", max(node.timeout_secs, 1)))


def _lower(node: ShellRun) -> Expr:
    # Resolved after the policy check.
    given = Const(None) if node.args_from is None else Load(node.args_from, "null", "shell_run")
    fields: tuple[tuple[str, Expr], ...] = (
        ("command", Const(node.command)),
        ("arguments", Later(given)),
        ("timeout_secs", Const(node.timeout_secs)),
    )
    return Call(handler("shell_run"), fields, takes_run=True)


SPEC = NodeSpec(
    kind="shell_run",
    summary="run one command without a shell",
    model=ShellRun,
    output=either(_outcomes),
    outcomes=_outcomes,
    lower=_lower,
    paths=(PathField("args_from", "strings", "null"),),
    labels=("error",),
    effects=_effects,
    costs=_costs,
    errors=("policy", "tool"),
    awaits=True,
    dry_run=True,
)
