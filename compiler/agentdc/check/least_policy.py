"""The least policy that lets a program do what it does, as TOML (`agentdc check --suggest-policy`).

What is known of a subject becomes a pattern: all of it, or its beginning with a star. Where nothing is known, the
patterns that the workflow has already are kept, and without any a comment says what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from agentdc.check.effects import Touch, section, server_of, subject
from agentdc.check.matching import Subject, covered, used
from agentdc.check.origins import Text, prefix, shown, whole
from agentdc.model.workflow import Workflow
from agentdc.nodes.spec import Family

_HOST = re.compile(r"https?://[^/?#@\\\s]+/")
_LISTS: tuple[Family, ...] = ("fs.read", "fs.write", "env.read", "http", "shell", "mcp.tool", "mcp.resource")


def enough(touched: Iterable[Touch]) -> list[str] | None:
    """The patterns that cover all subjects of some effects of one family; None when too little is known of one."""
    found: dict[str, None] = {}
    for touch in touched:
        for text in touch.texts or ((),):
            pattern = None if touch.effect.chosen else _pattern(subject(touch.family), text)
            if pattern is None:
                return None
            found[pattern] = None
    return _least(subject(next(iter(touched)).family) if found else "name", list(found))


def suggested(workflow: Workflow, touched: Sequence[Touch]) -> str:
    """The `[policy]` table, with a comment for each effect that it cannot say anything about."""
    lines = ["[policy]"]
    sections: dict[str, list[str]] = {}
    for family in _LISTS:
        mine = [each for each in touched if each.family == family]
        if family.startswith("mcp") and workflow.mcp_servers:
            continue
        group, key = section(family)
        if mine:
            sections.setdefault(group, []).extend(_list(workflow, family, key, mine))
    for group, body in sections.items():
        lines += ["", f"[policy.{group}]", *body]
    lines += _servers(workflow, touched)
    if workflow.policy is not None and workflow.policy.rego is not None:
        lines += ["", "# keep [policy.rego] as it is: it is asked after these lists"]
    return "\n".join(lines) + "\n"


def _list(workflow: Workflow, family: Family, key: str, touched: Sequence[Touch]) -> Iterator[str]:
    group, _ = section(family)
    present: Sequence[str] = () if workflow.policy is None else getattr(getattr(workflow.policy, group), key)
    found, missing = _patterns(family, present, touched)
    for each in missing:
        yield f"# {each}: say what it may reach"
    yield f"{key} = [{', '.join(map(quoted, found))}]"
    if family == "http":
        methods = {each.effect.method for each in touched}
        if None in methods:
            given = () if workflow.policy is None else workflow.policy.http.methods
            methods = {*given} if given else set()
        if methods:
            yield f"methods = [{', '.join(quoted(each) for each in sorted(filter(None, methods)))}]"


def _patterns(
    family: Family, present: Sequence[str], touched: Sequence[Touch]
) -> tuple[list[str], list[str]]:
    """The patterns, and in words what they cannot be known for."""
    found: dict[str, None] = {}
    missing: list[str] = []
    for touch in touched:
        if touch.effect.chosen:
            found |= dict.fromkeys(present)
            if not present:
                missing.append(_said(touch, "a model chooses"))
        for text in touch.texts:
            pattern = _pattern(subject(family), text)
            kept = [each for each in present if used(subject(family), each, text)]
            if pattern is not None:
                found[pattern] = None
            elif kept:
                found |= dict.fromkeys(kept)
            else:
                missing.append(_said(touch, f"from {shown(text)}"))
    return sorted(_least(subject(family), list(found))), list(dict.fromkeys(missing))


def _said(touch: Touch, why: str) -> str:
    """An effect in a comment: on one line, whatever the names hold."""
    node = f"{touch.file}: {touch.node}" if touch.file else touch.node
    return quoted(f"{touch.kind} {node}, {why}")[1:-1]


def _pattern(kind: Subject, text: Text) -> str | None:
    """The pattern for one text; None when too little of it is known."""
    known = whole(text)
    if known is not None:
        return known or None
    start = prefix(text)
    if kind == "url":
        return start + "*" if _HOST.match(start) else None
    if kind == "path":
        return start + "*" if "/" in start[1:] and ".." not in start.split("/") else None
    return start + "*" if start else None


def _least(kind: Subject, found: list[str]) -> list[str]:
    """The patterns without those that another one covers."""
    return [
        each
        for number, each in enumerate(found)
        if not covered(
            kind, each, [other for at, other in enumerate(found) if at != number and other != each]
        )
    ]


def _servers(workflow: Workflow, touched: Sequence[Touch]) -> Iterator[str]:
    """The allowlists of declared servers are not part of the policy: comments say what they need."""
    keys: Mapping[Family, str] = {"mcp.tool": "allow_tools", "mcp.resource": "allow_resources"}
    for index, server in enumerate(workflow.mcp_servers):
        lines = []
        for family, key in keys.items():
            mine = [
                each
                for each in touched
                if each.family == family and server_of(workflow, each) in (index, None)
            ]
            found, missing = _patterns(family, getattr(server, key), mine)
            lines += [f"# {each}: say what it may reach" for each in missing]
            lines.append(f"# {key} = [{', '.join(map(quoted, found))}]")
        yield from ("", f"# the entry of the server {quoted(server.name)} in [[mcp_servers]]:", *lines)


def quoted(text: str) -> str:
    """A TOML basic string."""
    return '"' + "".join(_escaped(each) for each in text) + '"'


def _escaped(each: str) -> str:
    if each in '"\\':
        return "\\" + each
    return (
        each
        if each.isprintable()
        else f"\\u{ord(each):04x}"
        if ord(each) < 0x10000
        else f"\\U{ord(each):08x}"
    )
