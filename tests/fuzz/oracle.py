"""A plain interpreter for workflows that touch nothing: written from spec 01 §3-§6, and from nothing of the compiler.

It walks the document as it stands, node by node, with no blocks, no types and no folding. What a compiled app gives
must be what this gives. JSON text is read and written with the runtime's module, which has tests of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from agentdc_runtime.jsontext import JsonError, compact, loads

PURE = frozenset(
    (
        *("template_render", "json_select", "parse_json", "diff_compute", "condition", "switch"),
        *("merge", "fail", "respond", "terminate"),
    )
)
MAX_VISITS = 10_000
Table = dict[str, Any]


class Unresolved(Exception):
    """A path that leads nowhere, or any other error of a run: it ends as errored."""


@dataclass
class Walk:
    """What became of a run. `value`: the final value, or the reason of a failed run."""

    status: str = ""
    last_node: str | None = None
    value: Any = None
    response: Table | None = None
    trace: list[tuple[str, str | None, Any]] = field(default_factory=list)


def knows(document: Table) -> bool:
    """Whether every node of the workflow is of a kind that this interpreter has."""
    return all(each["type"] in PURE for each in document.get("nodes", ()))


def walk(document: Table, start: str, given: Any, kind: str = "manual") -> Walk:
    """The run of a start with this input."""
    done = Walk()
    outputs = {"trigger": {"kind": kind, **(given if isinstance(given, dict) else {"input": given})}}
    nodes = {each["id"]: each for each in document["nodes"]}
    followed: Counter[int] = Counter()
    at: str | None = _entry(document, start)
    try:
        for _ in range(MAX_VISITS):
            assert at is not None
            node, done.last_node = nodes[at], at
            branch, output = _output(node, outputs, given, done)
            done.trace.append((at, branch, output))
            outputs[at] = output
            if node["type"] in {"fail", "terminate"}:
                done.status = "failed" if node["type"] == "fail" else "completed"
                done.value = node.get("reason", "workflow failed") if node["type"] == "fail" else None
                return done
            at = _next(document, at, branch, followed)
            if at is None:
                done.status, done.value = "completed", output
                return done
    except Unresolved:
        pass
    done.status = "errored"
    return done


def _entry(document: Table, name: str) -> str:
    start = next(each for each in document["start_nodes"] if each["name"] == name)
    entered = {each["to"] for each in document.get("edges", ())}
    roots = [each["id"] for each in document["nodes"] if each["id"] not in entered]
    return str(start.get("entry_node", roots[0] if roots else ""))


def _next(document: Table, at: str, branch: str | None, followed: Counter[int]) -> str | None:
    """§6.3: the edges that apply, a loop edge only so often, and the one loop edge before the one plain edge."""
    loops, plain = [], []
    for number, edge in enumerate(document.get("edges", ())):
        if edge["from"] != at or edge.get("when") != branch:
            continue
        if "max_iterations" not in edge:
            plain.append(edge["to"])
        elif followed[number] < edge["max_iterations"]:
            loops.append((number, edge["to"]))
    if len(loops) > 1 or len(plain) > 1:
        raise Unresolved
    if loops:
        followed[loops[0][0]] += 1
        return str(loops[0][1])
    return str(plain[0]) if plain else None


def _output(node: Table, outputs: Table, given: Any, done: Walk) -> tuple[str | None, Any]:
    """(branch label, output) of one visit."""
    match node["type"]:
        case "template_render":
            data = resolved(outputs, node["input_from"]) if "input_from" in node else None
            return None, {"rendered": rendered(node["template"], data)}
        case "json_select":
            found, value = inner(resolved(outputs, node["input_from"]), node["path"])
            return None, {"found": found, "value": value}
        case "parse_json":
            return None, {"parsed": _parsed(resolved(outputs, node["input_from"]))}
        case "diff_compute":
            return None, difference(
                resolved(outputs, node["left_from"]), resolved(outputs, node["right_from"])
            )
        case "condition":
            value = _or_null(outputs, node["expr"])
            return ("true" if truth(value) else "false"), {"value": value}
        case "switch":
            value = _or_null(outputs, node["expr"])
            return label(value), {"value": value}
        case "respond":
            data = resolved(outputs, node["input_from"]) if "input_from" in node else given
            body = rendered(node["body_template"], data)
            kind, status = node.get("content_type", "application/json"), node.get("status", 200)
            done.response = {"status": status, "content_type": kind, "body": body}
            return None, {"bytes": len(body.encode()), "content_type": kind, "status": status}
    return None, None  # merge, fail, terminate


def _parsed(text: Any) -> Any:
    try:
        return loads(text) if isinstance(text, str) else loads("")
    except JsonError:
        raise Unresolved from None


def resolved(outputs: Table, path: str) -> Any:
    """§3.1: the value at a context path; empty segments are keys."""
    value: Any = outputs
    for segment in path.split("."):
        value = _step(value, segment)
    return value


def _or_null(outputs: Table, path: str) -> Any:
    try:
        return resolved(outputs, path)
    except Unresolved:
        return None


def inner(value: Any, path: str) -> tuple[bool, Any]:
    """The inner walk: empty segments are skipped."""
    try:
        for segment in filter(None, path.split(".")):
            value = _step(value, segment)
    except Unresolved:
        return False, None
    return True, value


def _step(value: Any, segment: str) -> Any:
    if isinstance(value, dict) and segment in value:
        return value[segment]
    digits = segment.removeprefix("+")
    if isinstance(value, list) and digits.isascii() and digits.isdigit() and len(digits) < 1000:
        member = value[int(digits) : int(digits) + 1]
        if member:
            return member[0]
    raise Unresolved


def rendered(template: str, data: Any) -> str:
    """§4: `{{key}}` is the value, or stays when there is none; what is never closed stays as well."""
    text, rest = "", template
    while "{{" in rest:
        before, _, behind = rest.partition("{{")
        if "}}" not in behind:
            break
        key, _, rest = behind.partition("}}")
        found, value = inner(data, key.strip())
        shown = value if isinstance(value, str) else compact(value)
        text += before + (shown if found else "{{" + key.strip() + "}}")
    return text + rest


def truth(value: Any) -> bool:
    """§5.18."""
    return value not in (None, False, 0, "", [], {})


def label(value: Any) -> str:
    """§5.19."""
    if isinstance(value, str):
        return value
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else compact(value)


def difference(left: Any, right: Any) -> Table:
    """§5.7."""
    found: dict[str, Table] = {"added": {}, "changed": {}, "removed": {}}
    _differ(left, right, None, found)
    return {**found, "unchanged": not any(found.values())}


def _differ(left: Any, right: Any, path: str | None, found: dict[str, Table]) -> None:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted({*left, *right}):
            _member(left, right, key, key if path is None else f"{path}.{key}", found)
    elif isinstance(left, list) and isinstance(right, list):
        for index in range(max(len(left), len(right))):
            both = [dict(enumerate(each)) for each in (left, right)]
            _member(both[0], both[1], index, f"{path or ''}[{index}]", found)
    elif compact(left) != compact(right):
        found["changed"]["$" if path is None else path] = {"from": left, "to": right}


def _member(left: Any, right: Any, key: Any, path: str, found: dict[str, Table]) -> None:
    if key not in right:
        found["removed"][path] = left[key]
    elif key not in left:
        found["added"][path] = right[key]
    else:
        _differ(left[key], right[key], path, found)
