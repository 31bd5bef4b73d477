"""`[supervisor]`, `[[sidecars]]` and `[[mcp_servers]]`: processes that the app owns (spec 03 §5.1, 04 §2.1)."""

from typing import Annotated, Literal

from pydantic import Field

from agentdc.model.base import EXTENSION, HTTP_URL, READY, U32, U64, AgentId, Count, Many, NonBlank, Section
from agentdc.model.sandbox import Profile


class Supervisor(Section):
    """When and how a crashed process is started again.

    Inside a sidecar or an MCP server only the keys that are set there count; the others are the `[supervisor]`
    table's (`over`).
    """

    max_restarts: Annotated[int, Field(ge=0, le=100)] = 5
    base_delay_ms: Annotated[int, Field(ge=10, le=60_000)] = Field(
        1000, description="Before the first restart."
    )
    max_delay_ms: U32 = Field(30_000, description="Limit of the doubling delay.")
    stability_window_secs: Annotated[int, Field(ge=1, le=86_400)] = Field(
        300, description="Uptime that clears the count of restarts."
    )
    jitter: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    lenient_start: bool = Field(False, description="Treat a failed first start as a crash.")
    start_timeout_secs: Annotated[int, Field(ge=1, le=600)] = 10
    stop_timeout_secs: Annotated[int, Field(ge=0, le=300)] = 5
    call_wait_secs: Annotated[int, Field(ge=0, le=300)] = Field(
        10, description="How long a call waits for a restart."
    )
    ping_interval_secs: Annotated[int, Field(ge=0, le=3600)] = Field(0, description="0 turns pings off.")
    intensity: U32 = Field(0, description="Restarts of all processes in one period; 0 means unbounded.")
    period_secs: Count = 60
    escalate: Literal["none", "drain", "exit"] = Field("none", description="What too many restarts do.")

    def over(self, base: "Supervisor") -> "Supervisor":
        """The settings of this table laid over those of `base`."""
        own = Supervisor.model_fields.keys() & self.model_fields_set
        return base.model_copy(update={key: getattr(self, key) for key in own})


class McpSupervisor(Supervisor):
    """`[mcp_servers.supervisor]`."""

    env_pass: Many[str] | None = Field(None, description="Variables passed on; unset means all.")


class McpServer(Section):
    """A tool server: a command that the app starts and speaks to over its standard streams, or a URL."""

    name: NonBlank
    command: Many[str] | None = Field(None, min_length=1, description="Program and arguments, no shell.")
    url: Annotated[str, Field(pattern=HTTP_URL)] | None = Field(
        None, description="Streamable HTTP, instead of a command.", json_schema_extra=EXTENSION
    )
    bearer: NonBlank | None = Field(
        None, description="Secret that is sent to the URL as a bearer token.", json_schema_extra=EXTENSION
    )
    allow_tools: Many[str] = Field((), description="Tools that may be called; empty denies all.")
    allow_resources: Many[str] = Field((), description="Resources that may be read; empty denies all.")
    env: dict[str, str] = Field(default_factory=dict, description="Variable to name of the secret.")
    timeout_secs: U64 | None = Field(None, description="Limit of one call.", json_schema_extra=EXTENSION)
    replay: Literal["idempotent"] | None = Field(
        None, description="Repeat idempotent calls once.", json_schema_extra=EXTENSION
    )
    on_drift: Literal["refuse", "warn"] = Field(
        "refuse", description="What a tool unlike agentdc.lock means.", json_schema_extra=EXTENSION
    )
    supervisor: McpSupervisor | None = Field(
        None, description="Overrides of [supervisor].", json_schema_extra=EXTENSION
    )
    sandbox: Profile | None = Field(None, description="Additions to [sandbox].", json_schema_extra=EXTENSION)


class Limits(Section):
    """Resource limits of one process."""

    memory_mb: Count | None = None
    nofile: Count | None = None
    nproc: Count | None = None
    cpu_secs: Count | None = None
    fsize_mb: Count | None = None


class Sidecar(Supervisor):
    """A helper process that lives as long as the app; keys of `[supervisor]` may be repeated."""

    name: AgentId = Field(description="Unique among sidecars and MCP servers.")
    command: Many[str] = Field(min_length=1, description="Program and arguments, no shell.")
    cwd: str | None = None
    env: dict[str, str] = Field(default_factory=dict, description="Variable to name of the secret.")
    env_pass: Many[str] = Field(
        ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"), description="Variables passed on."
    )
    restart: Literal["always", "on-failure", "never"] = "always"
    ready: Annotated[str, Field(pattern=READY)] = Field(
        "spawn", description="spawn, mcp, tcp:HOST:PORT, unix:PATH, http:URL or stdout:TEXT."
    )
    required: bool = Field(True, description="The app is not ready while this one is failed.")
    autostart: bool = True
    limits: Limits | None = None
    sandbox: Profile | None = Field(None, description="Additions to [sandbox].")
