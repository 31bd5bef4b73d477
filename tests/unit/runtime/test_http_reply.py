"""Answers as bytes, and what endings become (spec 02 §1.7); real clients read them."""

from __future__ import annotations

import http.client
import json
import subprocess
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers.http import saying, serving

from agentdc_runtime.core.run import Ending, Run
from agentdc_runtime.errors import AgentError, PolicyError, ToolError, WorkflowError
from agentdc_runtime.http import reply
from agentdc_runtime.http.reply import JSON, head_and_body, outcome_reply, refused, stream_head


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, "OK"),
        (201, "Created"),
        (202, "Accepted"),
        (301, "Moved Permanently"),
        (302, "Found"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (409, "Conflict"),
        (413, "Payload Too Large"),
        (418, "Response"),
        (422, "Unprocessable Entity"),
        (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"),
        (500, "Internal Server Error"),
        (503, "Service Unavailable"),
        (504, "Gateway Timeout"),
        (299, "Response"),
        (599, "Response"),
    ],
)
def test_the_whole_answer(status: int, reason: str) -> None:
    for _ in range(2):  # the second one comes from the cache
        assert (
            head_and_body(status, JSON, b"{}", True)
            == (
                f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                "Connection: keep-alive\r\n\r\n{}"
            ).encode()
        )


def test_further_headers_come_last() -> None:
    extra = (("Retry-After", "9"), ("X-Agentd-Idempotent-Replay", "true"))
    assert head_and_body(429, JSON, b"{}", False, extra) == (
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        b"Connection: close\r\nRetry-After: 9\r\nX-Agentd-Idempotent-Replay: true\r\n\r\n{}"
    )


def test_head_has_the_length_and_no_body() -> None:
    answer = head_and_body(200, JSON, b"12345", True, head_only=True)
    assert answer == head_and_body(200, JSON, b"12345", True).removesuffix(b"12345")


@pytest.mark.parametrize("status", [204, 304])
def test_neither_body_nor_length(status: int) -> None:
    answer = head_and_body(status, "text/plain", b"body", True, (("A", "b"),))
    assert answer.endswith(b"\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nA: b\r\n\r\n")
    assert b"Content-Length" not in answer


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("text/plain\r\nSet-Cookie: a=b", b"text/plain  Set-Cookie: a=b"),
        ("a\n\n<html>", b"a  <html>"),
        ("a\x00b\x7fc\td", b"a b c\td"),
        ("caf\u00e9", b"caf\xe9"),
        ("\u20ac\ud800\u2028\x85\u560a", b"?   ?"),
        ("", b""),
    ],
)
def test_data_cannot_begin_another_header(value: str, sent: bytes) -> None:
    assert head_and_body(200, value, b"", True).split(b"\r\n")[1] == b"Content-Type: " + sent
    assert head_and_body(200, JSON, b"", True, (("Allow", value),)).split(b"\r\n")[4] == b"Allow: " + sent
    assert stream_head(200, value).split(b"\r\n")[1] == b"Content-Type: " + sent


@given(st.text(), st.integers(200, 599))
def test_no_value_changes_the_shape_of_a_head(value: str, status: int) -> None:
    head = head_and_body(status, value, b"", True, (("A", value),), head_only=True)
    assert head.count(b"\n") == head.count(b"\r\n") == head.count(b"\r") == 6 - (status in {204, 304})
    assert head.endswith(b"\r\n\r\n")


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply, "_heads", {})
    head_and_body(200, "x" * 100_000, b"", True)
    assert not reply._heads
    for number in range(1000):
        assert f"text/x-{number}\r".encode() in head_and_body(200, f"text/x-{number}", b"", True)
    assert len(reply._heads) == 256


def test_a_stream_ends_with_its_connection() -> None:
    assert stream_head(200, "text/event-stream", (("Cache-Control", "no-store"),)) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n"
    )


def test_refusals() -> None:
    assert refused(413, "body exceeds server cap", extra_fields={"cap_bytes": 1048576}) == (
        b"HTTP/1.1 413 Payload Too Large\r\nContent-Type: application/json\r\nContent-Length: 55\r\n"
        b'Connection: close\r\n\r\n{"cap_bytes":1048576,"error":"body exceeds server cap"}'
    )
    assert refused(400, "missing path").startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert refused(505, "HTTP version not supported").startswith(
        b"HTTP/1.1 505 HTTP Version Not Supported\r\n"
    )
    assert refused(400, 'a"\ud800').endswith(b'{"error":"a\\"?"}')


# Real clients -----------------------------------------------------------------------------------------------


def by_httpx(answer: bytes) -> httpx.Response:
    with serving(saying(answer, close=True)) as peer:
        return httpx.get(peer.url(), timeout=10)


def by_curl(answer: bytes, *words: str) -> tuple[int, str]:
    """The final status, and the body."""
    with serving(saying(answer)) as peer:
        arguments = ["curl", "-sS", "-m", "10", "-w", "\n%{http_code}", *words, peer.url()]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=30)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


@pytest.mark.parametrize("status", [200, 202, 299, 404, 418, 503, 599])
def test_clients_read_the_answer(status: int) -> None:
    answer = head_and_body(status, "text/plain; charset=utf-8", "h\u00e9".encode(), True)
    assert by_curl(answer) == (status, "h\u00e9")
    found = by_httpx(answer)
    assert (found.status_code, found.text) == (status, "h\u00e9")


@pytest.mark.parametrize("status", [204, 304])
def test_clients_do_not_wait_for_a_body_that_may_not_be(status: int) -> None:
    answer = head_and_body(status, JSON, b"{}", True)
    assert by_curl(answer) == (status, "")
    assert by_httpx(answer).content == b""


def test_clients_do_not_wait_for_the_body_of_head() -> None:
    assert by_curl(head_and_body(200, JSON, b"{}", True, head_only=True), "-I", "-o", "/dev/null") == (
        200,
        "",
    )


@pytest.mark.parametrize("status", [100, 103, 199])
def test_an_interim_status_is_followed_by_a_final_one(status: int) -> None:
    answer = head_and_body(status, JSON, b"never sent", True)
    assert b"never sent" not in answer
    code, body = by_curl(answer)
    assert (code, str(status) in json.loads(body)["error"]) == (500, True)
    assert by_httpx(answer).status_code == 500
    with serving(saying(answer, close=True)) as peer:  # this client takes all but 100 for final
        caller = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=10)
        caller.request("GET", "/")
        found = caller.getresponse()
        assert (found.status, found.will_close) == (500 if status == 100 else status, True)
        caller.close()


# Endings ----------------------------------------------------------------------------------------------------


def run_of(response: dict[str, Any] | None = None) -> Run:
    return SimpleNamespace(id="exec-1-2", response=response)  # type: ignore[return-value]  # all that is asked of it


SAID = {"status": 404, "content_type": "text/html", "body": "n\u00f6"}


def test_what_respond_said() -> None:
    completed = Ending("completed", "last", 3, value={"a": 1})
    assert outcome_reply(completed, run_of(SAID)) == (404, "text/html", "n\u00f6".encode())


@pytest.mark.parametrize(
    ("ending", "response", "status", "document"),
    [
        (
            Ending("completed", "end", 3, value={"a": [1]}),
            None,
            200,
            {"status": "completed", "final_value": {"a": [1]}, "last_node": "end"},
        ),
        (
            Ending("completed", None, 3),
            None,
            200,
            {"status": "completed", "final_value": None, "last_node": None},
        ),
        (
            Ending("failed", "no", 3, reason="because"),
            SAID,
            422,
            {"status": "failed", "reason": "because", "last_node": "no"},
        ),
        (
            Ending("timed_out", "slow", 1500),
            SAID,
            504,
            {"status": "timed_out", "elapsed_ms": 1500, "last_node": "slow"},
        ),
        (
            Ending("paused", "wait", 3, reason="needs approval"),
            SAID,
            202,
            {"status": "paused", "run_id": "exec-1-2", "last_node": "wait", "reason": "needs approval"},
        ),
        (
            Ending("paused", "wait", 3),
            None,
            202,
            {"status": "paused", "run_id": "exec-1-2", "last_node": "wait"},
        ),
        (Ending("stopped", "slow", 3), SAID, 503, {"error": "the server is shutting down"}),
    ],
    ids=lambda value: value.status if isinstance(value, Ending) else "",
)
def test_documents(
    ending: Ending, response: dict[str, Any] | None, status: int, document: dict[str, Any]
) -> None:
    code, kind, body = outcome_reply(ending, run_of(response))
    assert (code, kind, json.loads(body)) == (status, JSON, document)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ToolError("read_file", "no such file"), "tool `read_file` failed: no such file"),
        (PolicyError("GET is not allowed"), "policy violation: GET is not allowed"),
        (WorkflowError("billing", "ambiguous"), "workflow `billing`: ambiguous"),
        (ToolError("read_file", "\udcff"), "tool `read_file` failed: ?"),
    ],
)
def test_errors(error: AgentError, text: str) -> None:
    code, kind, body = outcome_reply(Ending("errored", "n", 3, error=error), run_of(SAID))
    assert (code, kind, json.loads(body)) == (500, JSON, {"error": text})
