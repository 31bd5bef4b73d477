"""Each delivery of a route with an idempotency key runs once (spec 02 §1.3, step 8). Links the state store."""

from __future__ import annotations

import sqlite3

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.state.idempotency import Deliveries, NoKey, key_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json
    from agentdc_runtime.http.route import Route
    from agentdc_runtime.state.idempotency import Reply
    from agentdc_runtime.state.store import Store


class Guard:
    """Makes the deliveries of a service. `failure`: the status of a request whose delivery cannot be looked up."""

    __slots__ = ("_deliveries", "_failure")

    def __init__(self, store: Store, failure: int = 400) -> None:
        self._deliveries = Deliveries(store)
        self._failure = failure

    def delivery(self, route: Route, payload: Json, body: bytes, run_time: float) -> Delivery:
        """The delivery of one request, to be entered."""
        return Delivery(self._deliveries, route, payload, body, run_time, self._failure)


class Delivery:
    """A request with a key, as an asynchronous context. `refusal`: status and text; `replay`: an earlier answer.

    Without either the caller runs the workflow, and records the answer; what is not recorded is released at the end.
    """

    __slots__ = (
        "_body",
        "_deliveries",
        "_failure",
        "_key",
        "_payload",
        "_route",
        "_run_time",
        "_token",
        "refusal",
        "replay",
    )

    def __init__(
        self,
        deliveries: Deliveries,
        route: Route,
        payload: Json,
        body: bytes,
        run_time: float,
        failure: int,
    ) -> None:
        self._deliveries = deliveries
        self._failure = failure
        self._route = route
        self._payload = payload
        self._body = body
        self._run_time = run_time
        self._key = ""
        self._token = ""
        self.refusal: tuple[int, str] | None = None
        self.replay: Reply | None = None

    async def __aenter__(self) -> Delivery:
        assert self._route.key is not None
        try:
            self._key = key_of(self._route.key, self._payload, self._body)
            found = await self._deliveries.begin(self._scope, self._key, self._route.ttl, self._run_time)
        except NoKey as error:
            self.refusal = (400, str(error))
        except (sqlite3.Error, ConfigError):
            self.refusal = (self._failure, "the idempotency store is unavailable")
        else:
            if found.busy:
                self.refusal = (409, "a request with this idempotency key is in flight")
            self.replay = found.reply
            self._token = found.token
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._token:
            try:
                await self._deliveries.release(self._scope, self._key, self._token)
            except (sqlite3.Error, ConfigError):
                return  # the row is taken over when it is old, or this process gone

    async def record(self, status: int, content_type: str, body: bytes) -> None:
        """Keep the answer, before the caller gets it; a store that fails degrades to at-least-once."""
        try:
            reply = (status, content_type, body)
            await self._deliveries.finish(self._scope, self._key, self._token, self._route.ttl, reply)
        except (sqlite3.Error, ConfigError):
            return
        self._token = ""

    @property
    def _scope(self) -> str:
        return f"{self._route.method}|{self._route.path}"
