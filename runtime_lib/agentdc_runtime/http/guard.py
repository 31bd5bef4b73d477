"""Each delivery of a route with an idempotency key runs once (spec 02 §1.3, step 8). Links the state store."""

from __future__ import annotations

import sqlite3

from agentdc_runtime.state.fault import StoreError
from agentdc_runtime.state.idempotency import Deliveries, Link, NoKey, key_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Json, Run
    from agentdc_runtime.http.route import Route
    from agentdc_runtime.state.idempotency import Reply
    from agentdc_runtime.state.store import Store

SHUT_SECONDS = 30  # until a full disk or the like is worth another try
_CLOSED = frozenset({"state_full", "state_readonly", "state_corrupt"})  # no new run begins (spec 04 §4.4)


class Guard:
    """Makes the deliveries of a service. `failure`: the status of a request whose delivery cannot be looked up."""

    __slots__ = ("_deliveries", "_failure")

    def __init__(self, store: Store, failure: int = 400) -> None:
        self._deliveries = Deliveries(store)
        self._failure = failure

    def delivery(
        self, route: Route, payload: Json, body: bytes, run_time: float, new_id: Callable[[], str]
    ) -> Delivery:
        """The delivery of one request, to be entered."""
        return Delivery(self._deliveries, route, payload, body, run_time, new_id, self._failure)


class Delivery:
    """A request with a key, as an asynchronous context.

    `refusal`: status, text, and when to come back in seconds; `replay`: an earlier answer; `interrupted`: the run
    that goes on with it. Without any of them the caller runs the workflow, with `run_id` and `link`; its end records
    the answer (`state.keeper`), and what never came to an end is released.
    """

    __slots__ = (
        "_body",
        "_deliveries",
        "_failure",
        "_new_id",
        "_payload",
        "_route",
        "_run_time",
        "interrupted",
        "link",
        "refusal",
        "replay",
        "run_id",
    )

    def __init__(
        self,
        deliveries: Deliveries,
        route: Route,
        payload: Json,
        body: bytes,
        run_time: float,
        new_id: Callable[[], str],
        failure: int,
    ) -> None:
        self._deliveries = deliveries
        self._failure = failure
        self._route = route
        self._payload = payload
        self._body = body
        self._run_time = run_time
        self._new_id = new_id
        self.run_id = ""
        self.link: Link | None = None
        self.refusal: tuple[int, str, int | None] | None = None
        self.replay: Reply | None = None
        self.interrupted: str | None = None

    async def __aenter__(self) -> Delivery:
        route = self._route
        assert route.key is not None
        try:
            key = key_of(route.key, self._payload, self._body)
            link = Link(f"{route.method}|{route.path}", key, route.ttl)
            found = await self._deliveries.begin(link, self._run_time, self._new_id)
        except NoKey as error:
            self.refusal = (400, str(error), None)
        except (StoreError, sqlite3.Error) as error:
            if isinstance(error, StoreError) and error.code in _CLOSED:
                self.refusal = (503, error.reason, SHUT_SECONDS)
            else:
                later = 1 if self._failure == 503 else None
                self.refusal = (self._failure, "the idempotency store is unavailable", later)
        else:
            if found.busy:
                self.refusal = (409, "a request with this idempotency key is in flight", None)
            self.replay = found.reply
            self.interrupted = found.interrupted
            self.run_id = found.run_id
            self.link = link if found.run_id else None
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.link is not None:
            try:
                await self._deliveries.release(self.link, self.run_id)
            except StoreError:
                return  # the row is taken over when it is old, or this process gone

    def ended(self, run: Run) -> None:
        """The run has ended; nothing is left to release if its end was committed."""
        self.link = run.delivery
