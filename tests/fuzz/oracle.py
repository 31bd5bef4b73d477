"""A plain interpreter for workflows that touch nothing: written from spec 01 §3-§6, and from nothing of the compiler.

It walks the document as it stands, node by node, with no blocks, no types and no folding. What a compiled app gives
must be what this gives. JSON text is read and written with the runtime's module, which has tests of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from posixpath import normpath
from typing import Any

from agentdc_runtime.jsontext import JsonError, compact, loads

PURE = frozenset(
    (
        *("template_render", "json_select", "parse_json", "diff_compute", "condition", "switch"),
        *("merge", "fail", "respond", "terminate"),
    )
)
MAX_VISITS = 10_000
ERROR = "an error"
Table = dict[str, Any]


class Unresolved(Exception):
    """A path that leads nowhere, or any other error of a run: it ends as errored. `died`: where, if in a child."""

    def __init__(self, died: Died | None = None) -> None:
        super().__init__()
        self.died = died


@dataclass(frozen=True)
class Died:
    """Where a run errored: the node, the outputs before it, and whether the node itself was done already."""

    document: Table
    node: str
    outputs: Table
    at_edge: bool


@dataclass
class World:
    """What is outside a run: child workflows by file name, the environment, and a folder, which runs change.

    `files`: text by path; None for a folder.
    """

    children: Table = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str | None] = field(default_factory=dict)


@dataclass
class Walk:
    """What became of a run. `value`: the final value, or the reason of a failed run. `died`: of an errored one."""

    status: str = ""
    last_node: str | None = None
    value: Any = None
    response: Table | None = None
    trace: list[tuple[str, str | None, Any]] = field(default_factory=list)
    died: Died | None = None


def knows(document: Table) -> bool:
    """Whether every node of the workflow is of a kind that this interpreter has."""
    return all(each["type"] in PURE for each in document.get("nodes", ()))


def walk(document: Table, start: str, given: Any, kind: str = "manual", world: World | None = None) -> Walk:
    """The run of a start with this input; without a world, of nodes that touch nothing."""
    done, world = Walk(), world or World()
    outputs = {"trigger": {"kind": kind, **(given if isinstance(given, dict) else {"input": given})}}
    nodes = {each["id"]: each for each in document["nodes"]}
    followed: Counter[int] = Counter()
    at: str | None = _entry(document, start)
    passed = False
    try:
        for _ in range(MAX_VISITS):
            assert at is not None
            passed = False
            node, done.last_node = nodes[at], at
            branch, output = _output(node, outputs, given, done, world)
            passed = True
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
    except Unresolved as error:
        done.died = error.died or Died(document, str(at), dict(outputs), passed)
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


def _output(node: Table, outputs: Table, given: Any, done: Walk, world: World) -> tuple[str | None, Any]:
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
        case "read_env" | "read_file" | "write_file" | "create_dir":
            return None, _touched(node, outputs, world)
        case "call" | "parallel" | "map":
            return _below(node, outputs, given, world)
    return None, None  # merge, fail, terminate


def _touched(node: Table, outputs: Table, world: World) -> Table:
    """§5.1, §5.2, §5.10, §5.11, of relative names."""
    if node["type"] == "read_env":
        key = node["key"]
        found = world.env.get(key)
        return {"key": key, "value": found, **({"missing": True} if found is None else {})}
    path = resolved(outputs, node["path_from"])
    if not isinstance(path, str) or not path or (path[-1] == "/" and node["type"] != "create_dir"):
        raise Unresolved
    place = normpath(path)
    if node["type"] == "read_file":
        text = world.files.get(place)
        if text is None:
            raise Unresolved
        return {"bytes": len(text.encode()), "content": text, "path": path}
    folders = [place[:at] for at, each in enumerate(place) if each == "/"]
    if node["type"] == "create_dir":
        folders.append(place)
        written: Table = {"created": True, "path": path}
    else:
        value = resolved(outputs, node["content_from"])
        text = value if isinstance(value, str) else compact(value)
        written = {"bytes": len(text.encode()), "path": path, "written": True}
    for folder in folders:
        if world.files.setdefault(folder, None) is not None:
            raise Unresolved
    if node["type"] == "write_file":
        if place in world.files and world.files[place] is None:
            raise Unresolved
        world.files[place] = text
    return written


def _below(node: Table, outputs: Table, given: Any, world: World) -> tuple[str | None, Any]:
    """§5.15 to §5.17: the children of a node, one after the other."""
    if node["type"] == "call":
        child = _child(node, _input(node, outputs, given), world)
        if child.status == "errored":
            raise Unresolved(child.died)
        return (
            (None, {"result": child.value})
            if child.status == "completed"
            else ("error", {"error": child.value})
        )
    if node["type"] == "map":
        items = resolved(outputs, node["items_from"])
        if not isinstance(items, list) or len(items) > node["max_items"]:
            raise Unresolved
        walks = [_child(node, item, world) for item in items]
    else:
        inputs = [_input(each, outputs, given) for each in node["branches"]]
        walks = [_child(each, value, world) for each, value in zip(node["branches"], inputs, strict=True)]
    ok = all(each.status == "completed" for each in walks)
    results = [
        {"result": each.value} if each.status == "completed" else {"error": _said(each)} for each in walks
    ]
    return None if ok else "error", {"ok": ok, "results": results}


def _input(use: Table, outputs: Table, given: Any) -> Any:
    return _or_null(outputs, use["input_from"]) if "input_from" in use else given


def _child(use: Table, value: Any, world: World) -> Walk:
    document = world.children[use["workflow"]]
    return walk(document, use.get("start", document["start_nodes"][0]["name"]), value, "manual", world)


def _said(child: Walk) -> str:
    """What a failed child said; what errors say is not this interpreter's to know."""
    return f"sub-workflow failed: {child.value}" if child.status == "failed" else ERROR


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
