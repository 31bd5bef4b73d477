"""`call` (spec 01 §5.15): another workflow of this app as one node. Links the driver it is already driven by."""

from __future__ import annotations

from agentdc_runtime.core import child
from agentdc_runtime.core.drive import drive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Program, Run


def run(run: Run, *, program: Program, start: str | None, value: Json) -> tuple[Json, str | None]:
    """`{"result"}`, or `{"error"}` with the branch `error`; an error inside the child aborts the parent."""
    child.check_depth(run, "call")
    below, block = child.begin(run, program, start, value)
    return child.called(child.finish(below, drive(below, block)))
