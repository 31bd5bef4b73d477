"""The workloads, as TOML text of any size, and the input each of them is run with.

Knows the dialect; knows nothing of how the text is compiled or timed. `bench.baselines` has the same graphs by hand.

    chain(20)      t0 -> p0 -> s0 -> d0 -> t1 -> ...     render, parse, select, compare; over and over
    branching(4)   four times: a condition, two arms, a join, a switch, three arms, a join; then a last text
    bare(20)       texts without holes: nothing but the walk itself
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

INPUT: dict[str, Any] = {
    "user": {"id": "u-17", "name": "Ada"},
    "n": 3,
    "base": {"id": "u-16", "items": ["x"]},
    "flags": {"big": True},
    "tier": "silver",
}

CHAIN_TEXT = '{"id": "{{user.id}}", "step": %d, "items": ["{{user.name}}", {{n}}]}'
CHAIN_NODES = 20
BRANCH_GROUPS, BRANCH_GROUP_NODES = 4, 9
BARE_NODES = 20


def chain(nodes: int) -> str:
    """A linear workflow of `nodes` pure nodes in groups of four: t, p, s, d."""
    before = "trigger.base"
    entries: list[dict[str, str]] = []
    for group in range((nodes + 3) // 4):
        rendered, parsed = f"t{group}", f"p{group}"
        entries += [
            {
                "id": rendered,
                "type": "template_render",
                "template": CHAIN_TEXT % group,
                "input_from": "trigger",
            },
            {"id": parsed, "type": "parse_json", "input_from": f"{rendered}.rendered"},
            {"id": f"s{group}", "type": "json_select", "input_from": f"{parsed}.parsed", "path": "items.0"},
            {
                "id": f"d{group}",
                "type": "diff_compute",
                "left_from": before,
                "right_from": f"{parsed}.parsed",
            },
        ]
        before = f"{parsed}.parsed"
    entries = entries[:nodes]
    return _workflow("chain", entries, _line(entries))


def bare(nodes: int) -> str:
    """A linear workflow of `nodes` texts without holes."""
    entries = [{"id": f"b{at}", "type": "template_render", "template": f"text {at}"} for at in range(nodes)]
    return _workflow("bare", entries, _line(entries))


def branching(groups: int) -> str:
    """A graph with two branches and two joins in each group; six nodes of each are visited, and one at the end."""
    entries: list[dict[str, str]] = []
    edges: list[tuple[str, str, str | None]] = []
    last = ""
    for group in range(groups):
        ids = {name: f"{name}{group}" for name in ("c", "a", "b", "j", "w", "x", "y", "z", "k")}
        entries += [
            {"id": ids["c"], "type": "condition", "expr": "trigger.flags.big"},
            _text(ids["a"], "big {{user.name}}"),
            _text(ids["b"], "small {{user.name}}"),
            {"id": ids["j"], "type": "merge"},
            {"id": ids["w"], "type": "switch", "expr": "trigger.tier"},
            _text(ids["x"], "gold {{n}}"),
            _text(ids["y"], "silver {{n}}"),
            _text(ids["z"], "bronze {{n}}"),
            {"id": ids["k"], "type": "merge"},
        ]
        edges += [(last, ids["c"], None)] if last else []
        edges += [(ids["c"], ids["a"], "true"), (ids["c"], ids["b"], "false")]
        edges += [(ids["a"], ids["j"], None), (ids["b"], ids["j"], None), (ids["j"], ids["w"], None)]
        tiers = zip("xyz", ("gold", "silver", "bronze"), strict=True)
        for arm, label in tiers:
            edges += [(ids["w"], ids[arm], label), (ids[arm], ids["k"], None)]
        last = ids["k"]
    entries.append(_text("end", "done for {{user.id}}"))
    edges.append((last, "end", None))
    return _workflow("branching", entries, edges)


def _text(id: str, template: str) -> dict[str, str]:
    return {"id": id, "type": "template_render", "template": template, "input_from": "trigger"}


def _line(entries: list[dict[str, str]]) -> list[tuple[str, str, str | None]]:
    ids = [each["id"] for each in entries]
    return [(one, other, None) for one, other in pairwise(ids)]


def _workflow(
    name: str, entries: Iterable[dict[str, str]], edges: Iterable[tuple[str, str, str | None]]
) -> str:
    lines = [f'name = "{name}"', "[[start_nodes]]", 'name = "go"', 'source = "manual"']
    for entry in entries:
        lines += ["[[nodes]]", *(f"{key} = '{value}'" for key, value in entry.items())]
    for source, target, label in edges:
        lines += ["[[edges]]", f'from = "{source}"', f'to = "{target}"']
        if label is not None:
            lines.append(f'when = "{label}"')
    return "\n".join(lines) + "\n"


ORDER: dict[str, Any] = {
    "id": 7,
    "customer": {"name": "Ann Miller", "tier": "gold"},
    "items": [1, 2, 3],
}
HOOK_SECRET = "bench-key"
_HOOK_NODES = """
[[nodes]]
id = "pick"
type = "json_select"
input_from = "trigger.customer"
path = "name"

[[nodes]]
id = "hello"
type = "template_render"
input_from = "pick"
template = "Hello, {{value}}!"

[[nodes]]
id = "out"
type = "respond"
content_type = "application/json"
body_template = '{"greeting":"{{rendered}}"}'
input_from = "hello"

[[edges]]
from = "pick"
to = "hello"

[[edges]]
from = "hello"
to = "out"
"""
_HOOK_GUARD = """auth = "hmac"
rate_limit = { capacity = 1000000000, per_second = 1000000.0 }

[auth.hmac.default]
secret_env = "BENCH_KEY"
"""


def hook(*, guarded: bool) -> str:
    """A webhook of three pure nodes; `guarded`: with a signature to check and a rate limit that is never reached."""
    start = 'name = "hook"\n\n[[start_nodes]]\nname = "go"\nsource = "http"\nentry_node = "pick"\n'
    route = '\n[[http_routes]]\nmethod = "POST"\npath = "/orders"\nstart_node = "go"\n'
    return f"{start}{route}{_HOOK_GUARD if guarded else ''}{_HOOK_NODES}"
