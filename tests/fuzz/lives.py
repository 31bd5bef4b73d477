"""One random workflow with its children: checked, run, and held against what check said of it.

Runs are those of the oracle; those of the compiled app must be the same. A workflow that makes check a liar is made
small. The working directory is where children are written, and the environment must be `wide.ENV`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import oracle
import tomli
from claims import Claims, FalseClaim, hold
from dying import Death, app, cause_in
from excuses import left_of, lie_of
from minimise import smallest
from mutate import dump
from typed_inputs import beginnings
from wide import ENV, Family

from agentdc.check.validate import Options
from agentdc.diagnostics import SourceFile
from agentdc.driver.check import Report, check_source, failed
from agentdc.driver.children import Member
from agentdc_runtime.jsontext import compact

INPUTS = 5


@dataclass
class Life:
    """What became of one workflow: how its runs ended, and why check lied, if it did."""

    ended: Counter[str] = field(default_factory=Counter)
    lie: str = ""


def checked(grown: Family, main: bytes, options: Options | None = None) -> Report:
    """What check says of a family whose main workflow is this text."""
    for name, child in grown.children.items():
        Path(name).write_text(dump(child), encoding="utf-8")
    return check_source(SourceFile("w.toml", main), options or Options())


def lived(grown: Family, report: Report, folder: Path | None) -> Life:
    """Runs of one workflow, interpreted, and compiled into a folder if there is one."""
    life = Life()
    assert report.facts is not None
    claims = Claims(report.facts)
    runs = []
    for start, kind, value in beginnings(report, INPUTS):
        world = oracle.World(grown.children, ENV)
        done = oracle.walk(grown.main, start, value, kind, world)
        runs.append((start, kind, value, done))
        life.ended[done.status] += 1
        life.lie = life.lie or _lie(grown, report, claims, (kind, value), done)
        if done.died is not None:
            life.ended[left_of(_death(grown, report, done.died), report)] += 1
    if folder is not None:
        with app(report, folder) as built:
            for start, kind, value, done in runs:
                ran = built.run(start, value, kind)
                life.ended["compiled"] += 1
                life.lie = life.lie or _difference(ran.run.trace, ran.ending.status, done)
                life.lie = life.lie or ("" if ran.death is None else lie_of(ran.death, report))
    return life


def _lie(grown: Family, report: Report, claims: Claims, given: tuple[str, Any], done: oracle.Walk) -> str:
    kind, value = given
    flat = {"kind": kind, **(value if isinstance(value, dict) else {"input": value})}
    failed_at = done.last_node if done.status == "errored" else None
    stopped = failed_at if not done.trace or done.trace[-1][0] != failed_at else None
    try:
        hold(claims, claims.start(flat, value), done.trace, stopped)
    except FalseClaim as claim:
        return f"{claim} on {value!r}"
    lie = "" if done.died is None else lie_of(_death(grown, report, done.died), report)
    return f"{lie} on {value!r}" if lie else ""


def _death(grown: Family, report: Report, died: oracle.Died) -> Death:
    member = _member(grown, report, died.document)
    assert member.decoded.workflow is not None
    node = next(each for each in member.decoded.workflow.nodes if each.id == died.node)
    cause, path = ("ambiguous edges", "") if died.at_edge else cause_in(node, died.outputs)
    category = "workflow" if died.at_edge or node.type == "map" else "tool"
    most = getattr(node, "max_items", 0)
    return Death(member.source.name, died.node, cause, category, path, "", member, most)


def _member(grown: Family, report: Report, document: dict[str, Any]) -> Member:
    name = next((name for name, child in grown.children.items() if child is document), "w.toml")
    return next(each for each in report.members if each.source.name == name)


def _difference(trace: Any, status: str, done: oracle.Walk) -> str:
    """How the compiled run differs; what an error says in a result, the oracle does not know."""
    told = compact([status, [[node.id, branch, output] for node, branch, output, _ in trace]])
    wanted = compact([done.status, [list(each) for each in done.trace]])
    return "" if told == wanted or oracle.ERROR in wanted else f"the app gives\n{told}\nand not\n{wanted}"


def shown(grown: Family, lie: str, options: Options | None = None) -> str:
    """The lie with the smallest workflow that shows one, and its children."""

    def lies(text: bytes) -> bool:
        try:
            main = tomli.loads(text.decode())
            report = checked(grown, text, options)
            return not failed(report.build_diagnostics) and bool(
                lived(Family(main, grown.children), report, None).lie
            )
        except (AssertionError, LookupError, ValueError, AttributeError, TypeError):
            return False

    text = dump(grown.main).encode()
    least = smallest(dump(_fewer_nodes(grown.main, lies)).encode(), lies) if lies(text) else text
    children = "\n".join(f"# {name}\n{dump(child)}" for name, child in grown.children.items())
    return f"{lie}\n{least.decode()}\n{children}"


def _fewer_nodes(main: dict[str, Any], lies: Callable[[bytes], bool]) -> dict[str, Any]:
    """Without the nodes that are not needed: each goes with its edges, or is stepped over."""
    for name in [each["id"] for each in main["nodes"]]:
        edges = main.get("edges", [])
        apart = [each for each in edges if name not in (each["from"], each["to"])]
        over = [
            {**into, "to": out["to"]}
            for into in edges
            for out in edges
            if into["to"] == name == out["from"] and name not in (into["from"], out["to"])
        ]
        nodes = [each for each in main["nodes"] if each["id"] != name]
        for kept in (apart, [*apart, *over[:1]]):
            if lies(dump({**main, "nodes": nodes, "edges": kept}).encode()):
                main = {**main, "nodes": nodes, "edges": kept}
                break
    return main
