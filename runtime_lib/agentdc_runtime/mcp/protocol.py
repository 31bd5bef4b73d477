"""The Model Context Protocol as messages: what to send, and what a message that came in means. Links `jsontext`.

No sockets, no processes, no clock. A `Talk` gives every request an id of its own and remembers whom the answer is
for. What comes in is one of four things, told apart by its members alone (JSON-RPC 2.0): an answer to a request of
ours; a request of the server, which gets a reply at once (`ping` an empty result, everything else an error); a
notification; or nothing that the protocol knows. An answer whose id nobody waits for is dropped: it is late, or
the server made it up.

    talk = Talk()
    number, message = talk.ask("ping", {})       # {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}
    talk.take({"jsonrpc": "2.0", "id": 1, "result": {}})    # Taken(answered=1, result={})
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Json: TypeAlias = Any
    Message: TypeAlias = dict[str, Any]

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LATEST = VERSIONS[-1]
CLIENT = "agentdc"
INITIALIZED = "notifications/initialized"
CANCELLED = "notifications/cancelled"

METHOD_NOT_FOUND = -32601
_SHOWN = 300  # characters of a server's own words that an error repeats


class RpcError(Exception):
    """What a server answered instead of a result; `code` and `message` as it gave them."""

    def __init__(self, code: Json, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NoResult(Exception):
    """An answer with neither a result nor an error."""


class Taken:
    """What a message was.

    `answered`: the id of our request that it answers, with `result` or `error`. `reply`: what to send back at once.
    `note`, `params`: the method of a notification and what it says. `garbage`: it is no message of the protocol.
    """

    __slots__ = ("answered", "error", "garbage", "note", "params", "reply", "result")

    def __init__(self) -> None:
        self.answered: int | None = None
        self.result: Json = None
        self.error: Exception | None = None
        self.reply: Message | None = None
        self.note: str | None = None
        self.params: Json = None
        self.garbage = False


class Talk:
    """One conversation, from `initialize` on; ids go up and are never used again."""

    __slots__ = ("_next", "waiting")

    def __init__(self) -> None:
        self._next = 0
        self.waiting: set[int] = set()

    def ask(self, method: str, params: Json) -> tuple[int, Message]:
        """A request and its id; the answer is waited for from now on."""
        self._next += 1
        self.waiting.add(self._next)
        return self._next, {"jsonrpc": "2.0", "id": self._next, "method": method, "params": params}

    def give_up(self, number: int) -> None:
        """Nobody waits for this answer any more."""
        self.waiting.discard(number)

    def take(self, message: Json) -> Taken:
        """What came in. A list of messages (a batch of 2025-03-26) is taken apart by the caller."""
        taken = Taken()
        if not isinstance(message, dict):
            taken.garbage = True
        elif isinstance(message.get("method"), str):
            if "id" in message:
                taken.reply = _reply(message)
            else:
                taken.note, taken.params = message["method"], message.get("params")
        elif "id" in message:
            self._settle(message, taken)
        else:
            taken.garbage = True
        return taken

    def _settle(self, message: Message, taken: Taken) -> None:
        number = message["id"]
        if not isinstance(number, int) or isinstance(number, bool) or number not in self.waiting:
            return
        self.waiting.discard(number)
        taken.answered = number
        error = message.get("error")
        if isinstance(error, dict):
            taken.error = RpcError(error.get("code"), shown(error.get("message")))
        elif "result" in message and isinstance(message["result"], dict):
            taken.result = message["result"]
        else:
            taken.error = NoResult()


def _reply(request: Message) -> Message:
    """The answer to a request of the server: it may ask whether we are there, and nothing else."""
    reply: Message = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] == "ping":
        return {**reply, "result": {}}
    return {**reply, "error": {"code": METHOD_NOT_FOUND, "message": "this client offers no such method"}}


def notification(method: str, params: Json) -> Message:
    """A message that is not answered."""
    return {"jsonrpc": "2.0", "method": method, "params": params}


def cancelled(number: int, reason: str) -> Message:
    """Tells the server that the answer is not wanted any more."""
    return notification(CANCELLED, {"requestId": number, "reason": reason})


def initialize(version: str) -> Json:
    """The parameters of the first request; `version`: of this program."""
    return {
        "protocolVersion": LATEST,
        "capabilities": {},
        "clientInfo": {"name": CLIENT, "version": version},
    }


def agreed(result: Message) -> str:
    """The protocol version that the server chose; ValueError with words when it is none of ours."""
    version = result.get("protocolVersion")
    if version in VERSIONS:
        return str(version)
    said = f"protocol version {shown(version)}" if isinstance(version, str) else "no protocol version"
    raise ValueError(f"it answers with {said}; this app speaks {', '.join(VERSIONS)}")


def shown(text: Json) -> str:
    """A server's own words as an error may repeat them: one line, not too long."""
    words = " ".join(text.split()) if isinstance(text, str) else "(no message)"
    words = "".join(each if each.isprintable() else "?" for each in words)
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
