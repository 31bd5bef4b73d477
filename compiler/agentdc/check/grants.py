"""The policy against the program: what it certainly denies, and what it grants for nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from agentdc.check import effect_errors as errors
from agentdc.check.effects import (
    Judgement,
    Touch,
    judge,
    known_start,
    section,
    server_of,
    subject,
)
from agentdc.check.least_policy import enough
from agentdc.check.matching import used
from agentdc.check.origins import Text, prefix, shown, whole
from agentdc.diagnostics import Diagnostic, Span
from agentdc.model.trigger import ResourceCreated, ResourceUpdated
from agentdc.model.workflow import Workflow
from agentdc.nodes.agent_loop import TOOLS
from agentdc.nodes.spec import Family
from agentdc.parse.positions import Places

_URL = re.compile(r"https?://[^/?#]", re.IGNORECASE)
_WHOLE_URL = re.compile(
    r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[1-9][0-9]{0,4})?([/?#][^\s\\]*)?", re.IGNORECASE
)
_URLS = ("http://", "https://")
_GATED: Mapping[Family, str] = {
    "fs.read": "the path pattern",
    "fs.write": "the path pattern",
    "env.read": "the name pattern",
    "http": "the URL pattern",
    "shell": "the command pattern",
}
_SERVED: tuple[tuple[Family, str, str], ...] = (
    ("mcp.tool", "allow_tools", "the tool"),
    ("mcp.resource", "allow_resources", "the resource"),
)
_EVERYTHING = frozenset(("*", "/**", "/*", "http://*", "https://*", "http://**", "https://**"))


def check(workflow: Workflow, touched: Sequence[Touch], at: Places) -> Iterator[Diagnostic]:
    """Findings about each effect in order, then about each grant; `touched`: with the effects of the children."""
    for touch in touched:
        yield from _subject(touch)
        yield from _judged(workflow, touch, at)
    yield from _unused(workflow, touched, at)


def _subject(touch: Touch) -> Iterator[Diagnostic]:
    """Subjects that can never work, whatever the policy says."""
    if touch.family == "shell" and touch.effect.constant is not None and touch.effect.constant[:1] != "/":
        yield errors.relative_command(touch.node, touch.effect.constant, touch.where)
    if touch.family == "http" and touch.texts:
        wrong = [text for text in touch.texts if not _can_be_url(text)]
        if wrong:
            told = errors.bad_url if len(wrong) == len(touch.texts) else errors.maybe_bad_url
            yield told(touch.node, shown(wrong[0]), touch.where)


def _can_be_url(text: Text) -> bool:
    complete, start = whole(text), prefix(text)
    if complete is not None:
        return _WHOLE_URL.fullmatch(complete) is not None
    return _URL.match(start) is not None or any(each.startswith(start.lower()) for each in _URLS)


def _judged(workflow: Workflow, touch: Touch, at: Places) -> Iterator[Diagnostic]:
    if touch.family in {"fs.read", "fs.write"} and touch.texts and not any(map(_names_a_file, touch.texts)):
        return  # no policy would help; `value_mismatch` tells it
    found = judge(workflow, touch)
    if found.verdict == "allowed" or (
        found.verdict == "guarded" and not found.denied and found.why != "climbs"
    ):
        return
    listed, gate = _list(workflow, touch, at)
    if touch.effect.chosen:
        yield errors.useless_tool(touch.node, _tool(touch), listed, touch.where, gate)
    elif found.why == "method":
        key = at.key(("policy", "http", "methods"))
        where = touch.at.value((*touch.place[:-1], "method"))
        yield errors.method_denied(touch.node, str(touch.effect.method), where, key)
    elif found.why == "link":
        if str(touch.effect.constant).startswith("/"):
            yield errors.unlisted_command(touch.node, str(touch.effect.constant), listed, touch.where, gate)
    elif found.why == "climbs":
        yield errors.climbing(touch.node, shown(touch.texts[0]), listed, touch.where, gate)
    else:
        yield _denied(touch, found, listed, gate)


def _names_a_file(text: Text) -> bool:
    return whole(text) != ""


def _denied(touch: Touch, found: Judgement, listed: str, gate: Span) -> Diagnostic:
    texts = [shown(text) for text in found.denied]
    if found.verdict == "denied":
        return errors.denied(touch.node, touch.family, texts, listed, touch.where, gate)
    return errors.may_deny(touch.node, touch.family, texts, listed, touch.where, gate)


def _tool(touch: Touch) -> str:
    """What the catalog of a loop calls the tool with this effect."""
    return next(name for name, family in TOOLS.items() if family == touch.family)


def _list(workflow: Workflow, touch: Touch, at: Places) -> tuple[str, Span]:
    """The list that gates an effect: as people write it, and where it stands."""
    if touch.family in {"mcp.tool", "mcp.resource"} and workflow.mcp_servers:
        key = "allow_tools" if touch.family == "mcp.tool" else "allow_resources"
        index = server_of(workflow, touch) or 0
        return f'{key} of the server "{workflow.mcp_servers[index].name}"', at.key(
            ("mcp_servers", index, key)
        )
    group, key = section(touch.family)
    return f"[policy.{group}] {key}", at.key(("policy", group, key))


def _unused(workflow: Workflow, touched: Sequence[Touch], at: Places) -> Iterator[Diagnostic]:
    """Each grant that nothing can use, then those that cover everything for little, list by list."""
    for family, what in _GATED.items() if workflow.policy is not None else ():
        group, key = section(family)
        listed: Sequence[str] = getattr(getattr(workflow.policy, group), key)
        mine = [touch for touch in touched if touch.family == family]
        yield from _list_of(mine, what, listed, ("policy", group, key), at)
    yield from _methods(workflow, touched, at)
    watched = {
        each.server for each in workflow.triggers if isinstance(each, ResourceUpdated | ResourceCreated)
    }
    for index, server in enumerate(workflow.mcp_servers):
        for family, key, what in _SERVED:
            if family == "mcp.resource" and server.name in watched:
                continue  # a trigger reads them too
            mine = [
                each
                for each in touched
                if each.family == family and server_of(workflow, each) in {index, None}
            ]
            yield from _list_of(mine, what, getattr(server, key), ("mcp_servers", index, key), at)


def _list_of(
    touched: Sequence[Touch], what: str, listed: Sequence[str], place: tuple[str | int, ...], at: Places
) -> Iterator[Diagnostic]:
    """One list, against the effects that it gates."""
    for number, pattern in enumerate(listed):
        users = [touch for touch in touched if _uses(touch, pattern)]
        if not users:
            yield errors.unused_grant(pattern, what, at.value((*place, number)))
        elif pattern in _EVERYTHING and all(known_start(each.texts) for each in users):
            least = enough(users)
            if least is not None and pattern not in least:
                yield errors.wide_grant(pattern, least, at.value((*place, number)))


def _methods(workflow: Workflow, touched: Sequence[Touch], at: Places) -> Iterator[Diagnostic]:
    methods = () if workflow.policy is None else workflow.policy.http.methods
    asked = {each.effect.method for each in touched if each.family == "http"}
    for number, method in enumerate(() if None in asked else methods):  # None: a model chooses
        if method.upper() not in asked:
            yield errors.unused_grant(method, "the method", at.value(("policy", "http", "methods", number)))


def _uses(touch: Touch, pattern: str) -> bool:
    """Whether the pattern may be what lets the effect through."""
    if touch.effect.chosen or touch.family == "shell":  # a command may be a link to any that is listed
        return True
    return any(used(subject(touch.family), pattern, text) for text in touch.texts)
