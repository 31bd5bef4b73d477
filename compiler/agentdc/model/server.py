"""`[[http_routes]]` and `[server]`: what the built-in HTTP server answers, and how (spec 02 §1.4, §3, §4)."""

from typing import Annotated, Literal

from pydantic import Field

from agentdc.model.base import U64, Count, Section


class RateLimit(Section):
    """A token bucket shared by all callers of a route."""

    capacity: Count = Field(description="Requests in one burst.")
    per_second: Annotated[float, Field(gt=0)] = Field(description="Requests per second in the long run.")


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


class ClientAuth(Section):
    """Certificates of callers."""

    mode: Literal["none", "optional", "required"]
    ca_file: str = Field(description="PEM bundle of the accepted authorities.")


class Tls(Section):
    """HTTPS with one certificate."""

    cert_file: str = Field(description="PEM chain, leaf first.")
    key_file: str = Field(description="PEM private key.")
    client_auth: ClientAuth | None = None


class Server(Section):
    """The listening side."""

    tls: Tls | None = Field(None, description="Absent means plain HTTP.")
