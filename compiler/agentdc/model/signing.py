"""`[signing]`: the key that the workflow file's signature must fit (spec 02 §7.1)."""

from typing import Annotated

from pydantic import Field

from agentdc.model.base import EXTENSION, SHA256_HEX, Section


class Signing(Section):
    """The signature beside the file is checked against this key."""

    required: bool = Field(False, description="Refuse to run without a signature.")
    public_key_pem: str | None = Field(None, description="Ed25519 public key; excludes `public_key_file`.")
    public_key_file: str | None = Field(None, description="File with the key; excludes `public_key_pem`.")
    algorithm: str = Field("ed25519", description="Only ed25519.")
    files: dict[str, Annotated[str, Field(pattern=SHA256_HEX)]] | None = Field(
        None,
        description="SHA-256 of every child and schema file, by path from the workflow's folder.",
        json_schema_extra=EXTENSION,
    )
