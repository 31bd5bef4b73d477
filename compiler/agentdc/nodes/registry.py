"""The node kinds: a sorted list, written by hand. A second declaration of a kind is an error."""

from __future__ import annotations

from agentdc.model.node import NodeModel
from agentdc.nodes import (
    agent_loop,
    call,
    call_mcp_tool,
    condition,
    create_dir,
    diff_compute,
    fail,
    http_request,
    json_select,
    llm_infer,
    map,  # noqa: A004 - the module of the kind `map`
    merge,
    parallel,
    parse_json,
    pause_for_approval,
    read_env,
    read_file,
    read_mcp_resource,
    respond,
    shell_run,
    switch,
    template_render,
    terminate,
    write_file,
)
from agentdc.nodes.spec import NodeSpec


def _table(*specs: NodeSpec) -> dict[str, NodeSpec]:
    table: dict[str, NodeSpec] = {}
    for spec in specs:
        if spec.kind in table:
            raise ValueError(f"node kind {spec.kind} is declared twice")
        table[spec.kind] = spec
    return table


SPECS: dict[str, NodeSpec] = _table(
    agent_loop.SPEC,
    call.SPEC,
    call_mcp_tool.SPEC,
    condition.SPEC,
    create_dir.SPEC,
    diff_compute.SPEC,
    fail.SPEC,
    http_request.SPEC,
    json_select.SPEC,
    llm_infer.SPEC,
    map.SPEC,
    merge.SPEC,
    parallel.SPEC,
    parse_json.SPEC,
    pause_for_approval.SPEC,
    read_env.SPEC,
    read_file.SPEC,
    read_mcp_resource.SPEC,
    respond.SPEC,
    shell_run.SPEC,
    switch.SPEC,
    template_render.SPEC,
    terminate.SPEC,
    write_file.SPEC,
)

MODELS: dict[str, type[NodeModel]] = {kind: spec.model for kind, spec in SPECS.items()}
