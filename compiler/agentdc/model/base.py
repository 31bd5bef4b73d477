"""What every record of the model shares: frozen, strict, no extra keys, and the dialect's scalar types.

Only the shape of one value is stated here and in the other modules of `model`; a rule between two values is in
`parse/rules.py`.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict

Item = TypeVar("Item")

# A TOML array arrives as a list; only the container is converted, its items stay strict.
Many = Annotated[tuple[Item, ...], Strict(False)]

U16 = Annotated[int, Field(ge=0, le=2**16 - 1)]
U32 = Annotated[int, Field(ge=0, le=2**32 - 1)]
U64 = Annotated[int, Field(ge=0, le=2**63 - 1)]  # TOML integers are signed 64-bit (spec 01 §0)
Count = Annotated[int, Field(ge=1, le=2**32 - 1)]  # a number of things or a duration that cannot be zero

# Forms of text. They end up in the editor schema, so they are written in the subset that every regular expression
# language reads alike.
NOT_BLANK = r"\S"
AGENT_ID = r"^[a-z0-9][a-z0-9._-]{0,63}$"
LOG_TARGET = r"^([sS][tT][dD]([eE][rR][rR]|[oO][uU][tT])$|file:\s*\S)"
ANCHORED_PATH = r"^(/|~(/|$)|\$\{)"
READY = r"^(spawn|mcp|tcp:\S+:[0-9]{1,5}|unix:\S.*|http:\S+|stdout:.*\S.*)$"
PATH = r"^/[!-~]*$"
HTTP_URL = r"^[hH][tT][tT][pP][sS]?://[^\s/?#@]+([/?][^\s#@]*)?$"
SHA256_HEX = r"^[0-9a-fA-F]{64}$"

FORMS: dict[str, str] = {
    NOT_BLANK: "must not be blank",
    AGENT_ID: "must be 1 to 64 of a-z 0-9 . _ - and begin with a letter or a digit",
    LOG_TARGET: 'must be "stderr", "stdout" or "file:PATH"',
    ANCHORED_PATH: "must be an absolute path, or begin with ~ or ${VAR}",
    READY: "must be spawn, mcp, tcp:HOST:PORT, unix:PATH, http:URL or stdout:TEXT",
    PATH: "must be a path that begins with /",
    HTTP_URL: "must be an http:// or https:// URL, without a user name and a fragment",
    SHA256_HEX: "must be 64 hexadecimal digits",
}

NonBlank = Annotated[str, Field(pattern=NOT_BLANK)]
AgentId = Annotated[str, Field(pattern=AGENT_ID)]


# Marks a key that agentd does not have; `--dialect agentd` refuses it.
EXTENSION: dict[str, JsonValue] = {"x-agentdc-extension": True}


class Section(BaseModel):
    """A TOML table: unknown keys are refused, scalars are never coerced (spec 01 §0, §1)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)
