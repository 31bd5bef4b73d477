"""An app as an MCP server: its start nodes as tools (`[mcp_serve]`). Links `jsontext` and the words of the protocol.

One message in, at most one out, whatever carries them: nothing is kept between messages but the runs in flight. A
run that completes gives its final value, as text and, where it is an object, as structured content; a run that
fails, errs or is late is a result with `isError`. What a tool takes is checked before a run begins.
"""

from __future__ import annotations

from agentdc_runtime.errors import AgentError
from agentdc_runtime.jsontext import compact
from agentdc_runtime.mcp.protocol import LATEST, METHOD_NOT_FOUND, VERSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeAlias

    from agentdc_runtime.core.run import Ending, Run

    Json: TypeAlias = Any
    Message: TypeAlias = dict[str, Any]
    # Walks a run: given the name of the start node and the input; None when no turn came in time.
    Walked: TypeAlias = Callable[[str, Json, "Watch"], Awaitable["tuple[Ending, Run] | None"]]
    Watch: TypeAlias = Callable[[Run], None]

INVALID_REQUEST, INVALID_PARAMS, INTERNAL = -32600, -32602, -32603
_STOPPED = 15  # the signal that a cancelled run is told


class Offer:
    """One tool. `start`: the start node. `schema`: of what it takes; `check`: what is wrong with a value, or None.

    `output`: the schema of what it gives, None when nothing is known. `wrapped`: the final value is no object, and so
    is given as the member `result` of one.
    """

    __slots__ = ("check", "description", "output", "schema", "start", "wrapped")

    def __init__(
        self,
        *,
        start: str,
        description: str,
        schema: dict[str, Json],
        check: Callable[[Json], str | None] | None = None,
        output: dict[str, Json] | None = None,
        wrapped: bool = False,
    ) -> None:
        self.start = start
        self.description = description
        self.schema = schema
        self.check = check
        self.output = output
        self.wrapped = wrapped

    def described(self, *, output: bool) -> dict[str, Json]:
        """The tool as a list shows it. `output`: with what it gives; a dry run gives something else."""
        told: dict[str, Json] = {
            "name": self.start,
            "description": self.description,
            "inputSchema": self.schema,
        }
        return {**told, "outputSchema": self.output} if output and self.output is not None else told

    def result(self, ending: Ending, run: Run, *, opaque: bool) -> dict[str, Json]:
        """What a finished run says to whoever called the tool."""
        if ending.status != "completed":
            return {"content": [_text(_why(ending, run, opaque=opaque))], "isError": True}
        value = ending.value
        text = value if isinstance(value, str) else compact(value)
        found: dict[str, Json] = {"content": [_text(text)], "isError": False}
        if self.wrapped:
            found["structuredContent"] = {"result": value}
        elif isinstance(value, dict):
            found["structuredContent"] = value
        return found


class Offers:
    """The tools of an app. `said`: what it is for. `dry_run`, `opaque`: of its runs."""

    def __init__(
        self,
        offers: tuple[Offer, ...],
        *,
        name: str,
        version: str,
        said: str,
        dry_run: bool,
        opaque: bool,
    ) -> None:
        self._offers = {offer.start: offer for offer in offers}
        self._info = {"name": name, "version": version}
        self._said = said
        self._dry_run = dry_run
        self._opaque = opaque
        self.running: dict[Json, Run] = {}

    async def answer(self, message: Json, walked: Walked) -> Message | None:
        """The answer to one message; None to one that needs none."""
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            if (
                isinstance(message, dict)
                and "method" not in message
                and ("result" in message or "error" in message)
            ):
                return None  # an answer, and nothing was asked
            return _error(None, INVALID_REQUEST, "not a request of JSON-RPC 2.0")
        if "id" not in message:
            self._noted(message)
            return None
        number = message["id"]
        if not isinstance(number, str | int) or isinstance(number, bool):
            return _error(None, INVALID_REQUEST, "an id is a text or a whole number")
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        match message["method"]:
            case "initialize":
                return _result(number, self._initialized(params))
            case "ping":
                return _result(number, {})
            case "tools/list":
                listed = [each.described(output=not self._dry_run) for each in self._offers.values()]
                return _result(number, {"tools": listed})
            case "tools/call":
                return await self._called(number, params, walked)
        return _error(number, METHOD_NOT_FOUND, "this server offers no such method")

    def _initialized(self, params: Message) -> Message:
        wanted = params.get("protocolVersion")
        told = {
            "protocolVersion": wanted if wanted in VERSIONS else LATEST,
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": self._info,
        }
        return {**told, "instructions": self._said} if self._said else told

    async def _called(self, number: Json, params: Message, walked: Walked) -> Message | None:
        offer = self._offers.get(params["name"]) if isinstance(params.get("name"), str) else None
        if offer is None:
            return _error(number, INVALID_PARAMS, "this server has no such tool")
        given = params.get("arguments")
        given = {} if given is None else given
        if not isinstance(given, dict):
            return _error(number, INVALID_PARAMS, "arguments are an object")
        wrong = None if offer.check is None else offer.check(given)
        if wrong is not None:
            said = [_text(f"the arguments do not fit the input schema: {wrong}")]
            return _result(number, {"content": said, "isError": True})

        def watch(run: Run) -> None:
            self.running[number] = run

        try:
            ended = await walked(offer.start, given, watch)
        except AgentError as error:
            return _result(number, {"content": [_text(error.display)], "isError": True})
        finally:
            self.running.pop(number, None)
        if ended is None:
            return _result(number, {"content": [_text("too many runs in flight")], "isError": True})
        ending, run = ended
        if run.stop_signal == _STOPPED and ending.status == "stopped":
            return None  # cancelled: nobody waits for an answer
        return _result(number, offer.result(ending, run, opaque=self._opaque))

    def _noted(self, message: Message) -> None:
        """A notification: only a cancellation means something here."""
        params = message.get("params")
        if message["method"] == "notifications/cancelled" and isinstance(params, dict):
            number = params.get("requestId")
            run = self.running.get(number) if isinstance(number, str | int) else None
            if run is not None:
                run.stop(_STOPPED)


def _why(ending: Ending, run: Run, *, opaque: bool) -> str:
    if ending.error is not None:
        return f"internal error in run {run.id}" if opaque else ending.error.display
    if ending.status == "failed":
        return ending.reason or "failed"
    if ending.status == "paused":
        return f"the run {run.id} waits at the node {ending.last_node} and goes on later"
    return f"{ending.status.replace('_', ' ')} after the node {ending.last_node}"


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _result(number: Json, result: Json) -> Message:
    return {"jsonrpc": "2.0", "id": number, "result": result}


def _error(number: Json, code: int, message: str) -> Message:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}


def parse_error() -> Message:
    """The answer to what is no JSON."""
    return _error(None, -32700, "not JSON")
