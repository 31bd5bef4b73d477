"""What composition nodes share: making a child run, and what becomes of its ending (spec 01 §5.15). Pure."""

from __future__ import annotations

from agentdc_runtime.core.report import counters
from agentdc_runtime.core.run import Run
from agentdc_runtime.core.visit import visit
from agentdc_runtime.errors import WorkflowError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Block, Ending, Json, Program

MAX_DEPTH = 8
TIMED_OUT = "sub-workflow timed out"


def check_depth(run: Run, kind: str) -> None:
    """A composition node may start children down to eight levels; deeper is a Workflow error."""
    if run.depth >= MAX_DEPTH:
        raise WorkflowError(run.workflow, f"{kind} nodes are nested more than {MAX_DEPTH} levels deep")


def begin(run: Run, program: Program, start: str | None, value: Json, place: int = 0) -> tuple[Run, Block]:
    """A run of `program` below `run`, with its remaining time, and the block it begins at. `place`: among others."""
    if start is None:
        start = next(iter(program.starts))
    child = Run(
        program,
        run.process,
        "manual",
        value,
        deadline=run.deadline,
        dry_run=run.dry_run,
        parent=run,
        start=start,
    )
    child.above, child.place = visit(run), place
    if run.children is None:
        run.children = set()
    run.children.add(child)
    if run.stop_signal:
        child.stop(run.stop_signal)
    if run.process.journal is not None:
        outer = None if run.journal is None else run.journal.outer
        run.process.journal(child, start, outer).started()
    return child, program.starts[start][1]


def finish(child: Run, ending: Ending) -> Ending:
    """Account for a child that has ended."""
    counts = counters(ending, child)
    child.process.count(counts)
    if child.journal is not None:
        child.journal.ended(ending, counts["node_failures"] == 1)
    assert child.parent is not None
    assert child.parent.children is not None
    child.parent.children.discard(child)
    return ending


def called(ending: Ending) -> tuple[Json, str | None]:
    """Output and branch of a `call` node; an error inside the child is the caller's own."""
    if ending.error is not None:
        raise ending.error
    if ending.status == "completed":
        return {"result": ending.value}, None
    reason = ending.reason if ending.status == "failed" else TIMED_OUT
    return {"error": reason}, "error"


def softened(ending: Ending) -> Json:
    """The result of one child of `parallel` or `map`: every problem is soft."""
    if ending.error is not None:
        return {"error": ending.error.display}
    if ending.status == "completed":
        return {"result": ending.value}
    return {"error": f"sub-workflow failed: {ending.reason}" if ending.status == "failed" else TIMED_OUT}


def gathered(results: list[Json]) -> tuple[Json, str | None]:
    """Output and branch of a `parallel` or `map` node."""
    ok = all("error" not in result for result in results)
    return {"ok": ok, "results": results}, None if ok else "error"
