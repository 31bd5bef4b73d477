"""The error of a secret without a value (spec 02 §6.3). Costs nothing to link."""

from __future__ import annotations

from agentdc_runtime.errors import ConfigError


class SecretError(ConfigError):
    """A secret has no value; says which and why, and never holds anything of a value."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"secret `{name}`: {cause}")
        self.cause = cause
