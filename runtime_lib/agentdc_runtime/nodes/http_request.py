"""`http_request` (spec 01 §5.12): one exchange, after the policy has allowed method and URL.

Links `policy.http` and the URL parser; the client, which is slow to load, only when a request is really sent.
"""

from __future__ import annotations

from os import environ

from agentdc_runtime.core.visit import visit
from agentdc_runtime.errors import ConfigError, ToolError
from agentdc_runtime.net.url import BadUrl, parse
from agentdc_runtime.observe.log import WARN
from agentdc_runtime.policy.http import allow
from agentdc_runtime.values import string, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.core.run import Run
    from agentdc_runtime.net.http_client import Answer
    from agentdc_runtime.values import Json

    Secret: TypeAlias = tuple[str]
    Header: TypeAlias = tuple[str, tuple[str | Secret, ...]]

MAX_BODY = 1_048_576

_TOOL = "http_request"


async def run(
    run: Run,
    *,
    method: str,
    url: Json,
    body: Callable[[], Json] | None,
    headers: tuple[Header, ...],
    keyed: bool = False,
) -> tuple[Json, str | None]:
    """`{"body", "bytes", "headers", "status"}`, with the branch `error` unless the status is 200…299.

    `method`: in upper case. `headers`: name and parts, where a part in a tuple of its own names a secret.
    `keyed`: with an Idempotency-Key, the same on every attempt at this visit of the node, in whatever process.
    """
    address = string(url, _TOOL, "url_from")
    assert run.gate is not None
    allow(run.gate, method, address)
    if run.dry_run:
        return {"dry_run": True, "method": method, "url": address}, None
    content = _content(body)
    lines = [(name, await _value(run.process, name, parts)) for name, parts in headers]
    if keyed:
        lines.insert(0, ("Idempotency-Key", _key(run)))
    if run.traceparent is not None and all(name.lower() != "traceparent" for name, _ in lines):
        lines.insert(0, ("traceparent", run.traceparent))  # a declared one wins (spec 03 §4.2)
    answer = await _exchange(run.process, method, address, content, lines)
    output = {
        "body": answer.body.decode("utf-8", "replace"),
        "bytes": len(answer.body),
        "headers": answer.headers,
        "status": answer.status,
    }
    return output, None if 200 <= answer.status <= 299 else "error"


def _key(run: Run) -> str:
    """A key of this visit that tells nothing of the run; ids of runs that nothing keeps may occur elsewhere too."""
    from hashlib import sha256
    from os import urandom

    process = run.process
    salt = b"" if process.keeper is not None else process.kept.setdefault("idempotency", urandom(16))
    return sha256(salt + visit(run).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _content(body: Callable[[], Json] | None) -> bytes:
    content = b"" if body is None else text(body()).encode()
    if len(content) > MAX_BODY:
        raise ToolError(_TOOL, f"the body has {len(content)} bytes; at most {MAX_BODY} can be sent")
    return content


async def _value(process: Process, name: str, parts: tuple[str | Secret, ...]) -> str:
    """The value of one header; blanks around it are no part of it (RFC 9110 §5.5)."""
    found = [part if isinstance(part, str) else await _secret(process, name, part[0]) for part in parts]
    value = "".join(found).strip(" \t")
    if any(map(_is_control, value)):
        raise ToolError(_TOOL, f'the header "{name}" would hold a line break or another control character')
    return value


async def _secret(process: Process, header: str, name: str) -> str:
    """A declared secret, else the environment variable of that name (spec 02 §6.1)."""
    if process.secrets is not None:
        try:
            return await process.secrets.resolve(name)
        except ConfigError as error:
            raise ToolError(_TOOL, f'the header "{header}": {error.reason}') from None
    value = environ.get(name, "")
    if not value.strip():
        raise ToolError(_TOOL, f'the header "{header}": the secret `{name}` is not set')
    return value


def _is_control(each: str) -> bool:
    """What must not stand in a header; a surrogate is a byte of the environment that is not UTF-8."""
    return (each < " " and each != "\t") or each == "\x7f" or "\ud800" <= each <= "\udfff"


async def _exchange(
    process: Process, method: str, address: str, content: bytes, lines: list[tuple[str, str]]
) -> Answer:
    from agentdc_runtime.net.http_client import ExchangeFailed, shared

    try:
        answer = await shared(process).send(method, parse(address), content, lines)
    except (BadUrl, ExchangeFailed) as error:
        raise ToolError(_TOOL, error.reason) from None  # the cause may quote what was received
    if answer.truncated:
        claimed = {} if answer.claimed is None else {"claimed_bytes": answer.claimed}
        process.emit(WARN, "http_response.truncated", {"cap_bytes": len(answer.body), **claimed})
    return answer
