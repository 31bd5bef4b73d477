"""`respond` (spec 01 §5.23): records the reply of the run; the run goes on. Links nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Run
    from agentdc_runtime.values import Json


def run(run: Run, *, status: int, content_type: str, body: str) -> Json:
    """`{"bytes", "content_type", "status"}`; `body` arrives rendered, and a later reply replaces this one."""
    run.response = {"status": status, "content_type": content_type, "body": body}
    return {"bytes": len(body.encode()), "content_type": content_type, "status": status}
