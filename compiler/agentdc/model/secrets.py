"""`[[secrets]]`: where named values come from, one record per `source`; never a value itself (spec 02 §6.2)."""

from typing import Annotated, Literal

from pydantic import Field

from agentdc.model.base import U64, Many, NonBlank, Section


class SecretModel(Section):
    """What every secret has."""

    name: NonBlank = Field(description="How the rest of the workflow calls it.")


class EnvSecret(SecretModel):
    """The value of an environment variable."""

    source: Literal["env"]
    var: NonBlank = Field(description="Name of the variable.")


class FileSecret(SecretModel):
    """The content of a file, read at each use."""

    source: Literal["file"]
    path: NonBlank
    trim: bool = Field(True, description="Drop blanks and line ends after the value.")


class CommandSecret(SecretModel):
    """What a command prints, run once."""

    source: Literal["command"]
    argv: Many[str] = Field(min_length=1, description="Program and arguments, no shell.")


class Oauth2Secret(SecretModel):
    """An access token by client credentials, refreshed when it expires."""

    source: Literal["oauth2"]
    token_url: NonBlank
    client_id_env: NonBlank = Field(description="Name of the secret with the client id.")
    client_secret_env: NonBlank = Field(description="Name of the secret with the client secret.")
    scopes: Many[str] = ()
    extra_params: dict[str, str] = Field(default_factory=dict, description="Further form fields.")
    auth_style: Literal["body", "basic"] = Field("body", description="Where the client credentials go.")
    skew_secs: U64 = Field(60, description="How long before expiry a token is renewed.")


class KeyringSecret(SecretModel):
    """An entry of the system's keyring (extension)."""

    source: Literal["keyring"]
    service: NonBlank
    account: NonBlank


Secret = Annotated[
    EnvSecret | FileSecret | CommandSecret | Oauth2Secret | KeyringSecret, Field(discriminator="source")
]

SECRETS: dict[str, type[SecretModel]] = {
    "env": EnvSecret,
    "file": FileSecret,
    "command": CommandSecret,
    "oauth2": Oauth2Secret,
    "keyring": KeyringSecret,
}
