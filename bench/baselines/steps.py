"""One node as a Python function, all that can be prepared done beforehand: what the graph libraries are given to run.

Paths are split and templates cut once, so the libraries are charged for walking the graph and not for our dialect.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from agentdc_runtime.nodes import condition, diff_compute, json_select, parse_json, switch
from agentdc_runtime.values import fill, find, inner, need

Outputs = dict[str, Any]
Step = Callable[[Outputs], tuple[Any, str | None]]


def step(node: dict[str, Any]) -> Step:
    """The function of one node: outputs so far in, output and branch out."""
    kind = node["type"]
    match kind:
        case "template_render":
            return _render(node)
        case "parse_json":
            path = _split(node["input_from"])
            return lambda outputs: (parse_json.run(text=need(outputs, path, kind, "")), None)
        case "json_select":
            path, into = _split(node["input_from"]), inner(node["path"])
            return lambda outputs: (json_select.run(value=need(outputs, path, kind, ""), path=into), None)
        case "diff_compute":
            left, right = _split(node["left_from"]), _split(node["right_from"])
            return lambda outputs: (
                diff_compute.run(left=need(outputs, left, kind, ""), right=need(outputs, right, kind, "")),
                None,
            )
        case "condition":
            path = _split(node["expr"])
            return lambda outputs: condition.run(value=find(outputs, path))
        case "switch":
            path = _split(node["expr"])
            return lambda outputs: switch.run(value=find(outputs, path))
        case "merge":
            return lambda _outputs: (None, None)
    raise ValueError(f"no baseline for the node kind {kind}")


def _render(node: dict[str, Any]) -> Step:
    words = re.split(r"\{\{(.*?)\}\}", node["template"])
    if len(words) == 1:
        return lambda _outputs: ({"rendered": words[0]}, None)
    holes = [(text, None) if at % 2 == 0 else (text, inner(text)) for at, text in enumerate(words)]
    path = _split(node["input_from"])

    def render(outputs: Outputs) -> tuple[Any, None]:
        data = need(outputs, path, "template_render", "")
        texts = [text if keys is None else fill(data, keys, text) for text, keys in holes]
        return {"rendered": "".join(texts)}, None

    return render


def _split(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))
