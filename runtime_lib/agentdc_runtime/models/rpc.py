"""agentd's JSON-RPC to a model on the command line: the backend `default` (spec 03 §6.4).

Over a Unix socket, framed by a length, or over HTTP or HTTPS. Links asyncio when a call is made over a socket, the
HTTP client when one is made over HTTP.
"""

from __future__ import annotations

from agentdc_runtime.errors import IntelligenceError
from agentdc_runtime.jsontext import JsonError, compact, loads
from agentdc_runtime.models.message import Malformed, ModelFailed, Reply, count, member, word
from agentdc_runtime.net.url import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.models.message import Json, Request
    from agentdc_runtime.net.http_client import Client

MOST_FRAME = 16 << 20
MOST_BODY = 4 << 20
SYSTEM = "agentd"


class OnSocket:
    """The model behind `--intel-unix`."""

    __slots__ = ("_number", "_path")

    name = provider = "default"
    model = "fast"
    system = SYSTEM
    timeout = None

    def __init__(self, path: str) -> None:
        self._path = path
        self._number = 0

    @property
    def endpoint(self) -> str:
        """Where requests go."""
        return f"unix:{self._path}"

    def rendered(self, request: Request) -> bytes:
        """The parameters of a call."""
        return parameters(request)

    async def ask(self, body: bytes, seconds: float) -> Reply:
        """One exchange of at most so many seconds."""
        self._number += 1
        try:
            return opened(await over_socket(self._path, envelope(body, self._number), seconds))
        except Malformed as error:
            raise ModelFailed(error.reason, passing=True) from None


class OverHttp:
    """The model behind `--intel-http`. `bearer`: the token now, or an empty text. `client`: makes the client."""

    __slots__ = ("_bearer", "_client", "_number", "_url")

    name = provider = "default"
    model = "fast"
    system = SYSTEM
    timeout = None

    def __init__(self, url: str, bearer: Callable[[], str], client: Callable[[], Client]) -> None:
        self._url = parse(url)
        self._bearer = bearer
        self._client = client
        self._number = 0

    @property
    def endpoint(self) -> str:
        """Where requests go."""
        return f"{self._url.scheme}://{self._url.authority}{self._url.target}"

    def rendered(self, request: Request) -> bytes:
        """The parameters of a call."""
        return parameters(request)

    async def ask(self, body: bytes, seconds: float) -> Reply:
        """One exchange of at most so many seconds."""
        from agentdc_runtime.net.http_client import ExchangeFailed, Limits

        self._number += 1
        token = self._bearer()
        headers = [("Connection", "close"), *([("Authorization", f"Bearer {token}")] if token else [])]
        limits = Limits(seconds, seconds, seconds, seconds)
        message = envelope(body, self._number)
        try:
            answer = await self._client().send("POST", self._url, message, headers, limits)
        except ExchangeFailed as error:
            raise ModelFailed(error.reason, passing=True) from None
        if not 200 <= answer.status <= 299:
            raise ModelFailed(f"upstream returned HTTP {answer.status}", passing=answer.status >= 500)
        if answer.truncated or len(answer.body) > MOST_BODY:
            raise ModelFailed(f"an answer of more than {MOST_BODY} bytes")
        try:
            return opened(answer.body)
        except Malformed as error:
            raise ModelFailed(error.reason, passing=True) from None


def parameters(request: Request) -> bytes:
    """What is asked, as JSON text."""
    params: dict[str, Json] = {
        "model": request.model,
        "messages": [{"role": each["role"], "content": each["content"]} for each in request.messages],
    }
    if request.max_tokens is not None:
        params["max_tokens"] = request.max_tokens
    if request.temperature is not None:
        params["temperature"] = request.temperature
    return compact(params).encode()


def envelope(params: bytes, number: int) -> bytes:
    """The message that carries what is asked."""
    return b'{"jsonrpc":"2.0","id":%d,"method":"complete","params":%s}' % (number, params)


def opened(text: bytes) -> Reply:
    """The answer in an envelope; ModelFailed for an error, Malformed for what is no envelope."""
    try:
        answer = loads(text.decode())
    except (JsonError, UnicodeDecodeError) as error:
        raise Malformed(f"response is not JSON: {_reason(error)}") from None
    number = member(answer, "id")
    if not isinstance(member(answer, "jsonrpc"), str) or not _is_number(number):
        raise Malformed("response is no JSON-RPC envelope")
    refusal = member(answer, "error")
    if refusal is not None:
        code, message = member(refusal, "code"), word(member(refusal, "message"))
        if not isinstance(code, int) or message is None:
            raise Malformed("response has an `error` without code and message")
        raise ModelFailed(f"backend error {code}: {message[:400]}", passing=True)
    content = word(member(answer, "result", "content"))
    if content is None:
        raise Malformed("response missing result.content")
    usage = member(answer, "result", "usage")
    return Reply(
        content,
        count(member(usage, "prompt_tokens")),
        count(member(usage, "completion_tokens")),
        stop=word(member(answer, "result", "stop_reason")),
    )


def _is_number(value: Json) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def _reason(error: JsonError | UnicodeDecodeError) -> str:
    return error.reason if isinstance(error, JsonError) else "it is not UTF-8"


async def over_socket(path: str, message: bytes, seconds: float) -> bytes:
    """Send one frame and read one; ModelFailed when that does not work, within so many seconds."""
    import asyncio

    try:
        async with asyncio.timeout(seconds):
            try:
                reader, writer = await asyncio.open_unix_connection(path, limit=1 << 16)
            except (OSError, ValueError) as error:
                raise ModelFailed(f"dial {path}: {_words(error)}", passing=True) from None
            try:
                writer.write(len(message).to_bytes(4, "little") + message)
                await writer.drain()
                size = int.from_bytes(await reader.readexactly(4), "little")
                if size > MOST_FRAME:
                    raise ModelFailed(f"{path}: a frame of {size} bytes; at most {MOST_FRAME} are read")
                return await reader.readexactly(size)
            finally:
                writer.close()
    except IntelligenceError:
        raise
    except TimeoutError:
        raise ModelFailed(f"{path}: no answer within {seconds:g} s", passing=True) from None
    except EOFError:
        raise ModelFailed(f"{path}: it closed the connection in its answer", passing=True) from None
    except OSError as error:
        raise ModelFailed(f"{path}: {_words(error)}", passing=True) from None


def _words(error: OSError | ValueError) -> str:
    from os import strerror

    return strerror(error.errno) if isinstance(error, OSError) and error.errno else "it cannot be a socket"
