"""`[[http_routes]]` and `[server]`: what the built-in HTTP server answers, and how (spec 02 §1.4, §3, §4)."""

from typing import Annotated, Literal

from pydantic import Field

from agentdc.model.base import EXTENSION, PATH, U64, Count, Many, NonBlank, Section


class RateLimit(Section):
    """A token bucket shared by all callers of a route."""

    capacity: Count = Field(description="Requests in one burst.")
    per_second: Annotated[float, Field(gt=0)] = Field(description="Requests per second in the long run.")


class Cors(Section):
    """Which pages of other origins may call a route; nothing is ever allowed to carry cookies."""

    allow_origins: Many[NonBlank] = Field(min_length=1, description="Exact origins, or * for all.")
    allow_headers: Many[NonBlank] = Field(
        ("authorization", "content-type"), description="Headers that such a page may send."
    )
    max_age_secs: Count = Field(600, description="How long a browser may remember the permission.")


class HttpRoute(Section):
    """One method and path that starts a run."""

    method: str = Field(description="Compared without regard to case.")
    path: str = Field(description="Exact path, no parameters.")
    start_node: str = Field(description="Name of the start node where the run begins.")
    input_schema: str | None = Field(None, description="JSON Schema file of the request body.")
    auth: str | None = Field(
        None, description="none, bearer, basic, hmac, oidc or mtls, with :NAME if not default."
    )
    rate_limit: RateLimit | None = None
    idempotency_key: str | None = Field(None, description="body_sha256, or a path into the request.")
    idempotency_ttl_secs: U64 = Field(86400, description="How long an answer is remembered.")
    cors: Cors | None = Field(
        None, description="Calls from pages of other origins.", json_schema_extra=EXTENSION
    )
    stream: bool = Field(
        False,
        description="Callers that accept text/event-stream follow the run.",
        json_schema_extra=EXTENSION,
    )
    websocket: bool = Field(
        False, description="A WebSocket on this path follows a run.", json_schema_extra=EXTENSION
    )


class McpServe(Section):
    """The app as an MCP server (`--mcp-serve`), its start nodes as tools."""

    starts: Many[NonBlank] = Field((), description="Start nodes that are offered; by default all.")
    path: Annotated[str, Field(pattern=PATH)] | None = Field(
        None, description="Where the app speaks MCP over HTTP when it serves."
    )
    auth: str | None = Field(None, description="Who may call the path, as of a route.")
    rate_limit: RateLimit | None = None


class ClientAuth(Section):
    """Certificates of callers."""

    mode: Literal["none", "optional", "required"] = Field(
        description="Only `required` is agentd's; `optional` takes certificates that callers have."
    )
    ca_file: str = Field(description="PEM bundle of the accepted authorities.")


class Tls(Section):
    """HTTPS with one certificate."""

    cert_file: str = Field(description="PEM chain, leaf first.")
    key_file: str = Field(description="PEM private key.")
    refuse_shared_key: bool = Field(
        False,
        description="Refuse a key file that others than its owner may use.",
        json_schema_extra=EXTENSION,
    )
    client_auth: ClientAuth | None = None


class Server(Section):
    """The listening side."""

    tls: Tls | None = Field(None, description="Absent means plain HTTP.")
    readyz: bool = Field(
        False, description="Answer /readyz: 503 while draining.", json_schema_extra=EXTENSION
    )
    openapi_path: str | None = Field(
        None, pattern="^/", description="Where to serve the OpenAPI document.", json_schema_extra=EXTENSION
    )
    http2: bool = Field(False, description="Offer HTTP/2 to TLS clients.", json_schema_extra=EXTENSION)
    opaque_errors: bool = Field(
        False, description="A 500 names the run, not what went wrong.", json_schema_extra=EXTENSION
    )
    approvals_auth: NonBlank | None = Field(
        None,
        description="Who may decide over HTTP: a binding as routes name it. Absent: nobody.",
        json_schema_extra=EXTENSION,
    )
    approvals_path: str = Field(
        "/approvals",
        pattern="^/.*[^/]$",
        description="Where approvals are listed and decided.",
        json_schema_extra=EXTENSION,
    )
    date: bool = Field(False, description="Answers have a Date header.", json_schema_extra=EXTENSION)
    store_failure_status: Literal[400, 503] = Field(
        400,
        description="Of a request whose idempotency key cannot be looked up.",
        json_schema_extra=EXTENSION,
    )
    max_connections: Count | None = Field(
        None, description="Open connections; 4096 by default.", json_schema_extra=EXTENSION
    )
    max_runs: Count = Field(
        128, description="Runs in flight; more wait in turn.", json_schema_extra=EXTENSION
    )
