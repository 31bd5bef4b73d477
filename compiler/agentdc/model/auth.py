"""`[auth]`: named ways for HTTP callers to prove who they are (spec 02 §2)."""

from typing import Literal

from pydantic import Field

from agentdc.model.base import EXTENSION, U64, Count, Many, NonBlank, Section


class Bearer(Section):
    """Bearer tokens."""

    tokens_env: str | None = Field(None, description="Name of the secret with one token per line.")
    tokens: Many[str] = Field((), description="Literal tokens; meant for tests.")


class Basic(Section):
    """User names and passwords."""

    credentials_env: str | None = Field(None, description="Name of the secret with one user:pass per line.")
    credentials: Many[str] = Field((), description="Literal user:pass entries; meant for tests.")


class Hmac(Section):
    """A signature of the request body."""

    secret_env: str | None = Field(None, description="Name of the secret with the key.")
    secret: str | None = Field(None, description="Literal key; meant for tests.")
    header: str = Field("X-Agent-Signature", description="Header that carries the signature.")
    prefix: str = Field("sha256=", description="Text before the signature in the header.")
    encoding: Literal["hex", "base64"] = Field(
        "hex", description="How the signature is written.", json_schema_extra=EXTENSION
    )
    timestamp_header: str | None = Field(
        None, description="Header with the signed time.", json_schema_extra=EXTENSION
    )
    tolerance_secs: U64 | None = Field(
        None,
        description="Greatest age of a signed time; 300 with a timestamp header.",
        json_schema_extra=EXTENSION,
    )


class Oidc(Section):
    """JSON Web Tokens of one issuer."""

    issuer: NonBlank = Field(description="Required value of the claim iss.")
    audience: Many[str] = Field((), description="Accepted values of the claim aud; empty means unchecked.")
    jwks_json: str | None = Field(None, description="The issuer's keys; excludes the two others.")
    jwks_file: str | None = Field(None, description="File with the issuer's keys; excludes the two others.")
    jwks_url: str | None = Field(
        None,
        description="HTTPS address of the issuer's keys; excludes the two others.",
        json_schema_extra=EXTENSION,
    )
    jwks_refresh_secs: Count | None = Field(
        None,
        description="How often keys are fetched from `jwks_url`; 300 by default.",
        json_schema_extra=EXTENSION,
    )
    jwks_max_stale_secs: Count | None = Field(
        None,
        description="How long fetched keys count when no newer ones can be had; 86400 by default.",
        json_schema_extra=EXTENSION,
    )
    subject_allowlist: Many[str] = Field((), description="Accepted values of the claim sub; empty means any.")
    clock_skew_secs: U64 = Field(60, description="Tolerance for expiry.")
    algorithms: Many[str] = Field(("RS256",), min_length=1, description="Accepted signature algorithms.")


class Auth(Section):
    """Bindings by kind and name; a route names one as KIND or KIND:NAME."""

    bearer: dict[str, Bearer] = Field(default_factory=dict)
    basic: dict[str, Basic] = Field(default_factory=dict)
    hmac: dict[str, Hmac] = Field(default_factory=dict)
    oidc: dict[str, Oidc] = Field(default_factory=dict)
