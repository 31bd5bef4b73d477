"""`create_dir`: one directory and its parents (spec 01 §5.11)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Effect, NodeSpec, PathField, TypeOf, handler, no_file_name
from agentdc.types import STRING, TRUE, Type, record


class CreateDir(NodeModel):
    """Create a directory and its parents; an existing one is fine."""

    type: Literal["create_dir"]
    path_from: str = Field(description="context path of the directory name, a string")


def _output(node: CreateDir, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return record({"created": TRUE, "path": STRING})


def _effects(node: CreateDir) -> Iterable[Effect]:
    return (Effect("fs.write", "path_from", data=node.path_from),)


def _lower(node: CreateDir) -> Expr:
    path = Load(node.path_from, "error", "create_dir")
    return Call(handler("create_dir"), (("path", path),), takes_run=True)


SPEC = NodeSpec(
    kind="create_dir",
    summary="create a directory and its parents",
    model=CreateDir,
    output=_output,
    lower=_lower,
    paths=(PathField("path_from", "string", refuses=no_file_name),),
    effects=_effects,
    errors=("policy", "tool"),
    dry_run=True,
)
