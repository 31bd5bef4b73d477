"""`[logging]` with the audit sink and trace export (spec 03 §2, §4.3; 04 §9, §10)."""

from typing import Annotated, Literal

from pydantic import Field

from agentdc.model.base import EXTENSION, LOG_TARGET, U32, Many, Section

LogTarget = Annotated[str, Field(pattern=LOG_TARGET)]


class Audit(Section):
    """A second sink for audit events, with redaction."""

    target: LogTarget = Field("file:/var/log/agent/audit.jsonl", description="stderr, stdout or file:PATH.")
    redact_fields: Many[str] = Field((), description="Field names to redact besides the built-in ones.")
    include_reason: bool = Field(False, description="Write the field `reason` as it is.")
    fail_closed: bool = Field(
        False, description="Refuse operator commands while the sink fails.", json_schema_extra=EXTENSION
    )


class Otel(Section):
    """Export of traces."""

    endpoint: str = Field(description="Collector, such as http://collector:4318.")
    service_name: str = "agentd"
    protocol: Literal["grpc", "http/protobuf", "http/json"] = "grpc"
    resource_attrs: dict[str, str] = Field(default_factory=dict, description="Attributes of the resource.")
    sample_ratio: float = Field(1.0, description="Share of traces to keep, 0 to 1.")
    headers: dict[str, str] = Field(
        default_factory=dict, description="Headers of the export.", json_schema_extra=EXTENSION
    )
    spool_mb: U32 | None = Field(
        None, description="Disk space for undelivered batches.", json_schema_extra=EXTENSION
    )


class Logging(Section):
    """Where the app's log goes and how much of it."""

    level: str = Field("warn", description="A level, or TARGET=LEVEL entries joined by commas.")
    format: Literal["text", "json"] = "text"
    target: LogTarget = Field("stderr", description="stderr, stdout or file:PATH.")
    enabled: bool = Field(True, description="False turns off log, audit sink and traces.")
    rotation: Literal["never", "daily", "hourly", "minutely"] = Field(
        "never", description="For file targets."
    )
    audit: Audit | None = None
    otel: Otel | None = None
