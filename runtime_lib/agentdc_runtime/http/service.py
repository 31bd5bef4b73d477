"""From a request to the bytes of its answer, in the order of checks of spec 02 §1.3. Links asyncio.

Theory of operation. `answer` does as much as it can at once and returns bytes. Where something must be awaited (a
secret that a command prints, an idempotency row, a node that does I/O) it returns a coroutine for the rest, which
the connection runs as a task; a pure workflow without such a detour never makes one. Sockets, timers and TLS are
the connection's; this module sees requests and returns text. Parts that only some apps have (auth, schemas, CORS,
idempotency, streams) come in with the routes, and are not imported here.
"""

from __future__ import annotations

from time import monotonic, time

from agentdc_runtime.errors import AgentError
from agentdc_runtime.http import reply, traceparent
from agentdc_runtime.http.body import BodyError, decode
from agentdc_runtime.http.trigger import with_principal
from agentdc_runtime.jsontext import compact
from agentdc_runtime.observe.log import AUDIT, ERROR, INFO, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from typing import Any, Protocol, TypeAlias

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.core.run import Ending, Json, Program, Run
    from agentdc_runtime.http.route import Endpoint, Table
    from agentdc_runtime.http.runs import Runs
    from agentdc_runtime.http.wire import Request
    from agentdc_runtime.observe.log import Fields, Log, Spans

    Principal: TypeAlias = dict[str, Any]
    Answer: TypeAlias = "bytes | Coroutine[Any, Any, bytes]"
    BuiltIn: TypeAlias = Callable[[], tuple[int, str, bytes]]
    Extra: TypeAlias = tuple[tuple[str, str], ...]

    class Caller(Protocol):
        """The connection of a request, as far as answers depend on it.

        `peer`: the identity of its certificate. `keep`: set with each answer, whether the connection stays open.
        """

        table: Table
        peer: Any
        keep: bool

        def keeps(self, request: Request) -> bool:
            """Whether the connection may stay open after the answer to this request."""
            ...

        @property
        def stuck(self) -> bool:
            """Whether the peer does not read."""
            ...

        def write(self, data: bytes) -> None:
            """Send a part of an answer that comes in parts."""
            ...


ANONYMOUS: Principal = {"kind": "anonymous", "name": ""}
JSON = "application/json"
RETRY: Extra = (("Retry-After", "1"),)  # with every 503
UNMATCHED = "other"  # the route label of requests that no route answers


class Service:
    """Answers requests.

    `runs`: makes and walks the runs. `built_in`: path to what `GET` answers there. `guard`: the idempotency store,
    None when no route has a key. `opaque`: a 500 names the run instead of telling what went wrong. `date`: gives the
    `Date` of an answer.
    """

    __slots__ = ("built_in", "date", "figures", "guard", "log", "opaque", "process", "program", "runs")

    def __init__(
        self,
        program: Program,
        process: Process,
        log: Log,
        runs: Runs,
        *,
        built_in: Mapping[str, BuiltIn],
        guard: Any,
        opaque: bool = False,
        date: Callable[[], Extra] | None = None,
    ) -> None:
        self.program = program
        self.process = process
        self.log = log
        self.runs = runs
        self.built_in = built_in
        self.guard = guard
        self.figures = runs.figures
        self.opaque = opaque
        self.date = date

    def answer(self, request: Request, caller: Caller) -> Answer:
        """The answer, or the coroutine that ends with it."""
        if request.path in self.built_in and request.method in {"GET", "HEAD"}:
            status, kind, body = self.built_in[request.path]()
            return self._reply(request, caller, None, status, kind, body, label=request.path)
        methods = caller.table.find(request.path)
        if methods is None:
            return self.refuse(request, caller, None, 404, {"error": "Not Found", "path": request.path})
        endpoint = methods.get(request.method.upper())
        if endpoint is None:
            return self._no_method(request, caller, methods)
        if endpoint.bucket is not None:
            wait = endpoint.bucket.take(monotonic())
            if wait:
                return self._limited(request, caller, endpoint, wait)
        auth = endpoint.auth
        if auth is None:
            return self._accepted(request, caller, endpoint, self._principal(ANONYMOUS, caller))
        if auth.secret is None:
            return self._checked(request, caller, endpoint, None)
        assert self.process.secrets is not None
        known, text = self.process.secrets.at_once(auth.secret)
        if known:
            return self._checked(request, caller, endpoint, text)
        return self._checked_later(request, caller, endpoint)

    def failed(self, request: Request, caller: Caller, error: BaseException) -> bytes:
        """The answer when this code itself went wrong: nothing of it is shown to the caller (spec 02 §1.7)."""
        reason = f"{type(error).__name__}: {error}"
        self.log.emit(ERROR, AUDIT, "http.internal_error", {"path": request.path, "reason": reason})
        return self.refuse(request, caller, None, 500, {"error": "internal error"}, close=True)

    def dated(self) -> Extra:
        """The `Date` of an answer, in apps that send one."""
        return () if self.date is None else self.date()

    def refuse(
        self,
        request: Request,
        caller: Caller,
        endpoint: Endpoint | None,
        status: int,
        document: dict[str, Json],
        extra: Extra = (),
        *,
        close: bool = False,
    ) -> bytes:
        """An answer that no run made: a JSON object."""
        body = compact(document).encode()
        return self._reply(request, caller, endpoint, status, JSON, body, extra, close=close)

    # The stages behind the route, in order.

    def _checked(self, request: Request, caller: Caller, endpoint: Endpoint, secret: str | None) -> Answer:
        """Ask the binding of the route who this is."""
        auth = endpoint.auth
        verdict = auth.check(request.headers, request.body, secret, caller.peer, time())
        if isinstance(verdict, dict):
            return self._known(request, caller, endpoint, verdict)
        if verdict.renew is not None:
            return self._checked_again(request, caller, endpoint, verdict.renew)
        return self._denied(request, caller, endpoint, verdict.detail)

    async def _checked_later(self, request: Request, caller: Caller, endpoint: Endpoint) -> bytes:
        """As `_checked`, when the secret must be fetched first; one that cannot be had denies."""
        assert self.process.secrets is not None
        try:
            secret: str | None = await self.process.secrets.resolve(endpoint.auth.secret)
        except AgentError:
            secret = None
        return await _result(self._checked(request, caller, endpoint, secret))

    async def _checked_again(
        self, request: Request, caller: Caller, endpoint: Endpoint, renew: Callable[[], Awaitable[None]]
    ) -> bytes:
        """Once more, after the binding has looked for newer keys."""
        await renew()
        verdict = endpoint.auth.check(request.headers, request.body, None, caller.peer, time())
        if isinstance(verdict, dict):
            return await _result(self._known(request, caller, endpoint, verdict))
        return self._denied(request, caller, endpoint, verdict.detail)

    def _known(self, request: Request, caller: Caller, endpoint: Endpoint, principal: Principal) -> Answer:
        if self.log.wants(AUDIT, INFO):
            fields = {"method": request.method, "path": request.path}
            self.log.emit(INFO, AUDIT, "http.auth_allowed", {**fields, **_named(principal)})
        return self._accepted(request, caller, endpoint, self._principal(principal, caller))

    def _accepted(self, request: Request, caller: Caller, endpoint: Endpoint, principal: Principal) -> Answer:
        """Read the body, and run."""
        route = endpoint.route
        if route.handle is not None:
            return route.handle(self, request, caller, endpoint, principal)  # type: ignore[no-any-return]
        if route.key is None and self.runs.closed is not None:
            why = self.runs.closed()
            if why is not None:
                return self._shut(request, caller, endpoint, why.reason)
        if route.websocket is not None and route.websocket.asked(request):
            return route.websocket.serve(self, request, caller, endpoint, principal)  # type: ignore[no-any-return]
        try:
            payload = decode(request.headers.get("content-type"), request.body, self._dropped)
        except BodyError as error:
            return self.refuse(request, caller, endpoint, 400, {"error": error.message})
        if route.check is not None:
            wrong = route.check(payload)
            if wrong is not None:
                wrong = f"schema validation failed: {wrong}"
                return self.refuse(request, caller, endpoint, 400, {"error": wrong})
        payload = with_principal(payload, principal)
        if route.key is not None:
            return self._guarded(request, caller, endpoint, payload, principal)
        run = self.new_run(request, payload, principal, endpoint)
        if route.stream is not None and route.stream.asked(request):
            return route.stream.serve(self, request, caller, endpoint, run)  # type: ignore[no-any-return]
        if self.runs.walk is not None:
            return self._walked(request, caller, endpoint, run)
        ending = self.runs.at_once(run, endpoint.block)
        if ending.status == "paused":
            return self._paused(request, caller, endpoint, ending, run)
        return self._outcome(request, caller, endpoint, ending, run)

    async def _walked(self, request: Request, caller: Caller, endpoint: Endpoint, run: Run) -> bytes:
        ending = await self.walk_run(run, endpoint)
        if ending is None:
            return self._busy(request, caller, endpoint)
        return self._outcome(request, caller, endpoint, ending, run)

    async def _paused(
        self, request: Request, caller: Caller, endpoint: Endpoint, ending: Ending, run: Run
    ) -> bytes:
        return self._outcome(request, caller, endpoint, await self.runs.kept(run, ending), run)

    async def _guarded(
        self, request: Request, caller: Caller, endpoint: Endpoint, payload: Json, principal: Principal
    ) -> bytes:
        """Run unless this delivery has been answered before (spec 02 §3.2)."""
        route = endpoint.route
        if self.guard is None:
            missing = "idempotency needs a state directory (--state-dir)"
            return self.refuse(request, caller, endpoint, 400, {"error": missing})
        runs, new_id = self.runs, self.process.next_run_id
        async with self.guard.delivery(route, payload, request.body, runs.run_time, new_id) as delivery:
            if delivery.refusal is not None:
                status, text, later = delivery.refusal
                extra: Extra = () if later is None else (("Retry-After", str(later)),)
                return self.refuse(request, caller, endpoint, status, {"error": text}, extra)
            if delivery.replay is not None:
                status, kind, body = delivery.replay
                extra = (("X-Agentd-Idempotent-Replay", "true"),)
                return self._reply(request, caller, endpoint, status, kind, body, extra)
            if delivery.interrupted is not None:
                return await self._continued(request, caller, endpoint, delivery.interrupted)
            run = self.new_run(request, payload, principal, endpoint, delivery.run_id)
            run.delivery = delivery.link
            ending = await self.walk_run(run, endpoint)
            if ending is None:
                return self._busy(request, caller, endpoint)
            delivery.ended(run)
            return self._outcome(request, caller, endpoint, ending, run)

    async def _continued(self, request: Request, caller: Caller, endpoint: Endpoint, run_id: str) -> bytes:
        """The answer of a run that another process began for this delivery, and that goes on here."""
        found = await self.runs.go_on(run_id)
        if found is None:
            text = f"the run {run_id} of this idempotency key was interrupted, and cannot go on here"
            return self.refuse(request, caller, endpoint, 409, {"error": text})
        run, ending = found
        return self._outcome(request, caller, endpoint, ending, run)

    # Runs.

    def new_run(
        self,
        request: Request,
        payload: Json,
        principal: Principal,
        endpoint: Endpoint,
        run_id: str | None = None,
    ) -> Run:
        """The run that this request starts, with its journal."""
        header = request.headers.get("traceparent")
        context = None if header is None else traceparent.parse(header)
        run = self.runs.new("http", payload, endpoint.route.start, lambda: span(request, context), run_id)
        if not isinstance(payload, dict):
            run.outputs["trigger"]["principal"] = principal
        if context is not None:
            run.traceparent = traceparent.outgoing(context)
        return run

    async def walk_run(self, run: Run, endpoint: Endpoint) -> Ending | None:
        """Run in its turn; None when no turn came within the time of a run."""
        return await self.runs.in_turn(run, endpoint.block)

    def outcome(self, ending: Ending, run: Run) -> tuple[int, str, bytes]:
        """Status, content type and body for whoever started the run, however they follow it."""
        if ending.error is not None and self.opaque:
            return 500, JSON, compact({"error": "internal error", "run_id": run.id}).encode()
        return reply.outcome_reply(ending, run)

    # Answers.

    def plain(
        self, request: Request, caller: Caller, endpoint: Endpoint, status: int, kind: str, body: bytes
    ) -> bytes:
        """An answer as it is given."""
        return self._reply(request, caller, endpoint, status, kind, body)

    def _outcome(
        self, request: Request, caller: Caller, endpoint: Endpoint, ending: Ending, run: Run
    ) -> bytes:
        status, kind, body = self.outcome(ending, run)
        error = ending.error is not None
        return self._reply(request, caller, endpoint, status, kind, body, close=error)

    def _reply(
        self,
        request: Request,
        caller: Caller,
        endpoint: Endpoint | None,
        status: int,
        kind: str,
        body: bytes,
        extra: Extra = (),
        *,
        close: bool = False,
        label: str = UNMATCHED,
    ) -> bytes:
        if endpoint is not None:
            label = endpoint.label
            if endpoint.route.cors is not None:
                extra = (*extra, *endpoint.route.cors.headers(request))
        self.figures.requests.count(label, status)
        extra = extra if self.date is None else (*extra, *self.date())
        caller.keep = not close and status >= 200 and caller.keeps(request)
        return reply.head_and_body(status, kind, body, caller.keep, extra, request.method == "HEAD")

    def _no_method(self, request: Request, caller: Caller, methods: Mapping[str, Endpoint]) -> bytes:
        if request.method == "OPTIONS":
            asked = request.headers.get("access-control-request-method", "").upper()
            endpoint = methods.get(asked)
            if endpoint is not None and endpoint.route.cors is not None:
                extra = endpoint.route.cors.preflight(request, endpoint.route.method.upper())
                self.figures.requests.count(endpoint.label, 204)
                caller.keep = caller.keeps(request)
                return reply.head_and_body(204, JSON, b"", caller.keep, (*extra, *self.dated()), False)
        allow = (("Allow", ", ".join(sorted(methods))),)
        document = {"error": "Method Not Allowed", "path": request.path}
        return self.refuse(request, caller, None, 405, document, allow)

    def _limited(self, request: Request, caller: Caller, endpoint: Endpoint, wait_ms: int) -> bytes:
        fields: Fields = {"method": request.method, "path": request.path, "retry_after_ms": wait_ms}
        self.log.emit(WARN, AUDIT, "http.rate_limited", fields)
        seconds = str(max(1, -(-wait_ms // 1000)))
        document = {"error": "rate limited", "retry_after_ms": wait_ms}
        return self.refuse(request, caller, endpoint, 429, document, (("Retry-After", seconds),))

    def _denied(self, request: Request, caller: Caller, endpoint: Endpoint, detail: str) -> bytes:
        fields = {"method": request.method, "path": request.path, "reason": detail}
        self.log.emit(WARN, AUDIT, "http.auth_denied", fields)
        challenge = endpoint.auth.challenge(self.program.name)
        extra = () if challenge is None else (("WWW-Authenticate", challenge),)
        document = {"error": "unauthorized", "detail": detail}
        return self.refuse(request, caller, endpoint, 401, document, extra)

    def _busy(self, request: Request, caller: Caller, endpoint: Endpoint) -> bytes:
        document = {"error": "too many runs in flight"}
        return self.refuse(request, caller, endpoint, 503, document, RETRY)

    def _shut(self, request: Request, caller: Caller, endpoint: Endpoint, reason: str) -> bytes:
        """No run begins, because the state store could not keep it (spec 04 §4.4)."""
        return self.refuse(request, caller, endpoint, 503, {"error": reason}, (("Retry-After", "30"),))

    def _principal(self, principal: Principal, caller: Caller) -> Principal:
        """With the identity of the connection's certificate, whatever the kind (spec 02 §2.3)."""
        return principal if caller.peer is None else caller.peer.added_to(principal)

    def _dropped(self, field: str, filename: str, size: int) -> None:
        fields: Fields = {"field": field, "filename": filename, "bytes": size}
        self.log.emit(INFO, AUDIT, "http.multipart_file_dropped", fields)


async def _result(answer: Answer) -> bytes:
    return answer if isinstance(answer, bytes) else await answer


def _named(principal: Principal) -> dict[str, str]:
    return {"kind": principal["kind"], "name": principal["name"]}


def span(request: Request, context: Any) -> Spans:
    """The span of a request (spec 03 §2.4)."""
    trace_id, parent_id, flags = ("", "", "") if context is None else context[1:]
    sampled = bool(flags) and bool(int(flags, 16) & 1)
    fields = {
        "method": request.method,
        "path": request.path,
        "trace_id": trace_id,
        "parent_id": parent_id,
        "trace_flags": flags,
        "sampled": sampled,
    }
    return (("http.request", fields),)
