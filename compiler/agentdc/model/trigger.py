"""`[[triggers]]`: what starts runs in serve mode, one record per `type` (spec 01 §2.2, 04 §5.1)."""

from typing import Annotated, Literal

from pydantic import Field

from agentdc.model.base import EXTENSION, U64, Many, Section


class TriggerModel(Section):
    """What every trigger has."""

    start_node: str = Field(description="Name of the start node where the run begins.")


class ResourceUpdated(TriggerModel):
    """A change of an MCP resource, which is read before the run begins."""

    type: Literal["mcp.resource.updated"]
    server: str = Field(description="Name of an [[mcp_servers]] entry.")
    resource: str = Field(description="URI to subscribe to.")


class ResourceCreated(TriggerModel):
    """A resource that an MCP server lists for the first time."""

    type: Literal["mcp.resource.created"]
    server: str = Field(description="Name of an [[mcp_servers]] entry.")
    resource: str = Field(description="URI, or the beginning of URIs with a star behind it.")


class InternalEvent(TriggerModel):
    """An event that is emitted to the running app (`<app> emit NAME`)."""

    type: Literal["internal.event"]
    name: str


class Cron(TriggerModel):
    """Fires at the times of a cron expression."""

    type: Literal["cron"]
    schedule: str = Field(
        description="sec min hour day-of-month month day-of-week [year], or @daily and the like."
    )
    catch_up: Literal["skip", "run_once"] = Field(
        "skip", description="What becomes of ticks missed during a run.", json_schema_extra=EXTENSION
    )


class Interval(TriggerModel):
    """Fires again and again, a fixed time after the previous run ended."""

    type: Literal["interval"]
    every: str = Field(description='A whole number and a unit, such as "30s", "5m", "2h", "1d".')


class FsWatch(TriggerModel):
    """Fires when a file or folder changes."""

    type: Literal["fs_watch"]
    path: str = Field(description="File or folder; must exist when the app starts.")
    recursive: bool = False
    events: Many[str] = Field((), description="create, modify, remove, rename; empty means all four.")
    debounce_ms: U64 = Field(250, description="Quiet time before a path counts as changed.")


class BusMessage(TriggerModel):
    """Fires for each message from another agent (extension)."""

    type: Literal["bus.message"]
    channel: str | None = Field(None, description="Only messages of this channel.")


Trigger = Annotated[
    ResourceUpdated | ResourceCreated | InternalEvent | Cron | Interval | FsWatch | BusMessage,
    Field(discriminator="type"),
]

TRIGGERS: dict[str, type[TriggerModel]] = {
    "mcp.resource.updated": ResourceUpdated,
    "mcp.resource.created": ResourceCreated,
    "internal.event": InternalEvent,
    "cron": Cron,
    "interval": Interval,
    "fs_watch": FsWatch,
    "bus.message": BusMessage,
}
