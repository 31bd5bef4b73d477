"""`http_request` against real sockets: the exact bytes sent, the order of checks, what comes out."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from peers.http import OK, Connection, Peer, saying, serving
from peers.workflow import finish, make_run

from agentdc_runtime.errors import ConfigError, PolicyError, ToolError
from agentdc_runtime.net.http_client import Client
from agentdc_runtime.nodes import http_request

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def request(
    run: Any, url: Any, method: str = "GET", body: Callable[[], Any] | None = None, headers: Any = ()
) -> Any:
    return finish(run, http_request.run(run, method=method, url=url, body=body, headers=headers))


def sent(method: str = "GET", body: Any = None, headers: Any = (), path: str = "/") -> tuple[bytes, Peer]:
    """The bytes of one request."""
    with serving(saying(OK)) as peer:
        later = None if body is None else lambda: body
        output, label = request(make_run(), peer.url(path), method, later, headers)
        assert (output["status"], label) == (200, None)
        assert peer.connections == 1
        return peer.requests[0], peer


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", b"/"),
        ("", b"/"),
        ("?q=1", b"/?q=1"),
        ("/a/../b/./c//d?x=%zz#part", b"/a/../b/./c//d?x=%zz"),
        ("/%2e%2e/é", b"/%2e%2e/%C3%A9"),
        ("/a|b\"<>'^`{}[]", b"/a|b\"<>'^`{}[]"),
    ],
)
def test_request_line(path: str, target: bytes) -> None:
    data, peer = sent(path=path)
    assert data == b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 0\r\n\r\n" % (target, peer.port)


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("text", b"text"),
        ("é\n", "é\n".encode()),
        ({"b": [1, "é"], "a": None}, '{"a":null,"b":[1,"é"]}'.encode()),
        ([], b"[]"),
        (False, b"false"),
        ("x" * 1_048_576, b"x" * 1_048_576),
    ],
)
def test_body(body: Any, content: bytes) -> None:
    data, peer = sent("POST", body)
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\nContent-Type: application/json\r\n\r\n"
    assert data == head % (peer.port, len(content)) + content


def test_null_is_a_body_and_the_empty_string_is_none() -> None:
    with serving(saying(OK)) as peer:
        request(make_run(), peer.url(), "PUT", lambda: None)
        request(make_run(), peer.url(), "PUT", lambda: "")
        assert peer.requests[0].endswith(b"Content-Length: 4\r\nContent-Type: application/json\r\n\r\nnull")
        assert peer.requests[1].endswith(b"Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH", "PURGE", "M-SEARCH", "X!#$%&'*+.^_`|~"]
)
def test_methods(method: str) -> None:
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    with serving(saying(answer)) as peer:
        output, label = request(make_run(), peer.url(), method)
        assert (output, label) == ({"body": "", "bytes": 0, "headers": {}, "status": 204}, None)
        assert peer.requests[0].startswith(f"{method} / HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("headers", "lines"),
    [
        ((("X-A", ("1",)), ("x_b", ("2",))), b"X-A: 1\r\nx_b: 2\r\n"),
        ((("Authorization", ("Bearer ", ("HTTP_TEST_TOKEN",))),), b"Authorization: Bearer t0ken\r\n"),
        ((("X", (("HTTP_TEST_TOKEN",), "/", ("HTTP_TEST_TOKEN",))),), b"X: t0ken/t0ken\r\n"),
        ((("X", ()),), b"X: \r\n"),
        ((("X", (" é\t ☃ ",)),), "X: é\t ☃\r\n".encode()),
        ((("User-Agent", ("me",)), ("Accept", ("*/*",))), b"User-Agent: me\r\nAccept: */*\r\n"),
        ((("Cookie", ("a=b",)), ("Expect", ("100-continue",))), b"Cookie: a=b\r\nExpect: 100-continue\r\n"),
    ],
)
def test_headers(monkeypatch: pytest.MonkeyPatch, headers: Any, lines: bytes) -> None:
    monkeypatch.setenv("HTTP_TEST_TOKEN", "t0ken")
    data, peer = sent("POST", "x", headers)
    start = (
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 1\r\nContent-Type: application/json\r\n"
    )
    assert data == start % peer.port + lines + b"\r\nx"


@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE"])
def test_a_declared_header_replaces_a_default(name: str) -> None:
    data, peer = sent("POST", "<x/>", ((name, ("text/xml",)),))
    start = b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 4\r\n" % peer.port
    assert data == start + f"{name}: text/xml\r\n\r\n<x/>".encode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, 'the header "X": the secret `HTTP_TEST_TOKEN` is not set'),
        ("", 'the header "X": the secret `HTTP_TEST_TOKEN` is not set'),
        (" \t", 'the header "X": the secret `HTTP_TEST_TOKEN` is not set'),
        ("s3cret\r\nEvil: 1", 'the header "X" would hold a line break or another control character'),
        ("s3cret\n", 'the header "X" would hold a line break or another control character'),
        ("s3cret\x01", 'the header "X" would hold a line break or another control character'),
        ("s3cret\udcff", 'the header "X" would hold a line break or another control character'),
    ],
)
def test_secrets_that_cannot_be_sent(monkeypatch: pytest.MonkeyPatch, value: str | None, reason: str) -> None:
    monkeypatch.delenv("HTTP_TEST_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("HTTP_TEST_TOKEN", value)
    with serving(saying(OK)) as peer:
        with pytest.raises(ToolError) as raised:
            request(make_run(), peer.url(), headers=(("X", (("HTTP_TEST_TOKEN",),)),))
        assert raised.value.display == f"tool `http_request` failed: {reason}"
        assert peer.connections == 0


class Registry:
    async def resolve(self, name: str) -> str:
        if name == "DECLARED":
            return "from the registry"
        raise ConfigError(f"secret `{name}`: nothing there")


@pytest.mark.parametrize(("headers", "sent"), [((), TRACE), ((("TraceParent", ("mine",)),), "mine")])
def test_the_trace_of_a_run_goes_along_and_a_declared_one_wins(headers: Any, sent: str) -> None:
    run = make_run()
    run.traceparent = TRACE
    with serving(saying(OK)) as peer:
        request(run, peer.url(), headers=headers)
    lines = peer.requests[0].decode().lower().split("\r\n")
    assert [line for line in lines if line.startswith("traceparent:")] == [f"traceparent: {sent}"]


def test_declared_secrets() -> None:
    with serving(saying(OK)) as peer:
        request(make_run(secrets=Registry()), peer.url(), headers=(("X", (("DECLARED",),)),))
        assert b"\r\nX: from the registry\r\n" in peer.requests[0]
        with pytest.raises(ToolError, match=r"X.*secret `OTHER`: nothing there"):
            request(make_run(secrets=Registry()), peer.url(), headers=(("X", (("OTHER",),)),))


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199])
def test_informational_answers_are_not_the_answer(status: int) -> None:
    interim = b"HTTP/1.1 %d Interim\r\nX-Interim: 1\r\n\r\n" % status
    if status == 101:
        with serving(saying(interim)) as peer, pytest.raises(ToolError):  # nobody asked for another protocol
            request(make_run(), peer.url())
        return
    with serving(saying(interim * 3 + OK)) as peer:
        output, _ = request(make_run(), peer.url())
        assert (output["status"], output["body"], output["headers"]) == (200, "ok", {"content-length": "2"})


@pytest.mark.parametrize(
    "status", [200, 201, 206, 299, 300, 301, 302, 304, 307, 400, 404, 500, 599, 600, 999]
)
def test_labels(status: int) -> None:
    answer = b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\nLocation: /other\r\n\r\n" % status
    with serving(saying(answer)) as peer:
        output, label = request(make_run(), peer.url())
        assert label == (None if 200 <= status <= 299 else "error")
        assert output == {
            "body": "",
            "bytes": 0,
            "headers": {"content-length": "0", "location": "/other"},
            "status": status,
        }
        assert len(peer.requests) == 1, "a redirect must not be followed"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, "ok"),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", "to the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", "to the end"),
        (b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "x"),
        (b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx", "x"),
        (CHUNKED + b'3\r\nabc\r\n2;ext="1"\r\nde\r\n0\r\nTrailer: 1\r\n\r\n', "abcde"),
        (CHUNKED + b"0\r\n\r\n", ""),
        (CHUNKED + b"00000a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xc3\xa9x", "\ufffdéx"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", "\x1f\ufffd"),
    ],
)
def test_bodies(answer: bytes, body: str) -> None:
    with serving(saying(answer, close=True)) as peer:
        output, label = request(make_run(), peer.url())
        assert (output["body"], output["status"], label) == (body, 200, None)
        assert output["bytes"] == (4 if "é" in body else len(body.replace("\ufffd", "x")))


def test_headers_of_the_answer() -> None:
    lines = b"Set-Cookie: a\r\nX-UP: 1\r\nset-cookie: b\r\nX-Empty:\r\nX-Odd: \xc3\xa9 \xff\r\nX-Blank:  a  b \t\r\n"
    with serving(saying(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 0\r\n\r\n")) as peer:
        run = make_run()

        async def twice() -> list[Any]:
            return [
                await http_request.run(run, method="GET", url=peer.url(), body=None, headers=()) for _ in "ab"
            ]

        for output, _ in finish(run, twice()):
            assert output["headers"] == {
                "content-length": "0",
                "set-cookie": "b",
                "x-blank": "a  b",
                "x-empty": "",
                "x-odd": "é \ufffd",
                "x-up": "1",
            }
        assert peer.requests[0] == peer.requests[1], "a cookie must not come back"


def test_order_of_checks() -> None:
    def never() -> Any:
        raise AssertionError("the body was resolved too early")

    def unresolved() -> Any:
        raise ToolError("http_request", "unresolved")

    url, missing = "http://127.0.0.1:1/x", (("X", (("HTTP_TEST_MISSING",),)),)
    with pytest.raises(ToolError, match="url_from must resolve to a string, not number"):
        request(make_run({}), 1, body=never)
    with pytest.raises(PolicyError):
        request(make_run({}, dry_run=True), url, body=never)
    dry = request(make_run({"http": {"urls": ["*"]}}, dry_run=True), url, "POST", never, missing)
    assert dry == ({"dry_run": True, "method": "POST", "url": url}, None)
    with pytest.raises(ToolError, match="unresolved"):
        request(make_run(), url, body=unresolved, headers=missing)
    with pytest.raises(ToolError, match="the body has 1048577 bytes; at most 1048576 can be sent"):
        request(make_run(), url, body=lambda: "x" * 1_048_577, headers=missing)
    with pytest.raises(ToolError, match="HTTP_TEST_MISSING"):
        request(make_run(), "ftp://x", headers=missing)
    with pytest.raises(ToolError, match="only absolute http:// and https:// URLs can be requested"):
        request(make_run(), "ftp://x")
    with pytest.raises(ToolError, match=r"no connection to 127\.0\.0\.1:1: Connection refused"):
        request(make_run(), url)


@pytest.mark.parametrize(
    "host", ["2130706433", "127.1", "0x7f.1", "0177.0.0.1", "[::ffff:127.0.0.1]", "u@127.0.0.1"]
)
def test_odd_hosts_are_refused_without_a_policy_too(host: str) -> None:
    with serving(saying(OK)) as peer:
        with pytest.raises(ToolError):
            request(make_run(), f"http://{host}:{peer.port}/")
        with pytest.raises(PolicyError):
            request(make_run({"http": {"urls": ["*"]}}), f"http://{host}:{peer.port}/")
        assert peer.connections == 0


@pytest.mark.parametrize(
    "name", ["nowhere.invalid", "xn--a.invalid", "xn--.invalid", "-a_.invalid", "a" * 63 + ".invalid"]
)
def test_names_that_are_not_there(name: str) -> None:
    with pytest.raises(ToolError) as raised:
        request(make_run(), f"http://{name}/")
    assert raised.value.reason.startswith(f"the name of {name}:80 cannot be resolved: ")


def test_a_name_is_looked_up_and_stands_in_host() -> None:
    with serving(saying(OK)) as peer:
        request(make_run(), peer.url(host="LocalHost"))
        assert b"\r\nHost: localhost:%d\r\n" % peer.port in peer.requests[0]


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", "/dev/null")
    assert b"Authorization" not in sent()[0]


def test_one_connection_for_many_requests() -> None:
    with serving(saying(OK)) as peer:
        run = make_run()

        async def many() -> None:
            for number in range(20):
                method = "POST" if number % 2 else "GET"
                await http_request.run(run, method=method, url=peer.url(f"/{number}"), body=None, headers=())

        finish(run, many())
        assert (peer.connections, len(peer.requests)) == (1, 20)


def test_many_requests_at_once() -> None:
    def after_all(connection: Connection) -> None:
        connection.request()
        while len(connection._peer.requests) < 200 and not connection.wait(0.01):
            pass
        connection.send(OK)

    with serving(after_all) as peer:
        run = make_run()

        async def many() -> None:
            from asyncio import gather

            url = peer.url()
            await gather(
                *(http_request.run(run, method="GET", url=url, body=None, headers=()) for _ in range(200))
            )

        finish(run, many())
        assert peer.connections == 200


def test_the_client_is_shared_and_closed() -> None:
    with serving(saying(OK)) as peer:
        run = make_run()
        request(run, peer.url())
        (client,) = run.process.kept.values()
        assert isinstance(client, Client)


def test_a_process_without_requests_makes_no_client() -> None:
    run = make_run({"http": {"urls": ["*"]}}, dry_run=True)
    request(run, "http://127.0.0.1/")
    assert run.process.kept == {}


def test_ipv6() -> None:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(ToolError, match=rf"no connection to \[::1\]:{port}: Connection refused"):
        request(make_run(), f"http://[::1]:{port}/")
