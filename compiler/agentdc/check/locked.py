"""Tools against `agentdc.lock`: whether a server has them, and whether what they are sent fits what they take.

The driver reads the file; what stands here are types. A misfit is told key by key, as far as something is known of
the data: a value of which nothing is known fits, since that is the frontier and not a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agentdc.check import lock_errors as errors
from agentdc.check.flow import Flow
from agentdc.check.links import split
from agentdc.diagnostics import Diagnostic
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Effect
from agentdc.parse.positions import Places
from agentdc.types import NEVER, NULL, UNKNOWN, Array, Object, Type, Union, Unknown, follow, record, union
from agentdc.types.relate import meet, subtype
from agentdc.types.shape import members_of
from agentdc.types.text import text

_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class LockedTool:
    """A tool as it was locked. `takes`: the type of its arguments. `gives`: of what it answers, if it says so."""

    takes: Type = UNKNOWN
    gives: Type | None = None


@dataclass(frozen=True, slots=True)
class Locked:
    """What is locked. `servers`: tools by server. `present`: there is a lock file."""

    servers: Mapping[str, Mapping[str, LockedTool]] = field(default_factory=dict)
    present: bool = False


@dataclass(frozen=True, slots=True)
class Misfit:
    """One place where arguments do not fit. `key`: the path to it, empty for the whole. `certain`: they never do."""

    key: str
    what: str
    certain: bool


def server_name(workflow: Workflow, named: str | None) -> str | None:
    """The declared server that a node means; None when that is not decided here."""
    names = [server.name for server in workflow.mcp_servers]
    if named is not None:
        return named if named in names else None
    return names[0] if len(names) == 1 else None


def answers(workflow: Workflow, locked: Locked) -> dict[tuple[str | None, str], Type]:
    """The types of what locked tools answer, by the server as a node writes it, and the tool."""
    found: dict[tuple[str | None, str], Type] = {}
    for server in (None, *(each.name for each in workflow.mcp_servers)):
        name = server_name(workflow, server)
        for tool, known in locked.servers.get(name, {}).items() if name is not None else ():
            if known.gives is not None:
                found[server, tool] = known.gives
    return found


def check(workflow: Workflow, flow: Flow, locked: Locked, at: Places) -> Iterator[Diagnostic]:
    """Findings about each tool that a node names, and about servers that are not locked."""
    if not locked.present:
        return
    for index, server in enumerate(workflow.mcp_servers):
        if server.name not in locked.servers:
            yield errors.unlocked_server(server.name, at.value(("mcp_servers", index, "name")))
    for index, node in enumerate(workflow.nodes):
        if not flow.reaches(node.id):
            continue
        for effect in SPECS[node.type].effects(node):
            if effect.family == "mcp.tool" and effect.constant is not None:
                yield from _tool(workflow, flow, locked, (index, effect), at)


def _tool(
    workflow: Workflow, flow: Flow, locked: Locked, asked: tuple[int, Effect], at: Places
) -> Iterator[Diagnostic]:
    index, effect = asked
    node = workflow.nodes[index]
    server = server_name(workflow, effect.server)
    known = locked.servers.get(server) if server is not None else None
    if known is None or server is None or effect.constant is None:
        return
    tool = known.get(effect.constant)
    where = at.value(("nodes", index, effect.field))
    if tool is None:
        yield errors.unknown_tool(node.id, effect.constant, server, known, where)
        return
    given: Type = record({})
    if effect.sends:
        head, segments = split(effect.sends[0])
        found = follow(flow.type_of(head, node.id), segments).type
        given = union(
            record({}) if each == NULL else each for each in members_of(found)
        )  # null is sent as {}
        where = at.value(("nodes", index, "args_from"))
    wrong = list(misfits(given, tool.takes))
    certain = [each for each in wrong if each.certain]
    if certain:
        yield errors.arguments_never_fit(node.id, effect.constant, certain, text(tool.takes), where)
    elif wrong:
        yield errors.arguments_may_not_fit(node.id, effect.constant, wrong, text(tool.takes), where)


def misfits(given: Type, takes: Type, key: str = "", depth: int = 0) -> Iterator[Misfit]:
    """Where values of one type do not fit into another; nothing for what is not known."""
    if isinstance(given, Unknown) or isinstance(takes, Unknown) or depth > _DEEPEST or subtype(given, takes):
        return
    if isinstance(given, Object) and isinstance(takes, Object):
        yield from _keys(given, takes, key, depth)
    elif isinstance(given, Array) and isinstance(takes, Array):
        item = given.any_item
        inner = list(misfits(item, takes.any_item, f"{key}[]", depth + 1))
        yield from (Misfit(each.key, each.what, certain=False) for each in inner)  # it may be empty
    elif isinstance(given, Union) or isinstance(takes, Union):
        yield from _members(given, takes, key, depth)
    else:
        certain = meet(given, takes) == NEVER
        yield Misfit(key, f"is {_shown(given)} and must be {_shown(takes)}", certain=certain)


def _keys(given: Object, takes: Object, key: str, depth: int) -> Iterator[Misfit]:
    for name, wanted in takes.fields:
        here = f"{key}.{name}" if key else name
        mine = given.field(name)
        if mine is None and given.rest is None and wanted.required:
            yield Misfit(here, "is missing", certain=True)
        elif mine is not None and wanted.required and not mine.required:
            yield Misfit(here, "may be missing", certain=False)
        if mine is not None:
            inner = misfits(mine.type, wanted.type, here, depth + 1)
            yield from (Misfit(each.key, each.what, each.certain and mine.required) for each in inner)
    if takes.rest is None:
        known = [name for name, _ in takes.fields]
        for name, mine in given.fields:
            if name not in known:
                here = f"{key}.{name}" if key else name
                yield Misfit(here, "is no key that it takes", certain=mine.required)


def _members(given: Type, takes: Type, key: str, depth: int) -> Iterator[Misfit]:
    """Of several types: each of the one must fit one of the other."""
    sources, targets = members_of(given), members_of(takes)
    if len(targets) == 1:
        target = targets[0]
        found = [list(misfits(each, target, key, depth + 1)) for each in sources]
        always = all(any(one.certain for one in each) for each in found)
        for each in found:
            yield from (Misfit(one.key, one.what, one.certain and always) for one in each)
        return
    bad = [each for each in sources if all(list(misfits(each, target, key, depth + 1)) for target in targets)]
    if bad:
        certain = meet(given, takes) == NEVER
        yield Misfit(key, f"is {_shown(given)} and must be {_shown(takes)}", certain=certain)


def _shown(value: Type) -> str:
    words = text(value)
    return words if len(words) <= 60 else f"{words[:59]}…"
