"""The error classes of a run (spec 01 §12). Costs nothing to link: imports nothing.

Each class has the display prefix that operators see, and says whether `retry` with `on = "transient"` reaches
it. A node that raises one aborts the run; no edge can catch it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Node


class AgentError(Exception):
    """An error of a run; `display` is the text for stderr, records and HTTP bodies.

    `trail`: the nodes that the error passed on its way out, the one that raised it first. `wait_ms`: how long its
    peer asks to wait before another attempt.
    """

    prefix = ""
    category = ""
    transient = False
    wait_ms = 0

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.trail: list[Node] = []

    @property
    def display(self) -> str:
        """The prefix of the class and the reason."""
        return self.prefix + self.reason


class ConfigError(AgentError):
    """Configuration that cannot be used (a schedule, an operand)."""

    prefix = "configuration error: "
    category = "config"


class WorkflowError(AgentError):
    """The graph cannot go on: start selection, ambiguous edges, the step cap."""

    category = "workflow"

    def __init__(self, workflow: str, reason: str) -> None:
        super().__init__(reason)
        self.workflow = workflow

    @property
    def display(self) -> str:
        """Names the workflow before the reason."""
        return f"workflow `{self.workflow}`: {self.reason}"


class PolicyError(AgentError):
    """A policy or allowlist denied an effect; never retried."""

    prefix = "policy violation: "
    category = "policy"


class CapabilityError(AgentError):
    """Something that this app was built without."""

    prefix = "capability unavailable: "
    category = "capability"


class ToolError(AgentError):
    """A node's own work failed: inputs that do not resolve, files, JSON that does not parse."""

    category = "tool"
    transient = True

    def __init__(self, tool: str, reason: str) -> None:
        super().__init__(reason)
        self.tool = tool

    @property
    def display(self) -> str:
        """Names the node kind before the reason."""
        return f"tool `{self.tool}` failed: {self.reason}"


class IntelligenceError(AgentError):
    """A model could not be asked: an unknown backend, a transport or provider error."""

    prefix = "intelligence call failed: "
    category = "intelligence"
    transient = True


class McpError(AgentError):
    """An MCP server could not be reached, or answered with a protocol error."""

    prefix = "mcp: "
    category = "mcp"
    transient = True


class SchemaError(AgentError):
    """A model's answer was rejected in every round."""

    prefix = "schema validation failed: "
    category = "schema"


class TimeoutExceeded(AgentError):
    """A wait that would pass the run's deadline; the reason begins with the duration."""

    prefix = "timeout after "
    category = "timeout"


class InternalError(AgentError):
    """A mistake of the runtime itself; says so."""

    prefix = "internal error: "
    category = "internal"

    def __init__(self, cause: BaseException) -> None:
        if isinstance(cause, MemoryError):
            super().__init__("out of memory (see [budget] max_memory_mb, and what the system allows)")
        else:
            super().__init__(f"{type(cause).__name__}: {cause} (a mistake of agentdc, not of the workflow)")
        self.__cause__ = cause
