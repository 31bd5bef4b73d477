"""Fixtures and scenarios as written (spec 01 §10.1, §10.2): shapes of values, unknown keys refused.

Keys that agentd does not have: `workflow`, `files`, `env`, `policy`, `mocks.agent_loop` and `mocks.approvals` of a
fixture.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from agentdc.model.base import EXTENSION, U32, U64, Many, Section
from agentdc.model.policy import Policy

Kind = Literal["manual", "http", "event"]
Rate = Annotated[float, Field(ge=0, le=1)]


class FixtureTrigger(Section):
    """What starts the run."""

    kind: Kind = "manual"
    payload: Any = Field(default_factory=dict, description="The trigger input, any value.")


class ToolResult(Section):
    """One result of an MCP tool."""

    content: Many[Any] = Field((), description="Content blocks, tables with a `type`.")
    is_error: bool = Field(False, alias="isError", description="The node then takes the branch `error`.")
    structured: Any = Field(None, alias="structuredContent", description="Structured content, any value.")


class ResourceContents(Section):
    """One reading of an MCP resource."""

    contents: Many[Any] = Field((), description="Tables, each one part of the resource.")


class Approval(Section):
    """Somebody's consent to a pause."""

    by: str = Field("a test", description="Who it was.")
    note: str | None = None


class Mocks(Section):
    """Scripted answers, each list first in, first out."""

    intel: Many[str] = Field((), description="Replies of the model.")
    mcp_tools: dict[str, Many[ToolResult]] = Field(default_factory=dict, description="Tool to results.")
    mcp_resources: dict[str, Many[ResourceContents]] = Field(
        default_factory=dict, description="URI to readings."
    )
    approvals: Many[Approval] = Field(
        (), description="Consents to pauses, of which the run goes on.", json_schema_extra=EXTENSION
    )
    agent_loop: Many[str] = Field(
        (), description="Replies of the model to agent loops.", json_schema_extra=EXTENSION
    )


class FixtureExpected(Section):
    """What must come out; what is absent is not checked."""

    status: Literal["completed", "failed", "timed_out", "errored"] | None = None
    last_node: str | None = None
    reason_contains: str | None = Field(
        None, description="Part of a failed run's reason, or an errored one's text."
    )
    path: Many[str] = Field((), description="The nodes that the run enters first.")
    path_exact: bool = Field(False, description="`path` is the whole way.")


class Fixture(Section):
    """`fixture.toml`."""

    start: str = Field(description="Start node of the run.")
    timeout_secs: U64 = Field(30, description="0 counts as 1.")
    dry_run: bool = False
    trigger: FixtureTrigger = Field(default_factory=FixtureTrigger)
    mocks: Mocks = Field(default_factory=Mocks)
    expected: FixtureExpected = Field(default_factory=FixtureExpected)
    workflow: str = Field(
        "workflow.toml", description="The workflow, from this folder.", json_schema_extra=EXTENSION
    )
    files: str | None = Field(
        None,
        description="A folder whose copy is the working directory of the run.",
        json_schema_extra=EXTENSION,
    )
    env: dict[str, str] = Field(
        default_factory=dict, description="Environment variables of the run.", json_schema_extra=EXTENSION
    )
    policy: Literal["workflow"] | None = Field(
        None,
        description="Run under the workflow's own policy instead of none.",
        json_schema_extra=EXTENSION,
    )


class ScenarioWorkflow(Section):
    """The workflow under test, as text or as a file."""

    inline: str | None = Field(None, description="Its text; ${SCENARIO_DIR} is the scenario's folder.")
    path: str | None = Field(None, description="Its file, from the scenario's folder.")


class ScenarioTrigger(Section):
    """What starts the run."""

    kind: Kind = "manual"
    start: str | None = Field(None, description="Start node; by default the first.")
    payload: Any = Field(None, description="The trigger input, any value.")


class Variant(Section):
    """One way in which a model may reply."""

    content: str
    prompt_tokens: U64 = 0
    completion_tokens: U64 = 0


class Turn(Section):
    """The reply to one call of the model; `variants` win when there are any."""

    content: str | None = None
    prompt_tokens: U64 = 0
    completion_tokens: U64 = 0
    variants: Many[Variant] = Field((), description="Replies of which each trial takes one.")


class Intel(Section):
    """The scripted model."""

    turns: Many[Turn] = ()


class Faults(Section):
    """What goes wrong on purpose."""

    intel_error_on_call: U32 | None = Field(None, description="The call of the model that errors, from 1.")


class ScenarioExpected(FixtureExpected):
    """What must come out of every trial; what is absent is not checked."""

    max_llm_calls: U64 | None = None
    max_total_tokens: U64 | None = None
    min_policy_denials: U64 | None = None


class Scenario(Section):
    """One conformance scenario."""

    name: str
    description: str | None = None
    capabilities: Many[str] = Field((), description="What it shows; see `agentdc test --help`.")
    trials: U32 = Field(1, description="0 counts as 1.")
    min_pass_rate: Rate | None = Field(None, description="Share of the trials that must pass; absent = all.")
    timeout_secs: U64 = Field(30, description="0 counts as 1.")
    workflow: ScenarioWorkflow = Field(default_factory=ScenarioWorkflow)
    trigger: ScenarioTrigger = Field(default_factory=ScenarioTrigger)
    intel: Intel = Field(default_factory=Intel)
    policy: Policy | None = None
    faults: Faults = Field(default_factory=Faults)
    expected: ScenarioExpected = Field(default_factory=ScenarioExpected)
