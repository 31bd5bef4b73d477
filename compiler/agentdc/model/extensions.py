"""`[state]`, `[bus]`, `[health]`, `[relay]`, `[check]`: extensions of the dialect (spec 04 §4–§8, design §7)."""

from typing import Annotated, Literal

from pydantic import Field

from agentdc.model.base import SHA256_HEX, U16, U32, U64, Count, Many, NonBlank, Section


class State(Section):
    """The durable store of runs."""

    backend: Literal["sqlite", "files"] = "sqlite"
    checkpoint_interval_secs: U32 = Field(300, description="Period of writing the log back; 0 means never.")
    busy_timeout_ms: U32 = 5000
    durability: Literal["full", "normal"] = Field("full", description="`normal` may lose the last commits.")
    wal_warn_mb: Count = 64
    wal_max_mb: Count = 256
    reserve_mb: U32 = Field(8, description="Disk space kept for emergencies; 0 means none.")
    retention_days: U32 = Field(30, description="How long finished runs are kept.")
    max_runs: U32 = 10_000
    history: bool = Field(False, description="Keep a row for every run, not only for those that wait.")
    max_event_rows: U32 = 100_000
    allow_network_fs: bool = False
    backup_dir: str | None = None
    backup_interval_secs: U32 = Field(0, description="0 means no backups.")


class Bus(Section):
    """Messages between agents on one host."""

    group: NonBlank = "default"
    role: NonBlank = "project"
    tier: Annotated[int, Field(ge=0, le=2)] | None = Field(None, description="By default from the role.")
    contacts: Many[str] | None = Field(None, description="Agents that may be written to; * means all.")
    channels: Many[NonBlank] = Field((), description="Joined at start.")
    offline_policy: Literal["dead_letter", "hold"] = "dead_letter"
    stale_after_secs: Count = 300
    ack_wait_secs: Count = 30
    max_deliver: Count = 5
    redeliver_backoff_secs: Many[U32] = Field(
        (1, 5, 30, 120), min_length=1, description="The last one repeats."
    )
    default_ttl_secs: U32 = Field(86_400, description="0 means no limit.")
    max_message_bytes: Count = 262_144
    max_queue: Count = Field(10_000, description="Messages waiting for one recipient.")
    dead_letter_retention_days: U32 = Field(30, description="0 means for ever.")
    redrive_on_return: bool = False


class Health(Section):
    """Heartbeats and the detection of stalled runs."""

    heartbeat_interval_secs: Annotated[int, Field(ge=1, le=300)] = 15
    late_after_secs: Count = Field(45, description="At least two heartbeat intervals.")
    stale_after_secs: Count = Field(300, description="More than late_after_secs.")
    stall_threshold_min: Annotated[int, Field(ge=1, le=1440)] = 15
    tick_secs: Annotated[int, Field(ge=1, le=60)] = 5
    on_stall: Literal["notify", "cancel", "restart"] = "notify"
    context_tokens: Count | None = Field(None, description="Context window of the model.")


class RelayToken(Section):
    """One accepted token, by its digest."""

    name: NonBlank
    sha256: Annotated[str, Field(pattern=SHA256_HEX)]
    role: Literal["observer", "operator"] = "operator"


class Relay(Section):
    """Access to the agent from other machines."""

    embedded: bool = Field(False, description="Serve this agent from its own process.")
    port: U16 = 9750
    bind: str | None = Field(None, description="By default all addresses with TLS, else only this host.")
    token_env: str | None = Field(None, description="Name of the secret with the token.")
    token_file: str | None = None
    tokens: Many[RelayToken] = ()
    tls_cert: str | None = None
    tls_key: str | None = None
    client_ca: str | None = Field(None, description="Authorities of client certificates.")
    insecure: bool = Field(False, description="Serve without TLS.")
    allow_insecure_remote: bool = False
    allowed_origins: Many[str] = ()
    max_clients: Count = 32
    include_outputs: bool = Field(False, description="Send the outputs of nodes to clients.")


class Check(Section):
    """What `check` lets pass, and the ceilings that a workflow must prove."""

    allow: Many[str] = Field((), description="Codes that are reported as warnings instead of errors.")
    max_model_calls: U64 | None = None
    max_tokens: U64 | None = None
    max_http_requests: U64 | None = None
    max_shell_runs: U64 | None = None
    max_node_visits: U64 | None = None
    max_wall_secs: U64 | None = None
    max_files_written: U64 | None = None
    max_bytes_written: U64 | None = None
