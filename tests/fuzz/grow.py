"""Random workflows of kinds that touch nothing: mostly sound, so that what the compiler makes of them can be run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

# fmt: off
WORDS = (
    "a", "b", "load", "Load", "class", "run", "trace", "now", "9", "ä b", "x-y", "x_y", "from_a", "A", "branch",
    "then", "len", "json", "r\u00e9", "",
)
KEYS = ("value", "found", "rendered", "parsed", "added", "0", "kind", "input", "name", "items", "", "status", "a")
TEXTS = (
    "", "x", "{{}}", "{{a}}", "{{ name }}", "{{value}}", "{{items.0}}", "{{rendered}}", "{{", '"{{found}}"',
    "'\n\"\"\"\\", '{"a": {{}}}', "[1, 2]", "\u202e{{x}}",
)
# fmt: on
ENDS = ("terminate", "fail")
ALLOWED = ("maybe_unset", "unknown_output_key", "type_mismatch", "ambiguous_edges", "path_not_upstream")
LABELS = ("true", "false", "a", "1", "null", "", "\n")


def grown(pick: random.Random) -> dict[str, Any]:
    """A document with up to eight nodes, every one of them with a way in, now and then a loop."""
    names = [
        f"{pick.choice(WORDS)}{n if pick.random() < 0.7 else ''}" or f"n{n}"
        for n in range(pick.randrange(1, 9))
    ]
    names = list(dict.fromkeys(names))
    nodes = [_node(pick, name, names[:at]) for at, name in enumerate(names)]
    if nodes[0]["type"] in ENDS:
        nodes[0] = {"id": names[0], "type": "merge"}
    document: dict[str, Any] = {"name": pick.choice(("w", "json", "a b", "class", "\u00fc", "x" * 60))}
    document["start_nodes"] = [{"name": "s", "source": "manual", "entry_node": names[0]}]
    if len(names) > 2 and pick.random() < 0.2:
        document["start_nodes"].append({"name": "t", "source": "http", "entry_node": pick.choice(names)})
    if pick.random() < 0.3:
        document["policy"] = {}
    document["nodes"], document["edges"] = nodes, [*_tree(pick, nodes), *_more(pick, nodes)]
    if pick.random() < 0.8:  # not every route has to be proven for there to be something to run
        document["check"] = {"allow": list(ALLOWED)}
    return document


def _path(pick: random.Random, before: list[str]) -> str:
    head = pick.choice(before) if before and pick.random() < 0.8 else "trigger"
    return ".".join([head, *pick.choices(KEYS, k=pick.choice((0, 0, 1, 1, 2)))])


def _node(pick: random.Random, name: str, before: list[str]) -> dict[str, Any]:
    kind = pick.choice(
        ("template_render", "template_render", "json_select", "parse_json", "diff_compute", "condition", "condition",
         "switch", "merge", "respond", "terminate", "fail")
    )  # fmt: skip
    node: dict[str, Any] = {"id": name, "type": kind}
    match kind:
        case "template_render":
            node["template"] = pick.choice(TEXTS)
            if pick.random() < 0.8:
                node["input_from"] = _path(pick, before)
        case "json_select":
            node |= {
                "input_from": _path(pick, before),
                "path": pick.choice(("", ".", "a", "0", "items.1", "kind..x")),
            }
        case "parse_json":
            node["input_from"] = _path(pick, before)
        case "diff_compute":
            node |= {"left_from": _path(pick, before), "right_from": _path(pick, before)}
        case "condition" | "switch":
            node["expr"] = _path(pick, before)
        case "respond":
            node |= {"status": pick.choice((200, 404)), "body_template": pick.choice(TEXTS)}
        case "fail" if pick.random() < 0.5:
            node["reason"] = pick.choice(TEXTS)
    if pick.random() < 0.1:
        node["retry"] = {"max_attempts": pick.randrange(4), "backoff_ms": pick.randrange(2), "jitter": 0.1}
    return node


def _tree(pick: random.Random, nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One way into every node but the first, from a node before it that has one to spare."""
    spare = [(nodes[0], label) for label in _labels(pick, nodes[0])]
    for node in nodes[1:]:
        taken = spare.pop(-1 if pick.random() < 0.7 else pick.randrange(len(spare)))
        source, label = taken
        if not spare and node["type"] in ENDS:
            spare.append(taken)  # two edges that apply at once are an error of the run, and allowed here
        edge = {"from": source["id"], "to": node["id"]}
        yield edge if label is None else {**edge, "when": label}
        spare += [(node, each) for each in _labels(pick, node)]


def _more(pick: random.Random, nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for at, node in enumerate(nodes):
        if node["type"] not in ENDS and pick.random() < 0.15:
            target = pick.choice(nodes[: at + 1])["id"]
            yield {"from": node["id"], "to": target, "max_iterations": pick.randrange(5)}
        if node["type"] not in ENDS and pick.random() < 0.1 and nodes[at + 1 :]:
            target = pick.choice(nodes[at + 1 :])["id"]
            yield {"from": node["id"], "to": target, "when": pick.choice(LABELS)}


def _labels(pick: random.Random, node: dict[str, Any]) -> list[str | None]:
    if node["type"] in ENDS:
        return []
    if node["type"] == "condition":
        return ["true", "false"]
    return list(pick.sample(LABELS, 2)) if node["type"] == "switch" else [None]
