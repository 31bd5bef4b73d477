"""What a run shows when it is over: the outcome and the record (spec 01 §8). Links `jsontext` only."""

from __future__ import annotations

from agentdc_runtime.jsontext import Fixed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Ending, Entry, Json, Run

_OUTCOMES = {"fail": "fail", "terminate": "terminate", "pause_for_approval": "pause"}


def outcome(ending: Ending, run: Run) -> Fixed:
    """The outcome document of a completed, failed, timed-out or paused run, fields in the fixed order."""
    document = Fixed(status=ending.status)
    if ending.status == "paused":
        document["run_id"] = run.id
        document["last_node"] = ending.last_node
        if ending.reason:
            document["reason"] = ending.reason
        return document
    if ending.status == "completed":
        document["final_value"] = ending.value
    elif ending.status == "failed":
        document["reason"] = ending.reason
    else:
        document["elapsed_ms"] = ending.elapsed_ms
    document["last_node"] = ending.last_node
    if ending.status == "completed" and run.response is not None:
        document["http_response"] = Fixed(run.response)
    return document


def record(ending: Ending, run: Run, start: str, wall_ms: int) -> Fixed:
    """The run record; an errored run keeps its id, the failing node and the trace so far."""
    return Fixed(
        workflow=run.workflow,
        start_node=start,
        execution_id=run.id,
        status=ending.status,
        last_node=ending.last_node,
        detail=_detail(ending, run),
        wall_ms=wall_ms,
        cost=Fixed(run.process.counters),
        trace=Fixed(execution_id=run.id, entries=[entry(each) for each in run.trace]),
    )


def counters(ending: Ending, run: Run) -> Fixed:
    """What one run adds to the ten counters of the process (spec 01 §6.5); children start no workflow."""
    error = ending.error
    in_node = error is not None and not run.at_edge and run.node is not None
    return Fixed(
        workflow_starts=int(run.parent is None),
        workflow_completions=int(ending.status == "completed"),
        workflow_failures=int(ending.status == "failed"),
        workflow_timeouts=int(ending.status == "timed_out"),
        workflow_errored=int(error is not None),
        node_executions=len(run.trace) + int(in_node) - int(ending.status == "paused"),
        node_failures=int(in_node),
        policy_denials=int(error is not None and error.category == "policy"),
        llm_calls=0,
        llm_tokens=0,
    )


def _detail(ending: Ending, run: Run) -> Json:
    if ending.error is not None:
        return {"error": ending.error.display}
    if ending.status == "completed":
        if run.response is None:
            return ending.value
        return Fixed(final_value=ending.value, http_response=Fixed(run.response))
    if ending.status == "failed":
        return {"reason": ending.reason}
    if ending.status == "paused":
        return Fixed(reason=ending.reason or None, run_id=run.id)
    return {"elapsed_ms": ending.elapsed_ms}


def entry(visit: Entry) -> Fixed:
    """One visit of a node as records tell it."""
    node, branch, output, seconds = visit
    return Fixed(
        node_id=node.id,
        kind=node.kind,
        outcome=_OUTCOMES.get(node.kind, "continue"),
        branch=branch,
        output=output,
        elapsed_ms=int(seconds * 1000),
    )
