"""What a planning model is told: the language in short, what the base offers, what was wrong with its last answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentdc.nodes.registry import SPECS

# They run other files, or wait for a person: nothing that a plan may bring in (spec 01 §11.3).
WITHHELD = frozenset(("call", "parallel", "map", "pause_for_approval"))
_MODELS = frozenset(("llm_infer", "agent_loop"))
_MCP = frozenset(("call_mcp_tool", "read_mcp_resource"))
_INTRODUCTION = """\
You write one workflow in TOML for the task below. Answer with the TOML and nothing else.

It has `name`, `description`, `[[start_nodes]]` (`name`, `source` = "manual", "http" or "event", `entry_node`),
`[[nodes]]` (`id`, `type` and the fields of the kind) and `[[edges]]` (`from`, `to`, `when` for a branch label).
A field that ends in `_from` and `expr` hold a path: the id of a node that ran before, or `trigger`, and keys of its
output, joined with dots, such as `fetch.body` or `trigger.url`. Templates have {{key}} placeholders, looked up in the
value at `input_from`. A run goes from node to node and ends where no edge applies. Each branch label needs an edge.
Write no other section: policy, models, servers, secrets and budget are given and cannot be changed."""


def prompt(task: str, base: Mapping[str, Any], before: str, problems: Sequence[str]) -> str:
    """The question of one attempt. `before`, `problems`: the last answer and what was wrong with it."""
    parts = [
        _INTRODUCTION,
        "Kinds of nodes:\n" + "\n".join(_kinds(base)),
        "\n".join(_given(base)),
        f"Task:\n{task}",
    ]
    if before:
        parts.append(f"Your last answer was:\n{before}")
        parts.append(
            "It cannot be used:\n"
            + "\n".join(f"- {each}" for each in problems)
            + "\nWrite it anew, corrected."
        )
    return "\n\n".join(part for part in parts if part)


def backends(base: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The declared models."""
    section = base.get("intelligence")
    found = section.get("backends") if isinstance(section, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _servers(base: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = base.get("mcp_servers")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _kinds(base: Mapping[str, Any]) -> Iterator[str]:
    withheld = set(WITHHELD)
    withheld |= set() if backends(base) else _MODELS
    withheld |= set() if _servers(base) else _MCP
    for kind, spec in SPECS.items():
        if kind in withheld:
            continue
        fields = ", ".join(
            _field(name, field) for name, field in spec.model.model_fields.items() if name not in _COMMON
        )
        labels = f"; branches: {', '.join(spec.labels)}" if spec.labels else ""
        yield f"- {kind}: {spec.summary}. Fields: {fields or 'none'}{labels}"


_COMMON = frozenset(("id", "type", "retry"))


def _field(name: str, field: Any) -> str:
    return f"{name}{'' if field.is_required() else '?'} ({field.description})" if field.description else name


def _given(base: Mapping[str, Any]) -> Iterator[str]:
    names = [str(each.get("name")) for each in backends(base)]
    yield f"Models (backend): {', '.join(names) or 'none'}"
    for each in _servers(base):
        shown = json.dumps({key: each.get(key, []) for key in ("allow_tools", "allow_resources")})
        yield f"MCP server {each.get('name')}: {shown}"
    policy = base.get("policy")
    yield f"Policy: {'everything is allowed' if policy is None else json.dumps(policy, default=str)}"
