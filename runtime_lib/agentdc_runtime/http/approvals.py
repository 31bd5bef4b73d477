"""Approvals over HTTP: what waits for a decision, and deciding it. Links the state store.

    GET  /approvals            {"approvals": [{"run_id", "workflow", "node", "reason", "asked_at", "expires_at"}]}
    POST /approvals/RUN-ID     {"decision": "approve" | "reject", "note": TEXT}

The surface has an auth binding of its own, and who called is who decided. 404: no such run; 409: decided already. The
answer is given when the decision is committed; an approved run goes on in this process.
"""

from __future__ import annotations

from agentdc_runtime.http.body import BodyError, decode
from agentdc_runtime.http.route import Route
from agentdc_runtime.jsontext import Fixed, compact
from agentdc_runtime.state import decisions, rows
from agentdc_runtime.state.decisions import APPROVE, EXPIRE, REJECT, Refused, instant
from agentdc_runtime.state.fault import StoreError
from agentdc_runtime.state.keeper import now_ms
from agentdc_runtime.state.waiting import expire_all, shown, waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

    from agentdc_runtime.core.run import Json
    from agentdc_runtime.http.route import Endpoint
    from agentdc_runtime.http.service import Caller, Service
    from agentdc_runtime.http.wire import Request
    from agentdc_runtime.state.decisions import Decision
    from agentdc_runtime.state.keeper import Keeper
    from agentdc_runtime.state.saved import Checkpoint

_STATUS = {"unknown": 404, "workflow": 404, "decided": 409}


def routes(path: str) -> tuple[Route, Route]:
    """The two routes of the surface; what stands behind the second one is the run."""
    return (
        Route(method="GET", path=path, start="", handle=_list),
        Route(method="POST", path=f"{path}/", start="", handle=_decide),
    )


async def _list(
    service: Service, request: Request, caller: Caller, endpoint: Endpoint, _principal: dict[str, Any]
) -> bytes:
    keeper = service.runs.keeper
    if keeper is None:
        return _unavailable(service, request, caller, endpoint, "no state directory")

    def look(database: sqlite3.Connection) -> tuple[list[Decision], list[Checkpoint]]:
        now = now_ms()
        return expire_all(database, now), waiting(database, now, keeper.workflow)

    try:
        expired, found = await keeper.store.write(look)
    except StoreError as error:
        return _unavailable(service, request, caller, endpoint, error.reason)
    for each in expired:
        decisions.tell(keeper.process.emit, each)
    return service.refuse(request, caller, endpoint, 200, {"approvals": [shown(each) for each in found]})


async def _decide(
    service: Service, request: Request, caller: Caller, endpoint: Endpoint, principal: dict[str, Any]
) -> bytes:
    keeper = service.runs.keeper
    if keeper is None:
        return _unavailable(service, request, caller, endpoint, "no state directory")
    try:
        decision, note = _asked(_payload(request))
    except BodyError as error:
        return service.refuse(request, caller, endpoint, 400, {"error": error.message})
    run_id = request.path[len(endpoint.route.path) :]
    by = f"{principal['kind']}:{principal['name']}"
    try:
        made = await _made(keeper, run_id, decision, by, note)
    except Refused as refused:
        status = _STATUS.get(refused.kind, 409)
        return service.refuse(request, caller, endpoint, status, {"error": refused.message})
    except StoreError as error:
        return _unavailable(service, request, caller, endpoint, error.reason)
    document = Fixed(
        run_id=run_id, node=made.node, decision=made.decision, by=by, at=instant(made.at), note=made.note
    )
    return service.refuse(request, caller, endpoint, 200, document)


async def _made(keeper: Keeper, run_id: str, decision: str, by: str, note: str | None) -> Decision:
    """The decision, committed and audited; Refused, StoreError."""
    now = now_ms()

    def decide(database: sqlite3.Connection) -> Decision:
        found = rows.load(database, run_id)
        if found is not None and found.workflow != keeper.workflow:
            raise Refused("workflow", f"no run {run_id} waits for approval")
        return decisions.decide(database, run_id, decision, by, note, now)

    made = await keeper.store.write(decide)
    decisions.tell(keeper.process.emit, made)
    if made.decision == EXPIRE:
        raise Refused("decided", decisions.already(made))
    if made.decision == REJECT:
        keeper.process.count({"workflow_failures": 1})
    keeper.wake()
    return made


def _payload(request: Request) -> Json:
    """The body, which is JSON whatever it calls itself when it looks like it: curl calls everything a form."""
    kind = None if request.body.lstrip()[:1] == b"{" else request.headers.get("content-type")
    return decode(kind, request.body, _ignored)


def _asked(payload: Json) -> tuple[str, str | None]:
    """The decision and its note; BodyError."""
    if not isinstance(payload, dict) or payload.get("decision") not in {APPROVE, REJECT}:
        raise BodyError('"decision" must be "approve" or "reject"')
    note = payload.get("note")
    if note is not None and not isinstance(note, str):
        raise BodyError('"note" must be a string')
    unknown = sorted(payload.keys() - {"decision", "note"})
    if unknown:
        raise BodyError(f"unknown members: {compact(unknown)}")
    return payload["decision"], note


def _ignored(_field: str, _filename: str, _size: int) -> None:
    """A file in a form decides nothing."""


def _unavailable(
    service: Service, request: Request, caller: Caller, endpoint: Endpoint, reason: str
) -> bytes:
    return service.refuse(
        request, caller, endpoint, 503, {"error": f"approvals cannot be looked at: {reason}"}
    )
