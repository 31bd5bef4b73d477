"""`[[intelligence.backends]]`: the models that nodes call (spec 03 §6.2)."""

from typing import Annotated, Literal

from pydantic import Field

from agentdc.model.base import EXTENSION, U32, Count, Many, NonBlank, Section


class Breaker(Section):
    """When an endpoint is left alone for a while."""

    failures: Count = Field(5, description="In a row, after which nobody asks.")
    open_secs: Count = Field(30, description="Until one request may try again.")


class Cache(Section):
    """Answers that are given again, in memory."""

    entries: Count = Field(1000, description="Answers that are kept.")
    ttl_secs: Count = Field(300, description="For how long.")


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
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        None, description="By default the provider's.", json_schema_extra=EXTENSION
    )
    timeout_secs: Count | None = Field(
        None, description="One exchange; by default --timeout-secs.", json_schema_extra=EXTENSION
    )
    api: Literal["chat", "responses"] = Field(
        "chat", description="Which interface of openai is asked.", json_schema_extra=EXTENSION
    )
    structured_output: bool = Field(
        False, description="Send output schemas to the provider.", json_schema_extra=EXTENSION
    )
    native_tools: bool = Field(
        False, description="Offer the tools of agent loops natively.", json_schema_extra=EXTENSION
    )
    failover: Many[NonBlank] = Field(
        (), description="Backends to ask, in this order, when this one fails.", json_schema_extra=EXTENSION
    )
    retries: Annotated[int, Field(ge=0, le=10)] = Field(
        0, description="Further attempts after errors that may pass.", json_schema_extra=EXTENSION
    )
    retry_backoff_ms: U32 = Field(
        500, description="Before the first of them; doubled each time.", json_schema_extra=EXTENSION
    )
    breaker: Breaker | None = Field(None, json_schema_extra=EXTENSION)
    cache: Cache | None = Field(None, json_schema_extra=EXTENSION)


class Intelligence(Section):
    """The declared models."""

    backends: Many[Backend] = ()
