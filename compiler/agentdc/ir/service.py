"""What an app offers to the outside, as data: routes and triggers, and the optional parts that they take.

Only what is fixed at build is here; who may call a route, and how often, are operands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any

MAX_RUNS = 128
STORE_FAILURE = 400


@dataclass(frozen=True, slots=True)
class Cors:
    """Calls from pages of other origins; `headers` in lower case, `max_age` in seconds."""

    origins: tuple[str, ...]
    headers: tuple[str, ...]
    max_age: int


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema of a request body, by the name of its file."""

    file: str
    document: Json


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path. `key`: the idempotency key as written; `ttl`: in seconds."""

    method: str
    path: str
    start: str
    schema: Schema | None = None
    key: str | None = None
    ttl: int = 86400
    cors: Cors | None = None
    stream: bool = False
    websocket: bool = False
    mcp: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A start node as a tool of the app's MCP server.

    `schema`: of what it takes; `checked`: it is held against it. `output`: the schema of what it gives, or None;
    `wrapped`: as the member `result` of an object.
    """

    start: str
    description: str
    schema: Json
    checked: bool
    output: Json
    wrapped: bool


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool of an MCP server answers, by the schema that was locked: answers are held against it."""

    server: str
    tool: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron schedule as the sets of its fields; `year` is None for every year."""

    start: str
    schedule: str
    second: tuple[int, ...]
    minute: tuple[int, ...]
    hour: tuple[int, ...]
    day: tuple[int, ...]
    month: tuple[int, ...]
    weekday: tuple[int, ...]
    year: tuple[int, ...] | None
    catch_up: Literal["skip", "run_once"] = "skip"


@dataclass(frozen=True, slots=True)
class Interval:
    """A fixed delay, in seconds."""

    start: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Watch:
    """A watched file or folder. `events`: in the dialect's words; `debounce_ms`: quiet time before a run."""

    start: str
    path: str
    recursive: bool
    events: tuple[str, ...]
    debounce_ms: int


@dataclass(frozen=True, slots=True)
class Resource:
    """Resources of an MCP server. `new`: those that it lists for the first time, else one that changes."""

    start: str
    server: str
    resource: str
    new: bool


@dataclass(frozen=True, slots=True)
class Event:
    """An event that somebody emits to the running app, by its name."""

    start: str
    name: str


Trigger: TypeAlias = Cron | Interval | Watch | Resource | Event


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that serve mode needs to be built.

    `auth`: kinds of bindings, sorted. `openapi`: path and document, or None. `state`: the app keeps runs.
    `approvals`: the path of that surface, or None. `store_failure`: a status.
    """

    routes: tuple[Route, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    auth: tuple[str, ...] = ()
    limited: bool = False
    tls: bool = False
    http2: bool = False
    readyz: bool = False
    opaque: bool = False
    date: bool = False
    openapi: tuple[str, Json] | None = None
    max_connections: int | None = None
    max_runs: int = MAX_RUNS
    state: bool = False
    approvals: str | None = None
    store_failure: int = STORE_FAILURE
