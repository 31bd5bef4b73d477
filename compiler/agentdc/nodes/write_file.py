"""`write_file`: one file, replaced as a whole (spec 01 §5.10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from agentdc.ir.ops import Call, Expr, Later, Load
from agentdc.model.node import NodeModel
from agentdc.nodes.spec import Cost, Effect, NodeSpec, PathField, TypeOf, handler, no_file_name
from agentdc.types import INTEGER, STRING, TRUE, Type, record


class WriteFile(NodeModel):
    """Write one file; parent directories are made."""

    type: Literal["write_file"]
    path_from: str = Field(description="context path of the file name, a string")
    content_from: str = Field(description="context path of the content; other than a string: compact JSON")


def _output(node: WriteFile, type_of: TypeOf) -> Type:  # noqa: ARG001 - the shape of the hook
    return record({"bytes": INTEGER, "path": STRING, "written": TRUE})


def _effects(node: WriteFile) -> Iterable[Effect]:
    return (Effect("fs.write", "path_from", data=node.path_from, sends=(node.content_from,)),)


def _costs(node: WriteFile, limits: Mapping[str, int]) -> Iterable[Cost]:  # noqa: ARG001
    because = f"how long {node.content_from} is depends on data"
    return (Cost("files_written", 1), Cost("bytes_written", None, because, node.content_from))


def _lower(node: WriteFile) -> Expr:
    path = Load(node.path_from, "error", "write_file")
    content = Later(Load(node.content_from, "error", "write_file"))  # resolved after the policy check
    return Call(handler("write_file"), (("path", path), ("content", content)), takes_run=True)


SPEC = NodeSpec(
    kind="write_file",
    summary="write one file",
    model=WriteFile,
    output=_output,
    lower=_lower,
    paths=(PathField("path_from", "string", refuses=no_file_name), PathField("content_from")),
    effects=_effects,
    costs=_costs,
    errors=("policy", "tool"),
    dry_run=True,
)
