"""What a person is shown of a plan before it is used: what it touches, in the groups of spec 01 §11.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agentdc.model.node import NodeModel
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Effect

_GROUPS = ("Reads", "Writes", "Network", "Shell", "MCP", "Calls", "Models", "Replies")
_OF = {
    "fs.read": "Reads",
    "env.read": "Reads",
    "mcp.resource": "Reads",
    "fs.write": "Writes",
    "http": "Network",
    "shell": "Shell",
    "mcp.tool": "MCP",
    "child": "Calls",
    "model": "Models",
}
_WORLD = frozenset(
    (
        "write_file",
        "create_dir",
        "http_request",
        "shell_run",
        "call_mcp_tool",
        "call",
        "parallel",
        "map",
        "agent_loop",
    )
)


def review(workflow: Workflow) -> str:
    """The review, one line per group."""
    return "\n".join(_lines(workflow)) + "\n"


def _lines(workflow: Workflow) -> Iterator[str]:
    yield f"{workflow.name}: {len(workflow.nodes)} nodes, {len(workflow.edges)} edges"
    found: dict[str, list[str]] = {group: [] for group in _GROUPS}
    for node in workflow.nodes:
        for group, item in _items(node):
            if item not in found[group]:
                found[group].append(item)
    found["Models"].sort()
    yield from (f"{group}: {', '.join(items)}" for group, items in found.items() if items)
    touched = sorted({node.type for node in workflow.nodes if node.type in _WORLD})
    yield f"Side effects: {', '.join(touched)}" if touched else "No side effects"
    yield f"Policy: {_policy(workflow)}"


def _items(node: NodeModel) -> Iterable[tuple[str, str]]:
    for effect in SPECS[node.type].effects(node):
        yield _OF[effect.family], _item(effect, node)
    if node.type == "respond":
        yield "Replies", node.id


def _item(effect: Effect, node: NodeModel) -> str:
    if effect.chosen:
        return f"{effect.family} chosen by {node.id}"
    server = f" on {effect.server}" if effect.server else ""
    match effect.family:
        case "env.read":
            return f"env[{effect.constant}]" if effect.constant is not None else f"env ← {effect.data}"
        case "http":
            return f"{effect.method or 'any method'} {effect.constant or f'url ← {effect.data}'}"
        case "fs.write":
            what = "dir" if node.type == "create_dir" else "file"
            return f"{what} {effect.constant or f'← {effect.data}'}"
        case _:
            return f"{effect.constant or f'← {effect.data}'}{server}"


def _policy(workflow: Workflow) -> str:
    if workflow.policy is None:
        return "none: everything is allowed"
    given = workflow.policy.model_dump(mode="json", exclude_none=True)
    parts = [
        f"{section}.{key} {', '.join(map(str, items))}"
        for section, lists in given.items()
        if isinstance(lists, dict)
        for key, items in lists.items()
        if isinstance(items, list) and items
    ]
    return "; ".join(parts) or "nothing is allowed"
