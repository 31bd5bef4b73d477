"""Answers as bytes: status line, headers, body; and what a run's ending becomes (spec 02 §1.7). Links `jsontext`."""

from __future__ import annotations

from agentdc_runtime.jsontext import compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from agentdc_runtime.core.run import Ending, Run

JSON = "application/json"
REASONS = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Entity",
    426: "Upgrade Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}
_OTHER = "Response"
_KEEP = b"\r\nConnection: keep-alive\r\n"
_CLOSE = b"\r\nConnection: close\r\n"

# Beginnings of answers that were made before: nearly all answers of an app share a few. A content type may hold
# data, so there is a bound on their number and on their size.
_heads: dict[tuple[int, str], bytes] = {}
_MOST_HEADS = 256
_LONGEST_TYPE = 256


def head_and_body(
    status: int,
    content_type: str,
    body: bytes,
    keep_alive: bool,
    extra: tuple[tuple[str, str], ...] = (),
    head_only: bool = False,
) -> bytes:
    """A whole answer; headers in the order of spec 02 §1.7, then `extra`. `head_only`: the answer to HEAD.

    204 and 304 have neither a body nor a length (RFC 9110 §6.4.1, §8.6). Control characters in header values become
    spaces, and what Latin-1 lacks a question mark: data in a content type can not begin another header.
    """
    head = _heads.get((status, content_type)) or _head(status, content_type)
    if status < 200:
        return _interim(status, head, extra, head_only)
    connection = _KEEP if keep_alive else _CLOSE
    if status in {204, 304}:
        parts, head_only = [head, connection], True
    else:
        parts = [head, b"\r\nContent-Length: %d" % len(body), connection]
    if extra:
        parts.append(_lines(extra))
    parts.append(b"\r\n")
    if not head_only:
        parts.append(body)
    return b"".join(parts)


def _interim(status: int, head: bytes, extra: tuple[tuple[str, str], ...], head_only: bool) -> bytes:
    """A declared 1xx, and the final answer that must follow one: without it the caller would wait (RFC 9110 §15.2).

    Both say `close`, as there are clients that take the first for the last.
    """
    body = _json({"error": f"the workflow answered {status}, which no exchange can end with"})
    return head + _CLOSE + b"\r\n" + head_and_body(500, JSON, body, False, extra, head_only)


def stream_head(status: int, content_type: str, extra: tuple[tuple[str, str], ...] = ()) -> bytes:
    """The head of an answer whose end is the end of the connection."""
    return b"".join((_head(status, content_type), _CLOSE, _lines(extra), b"\r\n"))


def refused(
    status: int,
    error: str,
    extra: tuple[tuple[str, str], ...] = (),
    *,
    extra_fields: Mapping[str, Any] | None = None,
) -> bytes:
    """The answer to bytes that are no request; the connection closes behind it."""
    body = _json({"error": error, **(extra_fields or {})})
    return head_and_body(status, JSON, body, False, extra)


def outcome_reply(ending: Ending, run: Run) -> tuple[int, str, bytes]:
    """Status, content type and body of a run that has ended."""
    last = ending.last_node
    match ending.status:
        case "completed":
            if run.response is not None:
                said = run.response
                return said["status"], said["content_type"], said["body"].encode("utf-8", "replace")
            document: dict[str, Any] = {"status": "completed", "final_value": ending.value, "last_node": last}
            status = 200
        case "failed":
            document = {"status": "failed", "reason": ending.reason, "last_node": last}
            status = 422
        case "timed_out":
            document = {"status": "timed_out", "elapsed_ms": ending.elapsed_ms, "last_node": last}
            status = 504
        case "paused":
            document = {"status": "paused", "run_id": run.id, "last_node": last}
            if ending.reason:
                document["reason"] = ending.reason
            status = 202
        case "stopped":
            document, status = {"error": "the server is shutting down"}, 503
        case _:
            assert ending.error is not None
            document, status = {"error": ending.error.display}, 500
    return status, JSON, _json(document)


def _json(document: dict[str, Any]) -> bytes:
    # Reasons may quote a file name of the system that is not UTF-8; that must not cost the answer.
    return compact(document).encode("utf-8", "replace")


def _head(status: int, content_type: str) -> bytes:
    """Status line and content type, without the line break behind it."""
    reason = REASONS.get(status, _OTHER)
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {_value(content_type)}".encode("latin-1", "replace")
    if len(_heads) < _MOST_HEADS and len(content_type) <= _LONGEST_TYPE:
        _heads[status, content_type] = head
    return head


def _lines(headers: tuple[tuple[str, str], ...]) -> bytes:
    text = "".join([f"{name}: {_value(value)}\r\n" for name, value in headers])
    return text.encode("latin-1", "replace")


def _value(text: str) -> str:
    if text.isprintable():
        return text
    return "".join([each if each.isprintable() or each == "\t" else " " for each in text])
