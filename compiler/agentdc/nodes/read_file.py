"""`read_file`: the text of one file (spec 01 §5.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Effect, NodeSpec, PathField, TypeOf, handler, no_file_name
from agentdc.types import INTEGER, STRING, Type, record


class ReadFile(NodeModel):
    """Read one UTF-8 file."""

    type: Literal["read_file"]
    path_from: str = Field(description="context path of the file name, a string")


def _output(node: ReadFile, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return record({"bytes": INTEGER, "content": STRING, "path": STRING})


def _effects(node: ReadFile) -> Iterable[Effect]:
    return (Effect("fs.read", "path_from", data=node.path_from),)


def _lower(node: ReadFile) -> Expr:
    path = Load(node.path_from, "error", "read_file")
    return Call(handler("read_file"), (("path", path),), takes_run=True)


SPEC = NodeSpec(
    kind="read_file",
    summary="read one UTF-8 file",
    model=ReadFile,
    output=_output,
    lower=_lower,
    paths=(PathField("path_from", "string", refuses=no_file_name),),
    effects=_effects,
    errors=("policy", "tool"),
    dry_run=True,
)
