"""What a run begins with: the type of the trigger for each start node (spec 01 §3.3).

A start that only routes with a schema and schedules lead to has a type. One that people start by hand, or that
nothing leads to, can be given any input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from agentdc.check.facts import TRIGGER_TYPE
from agentdc.check.offers import offered
from agentdc.check.offers import route as offered_route
from agentdc.check.schedule import ScheduleProblem, interval_seconds
from agentdc.model.server import HttpRoute, Server
from agentdc.model.trigger import (
    BusMessage,
    Cron,
    FsWatch,
    InternalEvent,
    Interval,
    ResourceCreated,
    ResourceUpdated,
    Trigger,
)
from agentdc.model.workflow import StartNode, Workflow
from agentdc.types import (
    INTEGER,
    NULL,
    STRING,
    UNKNOWN,
    Array,
    Field,
    Literal,
    Object,
    Type,
    Unknown,
    record,
    union,
)
from agentdc.types.shape import members_of

_NAMED_BY_BINDING = ("bearer", "hmac")  # the others by what the caller shows (spec 02 §2.3)
_FIRED: dict[str, Type] = {"fired_at_unix_ms": INTEGER, "tick": INTEGER}
_EVENTS = ("create", "modify", "remove", "rename")


class Input(NamedTuple):
    """The trigger of a run: `raw` as it was given, `flat` as paths see it."""

    raw: Type = UNKNOWN
    flat: Type = TRIGGER_TYPE


def inputs(workflow: Workflow, schemas: Mapping[str, Type]) -> dict[str, Input]:
    """The trigger by start name; `schemas`: types of the input schemas that are enforced."""
    return {start.name: _input(start, workflow, schemas) for start in workflow.start_nodes}


def scheduled(workflow: Workflow) -> frozenset[str]:
    """Starts of runs that nobody waits for: only triggers lead there, and their outcome is logged (spec 01 §2.2)."""
    triggered = {trigger.start_node for trigger in workflow.triggers}
    asked = {route.start_node for route in workflow.http_routes}
    asked |= {start.name for start in workflow.start_nodes if start.source == "manual"}
    return frozenset(triggered - asked)


def sampled(raw: Type) -> Input:
    """The trigger of runs by hand whose inputs are of a type."""
    return Input(raw, _flat("manual", raw))


def _input(start: StartNode, workflow: Workflow, schemas: Mapping[str, Type]) -> Input:
    found = list(_given(start.name, workflow, schemas))
    if start.source == "manual" or not found:
        return Input()
    return Input(union(each.raw for each in found), union(each.flat for each in found))


def _given(start: str, workflow: Workflow, schemas: Mapping[str, Type]) -> Iterator[Input]:
    """What all that leads to a start gives."""
    for route in workflow.http_routes:
        if route.start_node == start:
            body = UNKNOWN if route.input_schema is None else schemas.get(route.input_schema, UNKNOWN)
            yield _called("http", body, principal(route, workflow.server))
    if start in (tools := offered(workflow)):
        name, spoken = tools[start], offered_route(workflow)
        given = UNKNOWN if name is None else schemas.get(name, UNKNOWN)
        yield Input(given, _flat("mcp", given))
        if spoken is not None:
            yield _called("mcp", given, principal(spoken, workflow.server))
    for trigger in workflow.triggers:
        if trigger.start_node == start:
            yield sampled(_fired(trigger))


def principal(route: HttpRoute, server: Server | None) -> Object:
    """Who the caller of a route is, as the run sees it (spec 02 §2.3); a certificate tells more of any caller."""
    kind, _, binding = (route.auth or "").strip().partition(":")
    kind, binding = kind.strip(), binding.strip() or "default"
    name: Type = Literal("string", binding) if kind in _NAMED_BY_BINDING else STRING
    if kind.lower() in ("", "none"):
        kind, name = "anonymous", Literal("string", "")
    known = {"kind": Literal("string", kind), "name": name}
    asked = server is not None and server.tls is not None and server.tls.client_auth is not None
    return record(known, {"cn": STRING, "sans": Array(STRING)} if asked else None)


def _called(kind: str, body: Type, caller: Object) -> Input:
    """A request: the caller is part of an object, and beside any other body (spec 02 §1.6)."""
    found: list[Type] = []
    for member in members_of(body):
        if isinstance(member, Object):
            found.append(member.with_field("principal", Field(caller)))
        else:
            found.append(record({"principal": caller}) if member == NULL else member)
    raw = union(found)
    flat = [
        each.with_field("principal", Field(caller)) if isinstance(each, Object) else each
        for each in members_of(_flat(kind, raw))
    ]
    return Input(raw, union(flat))


def _fired(trigger: Trigger) -> Type:
    match trigger:
        case Cron(schedule=text):
            kind = Literal("string", "cron")
            return record({"kind": kind, "schedule": Literal("string", text), **_FIRED})
        case Interval(every=text):
            kind = Literal("string", "interval")
            return record({"kind": kind, "every_ms": _milliseconds(text), **_FIRED})
        case FsWatch(events=events):
            kind = Literal("string", "fs_watch")
            return record({"kind": kind, "path": STRING, "event": _watched(events), **_FIRED})
        case ResourceUpdated() | ResourceCreated():
            new = isinstance(trigger, ResourceCreated)
            resource: Type = STRING if new else Literal("string", trigger.resource)
            told: dict[str, Type] = {
                "server": Literal("string", trigger.server),
                "contents": Array(UNKNOWN),
            }
            return record({"kind": Literal("string", trigger.type), "resource": resource, **told, **_FIRED})
        case InternalEvent(name=name):
            said = {"kind": Literal("string", trigger.type), "name": Literal("string", name)}
            return record({**said, "payload": UNKNOWN, **_FIRED})
        case BusMessage():
            return UNKNOWN


def _milliseconds(every: str) -> Type:
    try:
        return Literal("integer", interval_seconds(every) * 1000)
    except ScheduleProblem:
        return INTEGER


def _watched(events: tuple[str, ...]) -> Type:
    """The events that a watch tells; none named means all of them (spec 01 §2.2)."""
    named = {"remove" if each.lower() == "delete" else each.lower() for each in events}
    return union(Literal("string", each) for each in _EVENTS if each in named or not named)


def _flat(kind: str, value: Type) -> Type:
    """An object's members beside `kind`, which they may replace; anything else below `input`."""
    said = Literal("string", kind)
    found: list[Type] = []
    for member in members_of(value):
        if isinstance(member, Unknown):
            return TRIGGER_TYPE
        if not isinstance(member, Object):
            found.append(record({"kind": said, "input": member}))
            continue
        own = member.field("kind")
        if own is None and member.rest is not None:
            own = Field(member.rest, required=False)
        replaced = union((said,) if own is None else (own.type,) if own.required else (own.type, said))
        found.append(member.with_field("kind", Field(replaced)))
    return union(found)
