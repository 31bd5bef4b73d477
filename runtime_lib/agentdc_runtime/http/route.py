"""The route table of an app: what was fixed at build, joined with what operands say. Imports nothing but errors.

`Route` is the compiled half, and generated code writes it out. `Table` is one generation of both halves: a
connection keeps the table that it was accepted with, and a reload makes a new one.
"""

from __future__ import annotations

from agentdc_runtime.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from agentdc_runtime.core.run import Block, Program
    from agentdc_runtime.http.rate import Bucket

    Settings = Mapping[str, Any]


class Route:
    """One method and path, as compiled.

    `start`: name of the start node. `check`: what is wrong with a payload by the input schema, or None. `key`: where
    the idempotency key comes from; `ttl`: seconds that an answer is remembered. The parts of the runtime that only
    some routes have: `cors` answers pages of other origins, `stream` and `websocket` let a caller follow the run.
    `handle`: answers instead of a run.
    """

    __slots__ = ("check", "cors", "handle", "key", "method", "path", "start", "stream", "ttl", "websocket")

    def __init__(
        self,
        *,
        method: str,
        path: str,
        start: str,
        check: Callable[[Any], str | None] | None = None,
        key: str | None = None,
        ttl: int = 86400,
        cors: Any = None,
        stream: Any = None,
        websocket: Any = None,
        handle: Any = None,
    ) -> None:
        self.method = method
        self.path = path
        self.start = start
        self.check = check
        self.key = key
        self.ttl = ttl
        self.cors = cors
        self.stream = stream
        self.websocket = websocket
        self.handle = handle


class Endpoint:
    """A route in force. `auth`: the binding to ask, None for everyone. `label`: of its metrics."""

    __slots__ = ("auth", "block", "bucket", "label", "route")

    def __init__(self, route: Route, block: Block | None, auth: Any, bucket: Bucket | None) -> None:
        self.route = route
        self.block: Block = block  # type: ignore[assignment] # none where no run begins, and nobody asks
        self.auth = auth
        self.bucket = bucket
        self.label = f"{route.method.upper()} {route.path}"


class Table:
    """All routes of one generation: path to upper-case method to endpoint. `bindings`: by kind and name.

    `below`: a path whose end is data, None when there is none.
    """

    __slots__ = ("below", "bindings", "paths")

    def __init__(
        self, endpoints: list[Endpoint], bindings: Mapping[tuple[str, str], Any], below: str | None = None
    ) -> None:
        self.bindings = bindings
        self.below = below
        self.paths: dict[str, dict[str, Endpoint]] = {}
        for each in endpoints:
            self.paths.setdefault(each.route.path, {})[each.route.method.upper()] = each

    def find(self, path: str) -> dict[str, Endpoint] | None:
        """What answers on a path, by method."""
        methods = self.paths.get(path)
        if methods is None and self.below is not None and path.startswith(self.below):
            return self.paths[self.below]
        return methods

    @property
    def endpoints(self) -> list[Endpoint]:
        """Every endpoint, by path in the order of the file."""
        return [each for methods in self.paths.values() for each in methods.values()]


class Linked:
    """The parts that tables are made of.

    `auth`: kind to a function from (name, settings) to a binding. `reference`: reads `KIND:NAME`; None when the app
    was built without auth. `bucket`: makes one from capacity and refill; None when no route is limited. `approvals`:
    the routes of that surface.
    """

    __slots__ = ("approvals", "auth", "bucket", "program", "reference", "routes")

    def __init__(
        self,
        program: Program,
        routes: tuple[Route, ...],
        auth: Mapping[str, Callable[[str, Settings], Any]],
        reference: Callable[[str | None], tuple[str, str] | None] | None,
        bucket: Callable[[int, float], Bucket] | None,
        approvals: tuple[Route, ...] = (),
    ) -> None:
        self.program = program
        self.routes = routes
        self.auth = auth
        self.reference = reference
        self.bucket = bucket
        self.approvals = approvals

    def table(self, auth: Settings, routes: list[Settings], approvals_auth: str | None = None) -> Table:
        """The table that these operands make. ConfigError names the route or the binding that is wrong."""
        said = {(each["method"], each["path"]): each for each in routes}
        bindings = self._bindings(auth)
        endpoints = []
        for route in self.routes:
            operand = said.get((route.method, route.path), {})
            where = f"route {route.method} {route.path}"
            endpoints.append(
                Endpoint(
                    route,
                    self.program.starts[route.start][1],
                    self._auth(operand.get("auth"), bindings, where),
                    self._bucket(operand.get("rate_limit"), where),
                )
            )
        if not self.approvals:
            return Table(endpoints, bindings)
        who = self._auth(approvals_auth, bindings, "[server] approvals_auth")
        if who is None:
            raise ConfigError("[server] approvals_auth: approvals need a binding that says who decides")
        endpoints += [Endpoint(route, None, who, None) for route in self.approvals]
        return Table(endpoints, bindings, self.approvals[-1].path)

    def _bindings(self, auth: Settings) -> dict[tuple[str, str], Any]:
        found = {
            (kind, name): self._binding(kind, name, settings)
            for kind, named in auth.items()
            for name, settings in named.items()
        }
        if "mtls" in self.auth:
            found["mtls", "default"] = self.auth["mtls"]("default", {})
        return found

    def _binding(self, kind: str, name: str, settings: Settings) -> Any:
        make = self.auth.get(kind)
        if make is None:
            raise ConfigError(f"auth.{kind}.{name}: this app was built without {kind} authentication")
        return make(name, settings)

    def _auth(self, text: str | None, bindings: Mapping[tuple[str, str], Any], where: str) -> Any:
        if self.reference is None:
            if text is not None and text.strip().lower() not in {"", "none"}:
                raise ConfigError(f"{where}: this app was built without authentication")
            return None
        found = self.reference(text)
        if found is None:
            return None
        if found not in bindings:
            kind, name = found
            raise ConfigError(f"{where}: auth names {kind}:{name}, and there is no [auth.{kind}.{name}]")
        return bindings[found]

    def _bucket(self, limit: Settings | None, where: str) -> Bucket | None:
        if limit is None:
            return None
        if self.bucket is None:
            raise ConfigError(f"{where}: this app was built without rate limits")
        capacity, per_second = limit["capacity"], limit["per_second"]
        if not (capacity > 0 and 0 < per_second < float("inf")):
            raise ConfigError(f"{where}: rate_limit needs a capacity and a per_second above 0")
        return self.bucket(capacity, per_second)
