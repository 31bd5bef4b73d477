"""Words that people bring along from other tools, and what the dialect calls it.

Spelling is not known here (`diagnostics/suggest.py`), nor what a table holds: the known keys come from outside.

>>> meant("url", ["method", "url_from"])
'url_from'
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from agentdc.diagnostics import nearest

# A word, and keys in order of preference: the first that the table has is meant.
_KEYS: dict[str, tuple[str, ...]] = {
    "action": ("type",),
    "allow": ("urls", "read_keys", "commands", "allow_tools"),
    "attempts": ("max_attempts",),
    "backoff": ("backoff_ms",),
    "body": ("body_template",),
    "condition": ("when", "expr"),
    "cron": ("schedule",),
    "default_backend": ("backend",),
    "delay": ("backoff_ms",),
    "delay_ms": ("backoff_ms",),
    "dest": ("to",),
    "destination": ("to",),
    "domains": ("urls",),
    "endpoints": ("http_routes",),
    "entry": ("entry_node",),
    "env": ("var",),
    "expression": ("expr",),
    "file": ("workflow", "path"),
    "filesystem": ("fs",),
    "files": ("fs",),
    "handler": ("start_node",),
    "hosts": ("urls",),
    "if": ("when", "expr"),
    "ignore": ("allow",),
    "interval": ("every",),
    "items": ("items_from",),
    "jobs": ("nodes",),
    "key": ("id",),
    "kind": ("type",),
    "label": ("when",),
    "links": ("edges",),
    "max_retries": ("max_attempts", "retry"),
    "message": ("reason", "body_template"),
    "model": ("backend",),
    "name": ("id",),
    "network": ("http",),
    "on": ("expr", "when"),
    "path": ("workflow",),
    "policies": ("policy",),
    "query": ("path",),
    "read": ("read_keys",),
    "retries": ("retry", "max_attempts"),
    "routes": ("http_routes",),
    "schema": ("output_schema", "input_schema"),
    "seconds": ("every", "timeout_secs"),
    "select": ("path",),
    "source": ("from",),
    "src": ("from",),
    "start": ("start_node",),
    "states": ("nodes",),
    "status_code": ("status",),
    "steps": ("nodes",),
    "system": ("instructions",),
    "target": ("to",),
    "task": ("instructions",),
    "tasks": ("nodes",),
    "text": ("template",),
    "timeout": ("timeout_secs", "max_run_time_secs"),
    "timeout_secs": ("max_run_time_secs",),
    "transitions": ("edges",),
    "uses": ("type",),
    "value": ("expr",),
}
_KINDS: dict[str, str] = {
    "agent": "agent_loop",
    "approval": "pause_for_approval",
    "bash": "shell_run",
    "branch": "condition",
    "command": "shell_run",
    "curl": "http_request",
    "diff": "diff_compute",
    "end": "terminate",
    "env": "read_env",
    "exec": "shell_run",
    "fetch": "http_request",
    "file_read": "read_file",
    "file_write": "write_file",
    "foreach": "map",
    "for_each": "map",
    "getenv": "read_env",
    "http": "http_request",
    "if": "condition",
    "infer": "llm_infer",
    "join": "merge",
    "json": "parse_json",
    "json_parse": "parse_json",
    "llm": "llm_infer",
    "loop": "map",
    "mcp": "call_mcp_tool",
    "mkdir": "create_dir",
    "prompt": "llm_infer",
    "render": "template_render",
    "reply": "respond",
    "request": "http_request",
    "response": "respond",
    "run": "shell_run",
    "select": "json_select",
    "shell": "shell_run",
    "subworkflow": "call",
    "template": "template_render",
    "tool": "call_mcp_tool",
    "wait_for_approval": "pause_for_approval",
    "webhook": "http_request",
    "workflow": "call",
}
_EDGES = "what runs after a node is said by [[edges]], each with `from` and `to`"
_ADVICE: dict[str, str] = {
    "after": _EDGES,
    "cases": "each value of a switch is an edge of its own: [[edges]] with `when`",
    "depends_on": _EDGES,
    "else": "each outcome is an edge of its own: [[edges]] with `when`",
    "needs": _EDGES,
    "next": _EDGES,
    "on_error": 'an error branch is an edge: [[edges]] with when = "error"',
    "port": "where the app listens is no part of the workflow: start it with --bind",
    "then": "each outcome is an edge of its own: [[edges]] with `when`",
    "workflow": "write [[workflows]], or put its keys at the root of the file",
}


def meant(key: str, known: Sequence[str]) -> str | None:
    """The known key that an unknown one probably stands for: by spelling, as a path to the value, by meaning."""
    near = nearest(key, known)
    if near:
        return near[0]
    if f"{key}_from" in known:
        return f"{key}_from"
    return next((each for each in _KEYS.get(key.lower(), ()) if each in known), None)


def meant_kind(value: str, kinds: Collection[str]) -> str | None:
    """The node kind that another word for it stands for."""
    kind = _KINDS.get(value.lower().replace("-", "_"))
    return kind if kind in kinds else None


def advice(key: str, known: Sequence[str]) -> str | None:
    """What to write instead of an unknown key whose spelling is near to none."""
    found = meant(key, known)
    if found == f"{key}_from":
        return (
            f'did you mean "{found}"? It takes a path, such as "trigger.{key}"; '
            "a fixed text comes from a template_render node"
        )
    return f'did you mean "{found}"?' if found else _ADVICE.get(key.lower())
