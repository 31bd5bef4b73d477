"""agentd's JSON-RPC to a model on the command line: the backend `default` (spec 03 §6.4).

Over a Unix socket, framed by a length, or over HTTP. Links asyncio when a call is made over a socket.
"""

from __future__ import annotations

from agentdc_runtime.errors import IntelligenceError
from agentdc_runtime.jsontext import JsonError, compact, loads
from agentdc_runtime.models.message import Malformed, ModelFailed, Reply, count, member, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.models.message import Json, Request

MOST_FRAME = 16 << 20
MOST_BODY = 4 << 20
SYSTEM = "agentd"


def envelope(request: Request, number: int) -> bytes:
    """The request as JSON text."""
    params: dict[str, Json] = {
        "model": request.model,
        "messages": [{"role": each["role"], "content": each["content"]} for each in request.messages],
    }
    if request.max_tokens is not None:
        params["max_tokens"] = request.max_tokens
    if request.temperature is not None:
        params["temperature"] = request.temperature
    return compact({"jsonrpc": "2.0", "id": number, "method": "complete", "params": params}).encode()


def opened(text: bytes) -> Reply:
    """The answer in an envelope; ModelFailed for an error, Malformed for what is no envelope."""
    try:
        answer = loads(text.decode())
    except (JsonError, UnicodeDecodeError) as error:
        raise Malformed(f"response is not JSON: {_reason(error)}") from None
    number = member(answer, "id")
    if not isinstance(member(answer, "jsonrpc"), str) or not _is_number(number):
        raise Malformed("response is no JSON-RPC envelope")
    error = member(answer, "error")
    if error is not None:
        code, message = member(error, "code"), word(member(error, "message"))
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
