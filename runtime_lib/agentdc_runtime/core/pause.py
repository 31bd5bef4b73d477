"""A run that stops to wait for a person (spec 01 §5.22, §7). Imports nothing but the run's records.

The pause itself stores nothing: the host keeps the run when the walk is over, before it tells anybody.
"""

from __future__ import annotations

from agentdc_runtime.core.run import Ending
from agentdc_runtime.errors import WorkflowError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Next, Run


class Pause:
    """What a paused run waits for.

    `resume`: id of the node that comes next, None when there is none. `require_decision`: only a decision lets it go
    on. `expires_secs`: how long it waits, None for ever.
    """

    __slots__ = ("expires_secs", "require_decision", "resume")

    def __init__(self, resume: str | None, expires_secs: int | None, *, require_decision: bool) -> None:
        self.resume = resume
        self.expires_secs = expires_secs
        self.require_decision = require_decision


def pause(
    run: Run,
    resume: str | None,
    *,
    reason: str = "",
    require_decision: bool = False,
    expires_secs: int | None = None,
) -> Next:
    """The run ends as paused; a Workflow error where it could not be kept."""
    node = run.node
    assert node is not None
    if run.parent is not None or run.process.keeper is None:
        run.at_edge = True  # the node has not run
        raise WorkflowError(run.workflow, _refused(run, node.id))
    run.trace.append((node, None, None, 0.0))
    waits = Pause(resume, expires_secs, require_decision=require_decision)
    run.ending = Ending("paused", node.id, run.elapsed_ms(), reason=reason, pause=waits)
    return None


def _refused(run: Run, node: str) -> str:
    if run.parent is not None:
        return f"node `{node}` cannot pause: a workflow that another one runs must not wait for approval"
    return f"node `{node}` pauses the run, which needs a state directory; pass --state-dir"
