"""Server-Sent Events of a run (extension): what a caller with `Accept: text/event-stream` gets. Links asyncio.

One `started` event with the run's id, one `node` event per node, one `outcome` event with the status and the body
that a plain caller would have got; then the connection closes. A comment line every `BEAT` seconds keeps proxies from
giving up. A caller that does not read is not waited for: its events are dropped, and the run goes on.
"""

from __future__ import annotations

import asyncio

from agentdc_runtime.http import reply
from agentdc_runtime.http.progress import followed
from agentdc_runtime.jsontext import compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Run
    from agentdc_runtime.http.route import Endpoint
    from agentdc_runtime.http.service import Caller, Service
    from agentdc_runtime.http.wire import Request

BEAT = 15.0  # seconds
MEDIA_TYPE = "text/event-stream"


def asked(request: Request) -> bool:
    """Whether the caller wants events rather than one answer."""
    accepted = request.headers.get("accept", "")
    return any(each.partition(";")[0].strip().lower() == MEDIA_TYPE for each in accepted.split(","))


async def serve(service: Service, request: Request, caller: Caller, endpoint: Endpoint, run: Run) -> bytes:
    """Send the events as they come; the last ones are the answer."""

    def tell(event: str, data: str) -> None:
        if not caller.stuck:
            caller.write(_event(event, data))

    caller.keep = False
    cors = () if endpoint.route.cors is None else endpoint.route.cors.headers(request)
    service.figures.requests.count(endpoint.label, 200)
    headers = (("Cache-Control", "no-store"), *cors, *service.dated())
    caller.write(reply.stream_head(200, MEDIA_TYPE, headers))
    tell("started", compact({"run_id": run.id}))
    followed(run, tell)
    beat = asyncio.get_running_loop().create_task(_beat(caller))
    try:
        ending = await service.walk_run(run, endpoint)
    finally:
        beat.cancel()
    if ending is None:
        return _event("outcome", compact({"status_code": 503, "body": {"error": "too many runs in flight"}}))
    status, kind, body = service.outcome(ending, run)
    document = {"status_code": status, "content_type": kind, "body": body.decode("utf-8", "replace")}
    return _event("outcome", compact(document))


async def _beat(caller: Caller) -> None:
    while True:
        await asyncio.sleep(BEAT)
        if not caller.stuck:
            caller.write(b": \n\n")


def _event(name: str, data: str) -> bytes:
    # JSON in compact form has no line breaks, so one data line is enough (HTML standard, "Server-sent events").
    return f"event: {name}\ndata: {data}\n\n".encode()
