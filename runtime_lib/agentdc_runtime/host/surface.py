"""What an app offers to the outside, as compiled: generated code writes it out. Imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any

    from agentdc_runtime.http.route import Route
    from agentdc_runtime.http.runs import Walk

MOST_RUNS = 128


class Surface:
    """Routes and triggers, and the parts of the runtime that they take.

    `walk`: runs blocks that await; `walk_kept`: of either colour, with checkpoints. `auth`, `reference`, `bucket`:
    see `route.Linked`. `tls`, `http2`: the modules of server TLS and HTTP/2. `store`, `upkeep`: the state store and
    what keeps it well; `guard`: idempotency over it; `store_failure`: the status where it fails. `approvals`: the
    routes of that surface. `openapi`: the path of the document. `date`: makes the `Date` of answers. `triggers`: each
    with a loop of its own.
    """

    __slots__ = (
        "alpn",
        "approvals",
        "auth",
        "bucket",
        "date",
        "guard",
        "http2",
        "most_connections",
        "most_runs",
        "opaque",
        "openapi",
        "readyz",
        "reference",
        "routes",
        "store",
        "store_failure",
        "tls",
        "triggers",
        "upkeep",
        "walk",
        "walk_kept",
    )

    def __init__(
        self,
        *,
        routes: tuple[Route, ...] = (),
        triggers: tuple[Any, ...] = (),
        walk: Walk | None = None,
        walk_kept: Walk | None = None,
        auth: Mapping[str, Callable[[str, Mapping[str, Any]], Any]] | None = None,
        reference: Callable[[str | None], tuple[str, str] | None] | None = None,
        bucket: Callable[[int, float], Any] | None = None,
        tls: ModuleType | None = None,
        alpn: tuple[str, ...] = (),
        http2: ModuleType | None = None,
        store: Any = None,
        upkeep: Callable[..., Any] | None = None,
        guard: Callable[..., Any] | None = None,
        approvals: tuple[Route, ...] = (),
        store_failure: int = 400,
        openapi: str | None = None,
        date: Callable[[], tuple[tuple[str, str], ...]] | None = None,
        readyz: bool = False,
        opaque: bool = False,
        most_connections: int | None = None,
        most_runs: int = MOST_RUNS,
    ) -> None:
        self.routes = routes
        self.triggers = triggers
        self.walk = walk
        self.walk_kept = walk_kept
        self.auth = auth or {}
        self.reference = reference
        self.bucket = bucket
        self.tls = tls
        self.alpn = alpn
        self.http2 = http2
        self.store = store
        self.upkeep = upkeep
        self.guard = guard
        self.approvals = approvals
        self.store_failure = store_failure
        self.openapi = openapi
        self.date = date
        self.readyz = readyz
        self.opaque = opaque
        self.most_connections = most_connections
        self.most_runs = most_runs
