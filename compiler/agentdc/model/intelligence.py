"""`[[intelligence.backends]]`: the models that nodes call (spec 03 §6.2)."""

from typing import Literal

from pydantic import Field

from agentdc.model.base import U32, Many, NonBlank, Section


class Backend(Section):
    """One model at one provider."""

    name: NonBlank = Field(description='How nodes call it; "default" is the command line\'s.')
    provider: Literal["anthropic", "openai", "gemini", "openai-compatible"]
    model: NonBlank
    api_key_env: str | None = Field(
        None, description="Name of the secret with the key; only openai-compatible goes without."
    )
    base_url: str | None = Field(None, description="Required for openai-compatible.")
    max_tokens: U32 | None = Field(None, description="Limit of an answer.")


class Intelligence(Section):
    """The declared models."""

    backends: Many[Backend] = ()
