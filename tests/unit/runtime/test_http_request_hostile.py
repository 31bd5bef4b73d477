"""`http_request` against peers that are slow, silent, endless, broken or worse: it always ends, and says why."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from peers.http import OK, Behaviour, Connection, Peer, saying, serving
from peers.workflow import QUICK, finish, make_run

from agentdc_runtime.errors import ToolError
from agentdc_runtime.net.http_client import MAX_BODY, PLAIN, SECURE, Client
from agentdc_runtime.nodes import http_request

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def quick_run() -> Any:
    return make_run(client=Client(plain=QUICK))


def get(run: Any, peer: Peer, method: str = "GET", body: str = "") -> Any:
    return http_request.run(run, method=method, url=peer.url(), body=lambda: body, headers=())


def failing(behaviour: Behaviour, method: str = "GET", body: str = "") -> str:
    """The reason, without the address of the peer; fails the test when it takes long."""
    begun = time.monotonic()
    with serving(behaviour) as peer:
        run = quick_run()
        with pytest.raises(ToolError) as raised:
            finish(run, get(run, peer, method, body))
        assert time.monotonic() - begun < 25
        return raised.value.reason.replace(f"127.0.0.1:{peer.port}", "PEER")


def silent(connection: Connection) -> None:
    connection.request()
    connection.wait()


def dripping(start: bytes, drop: bytes) -> Behaviour:
    def behave(connection: Connection) -> None:
        connection.request()
        connection.send(start)
        while not connection.wait(0.05):
            connection.send(drop)

    return behave


def then_silent(start: bytes) -> Behaviour:
    def behave(connection: Connection) -> None:
        connection.request()
        connection.send(start)
        connection.wait()

    return behave


def flooding(start: bytes, drop: bytes) -> Behaviour:
    def behave(connection: Connection) -> None:
        connection.request()
        connection.send(start)
        while not connection.wait(0):
            connection.send(drop * 1000)

    return behave


def resetting(start: bytes) -> Behaviour:
    def behave(connection: Connection) -> None:
        connection.request()
        connection.send(start)
        connection.reset()

    return behave


SILENCE = "PEER sent nothing for 0.4 s"
ENDLESS = "the exchange with PEER took longer than 1.2 s"
NO_ANSWER = "PEER closed the connection without an answer"
HALF = "PEER closed the connection in the middle of its answer"
NOT_HTTP = "PEER answered with something that is not HTTP/1.1"
BIG_HEAD = "PEER sent an answer whose head is too large"
RESET = "the connection to PEER broke: Connection reset by peer"


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (silent, SILENCE),
        (then_silent(b"HTT"), SILENCE),
        (then_silent(HEAD), SILENCE),
        (then_silent(HEAD + b"Content-Length: 5\r\n\r\n"), SILENCE),
        (then_silent(HEAD + b"Content-Length: 5\r\n\r\n1234"), SILENCE),
        (then_silent(HEAD + b"\r\nno length"), SILENCE),
        (then_silent(CHUNKED + b"5\r\nabcde\r\n"), SILENCE),
        (then_silent(b"HTTP/1.1 100 Continue\r\n\r\n"), SILENCE),
        (dripping(b"", b"H"), ENDLESS),
        (dripping(HEAD + b"X: ", b"x"), ENDLESS),
        (dripping(HEAD, b"X: y\r\n"), ENDLESS),
        (dripping(HEAD + b"\r\n", b"x"), ENDLESS),
        (dripping(HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"), ENDLESS),
        (dripping(CHUNKED, b"1\r\nx\r\n"), ENDLESS),
        (dripping(CHUNKED + b"1;", b"x"), ENDLESS),
        (dripping(CHUNKED + b"0\r\n", b"T: x\r\n"), ENDLESS),
        (dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), ENDLESS),
        (flooding(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), ENDLESS),
        (flooding(HEAD, b"X: y\r\n"), BIG_HEAD),
        (flooding(HEAD + b"X: ", b"y"), BIG_HEAD),
        (flooding(b"HTTP/1.1 200 ", b"O"), BIG_HEAD),
        (flooding(CHUNKED + b"1;", b"x"), BIG_HEAD),
        (flooding(CHUNKED + b"0\r\n", b"X: y\r\n"), BIG_HEAD),
        (saying(b"", close=True), NO_ANSWER),
        (saying(b"HTTP/1.1 2", close=True), NO_ANSWER),
        (saying(HEAD, close=True), NO_ANSWER),
        (saying(HEAD + b"Content-Length: 5\r\n\r\n1234", close=True), HALF),
        (saying(CHUNKED + b"5\r\nabc", close=True), HALF),
        (saying(CHUNKED + b"5\r\nabcde\r\n", close=True), HALF),
        (saying(CHUNKED + b"0\r\n", close=True), HALF),
        (resetting(b""), RESET),
        (resetting(HEAD), RESET),
        (resetting(HEAD + b"Content-Length: 5\r\n\r\n1234"), RESET),
        (resetting(CHUNKED + b"5\r\nabc"), RESET),
    ],
)
def test_peers_that_do_not_answer(behaviour: Behaviour, reason: str) -> None:
    said = failing(behaviour)
    seen_before_the_reset = (NO_ANSWER, HALF) if reason == RESET else ()
    assert said in (reason, *seen_before_the_reset)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"garbage\r\n\r\n", NOT_HTTP),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", NOT_HTTP),
        (b"\x16\x03\x01\x00\x05\x01\x00\x00\x00\x00", NOT_HTTP),
        (b"\x00" * 100, NOT_HTTP),
        (b"\r\n\r\n", NOT_HTTP),
        (b"<html>hello</html>\r\n\r\n", NOT_HTTP),
        (b"HTTP/2 200 OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 20 OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 2000 OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 abc OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1 -20 OK\r\n\r\n", NOT_HTTP),
        (b"HTTP/1.1  200 OK\r\n\r\n", NOT_HTTP),
        (b"GET / HTTP/1.1\r\n\r\n", NOT_HTTP),
        (HEAD + b"no colon\r\n\r\n", NOT_HTTP),
        (HEAD + b": no name\r\n\r\n", NOT_HTTP),
        (HEAD + b"Name : x\r\n\r\n", NOT_HTTP),
        (HEAD + b"Na\x00me: x\r\n\r\n", NOT_HTTP),
        (HEAD + b"Name: x\x00y\r\n\r\n", NOT_HTTP),
        (HEAD + b"Name: x\ry\r\n\r\n", NOT_HTTP),
        (HEAD + b"Content-Length: -5\r\n\r\n", "PEER sent a length that is no number"),
        (HEAD + b"Content-Length: 5x\r\n\r\n", "PEER sent a length that is no number"),
        (HEAD + b"Content-Length: 0x5\r\n\r\n", "PEER sent a length that is no number"),
        (HEAD + b"Content-Length: \r\n\r\n", "PEER sent a length that is no number"),
        (
            HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "PEER sent two different lengths for its answer",
        ),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", NOT_HTTP),
        (HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", NOT_HTTP),
        (CHUNKED + b"xyz\r\n\r\n", NOT_HTTP),
        (CHUNKED + b"-1\r\n\r\n", NOT_HTTP),
        (CHUNKED + b"0x5\r\nabcde\r\n0\r\n\r\n", NOT_HTTP),
        (CHUNKED + b"FFFFFFFFFFFFFFFFFFFFFFFFF\r\nabc", NOT_HTTP),
        (CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n", NOT_HTTP),
        (CHUNKED + b"3\r\nabc\r\n0\r\nbad trailer\r\n\r\n", NOT_HTTP),
    ],
)
def test_peers_that_break_the_protocol(answer: bytes, reason: str) -> None:
    assert failing(saying(answer, close=True)) == reason


def test_a_peer_that_does_not_read() -> None:
    assert failing(Connection.wait, "POST", "x" * MAX_BODY) in (  # type: ignore[arg-type]
        "PEER took nothing for 2 s",
        ENDLESS,
        SILENCE,
    )


def endless(start: bytes, drop: bytes) -> Behaviour:
    return flooding(HEAD + start, drop)


@pytest.mark.parametrize(
    ("behaviour", "claimed"),
    [
        (endless(b"\r\n", b"x"), None),
        (endless(b"Transfer-Encoding: chunked\r\n\r\n", b"10\r\n" + b"x" * 16 + b"\r\n"), None),
        (endless(b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n"), None),
        (endless(b"Content-Length: 10000000\r\n\r\n", b"x"), 10_000_000),
        (endless(b"Content-Length: 18446744073709551616\r\n\r\n", b"x"), None),
        (saying(HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1) + b"x" * (MAX_BODY + 1)), MAX_BODY + 1),
        (saying(HEAD + b"\r\n" + b"x" * (MAX_BODY + 1), close=True), None),
    ],
)
def test_bodies_that_are_too_long(behaviour: Behaviour, claimed: int | None) -> None:
    with serving(behaviour) as peer:
        run = make_run()
        output, label = finish(run, get(run, peer))
        assert (output["status"], output["bytes"], label) == (200, MAX_BODY, None)
        assert output["body"] == "x" * MAX_BODY
        fields = {"cap_bytes": MAX_BODY} | ({} if claimed is None else {"claimed_bytes": claimed})
        assert run.process.emit.seen == [("http_response.truncated", fields)]


@pytest.mark.parametrize("size", [MAX_BODY - 1, MAX_BODY])
def test_bodies_that_just_fit(size: int) -> None:
    answers = [
        HEAD + b"Content-Length: %d\r\n\r\n" % size + b"x" * size,
        HEAD + b"\r\n" + b"x" * size,
        CHUNKED + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n",
    ]
    for answer in answers:
        with serving(saying(answer, close=True)) as peer:
            run = make_run()
            output, _ = finish(run, get(run, peer))
            assert output["bytes"] == size
            assert run.process.emit.seen == []


def test_a_cut_in_the_middle_of_a_letter() -> None:
    with serving(saying(HEAD + b"Content-Length: 6\r\n\r\n" + "ééé".encode())) as peer:
        run = make_run(client=Client(cap=3))
        output, _ = finish(run, get(run, peer))
        assert (output["body"], output["bytes"]) == ("é\ufffd", 3)


def answering_once(then: bytes) -> Behaviour:
    """Keeps the connection open after a good answer, and answers the second request with `then` and the end."""

    def behave(connection: Connection) -> None:
        if connection.request():
            connection.send(OK)
        if connection.request():
            connection.send(then)

    return behave


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("then", [b"", b"HTTP/1.1 200 OK\r\nContent-"])
def test_a_request_lost_on_a_used_connection_is_sent_again(method: str, then: bytes) -> None:
    answer = OK if method != "HEAD" else HEAD + b"\r\n"

    def behave(connection: Connection) -> None:
        if connection.request():
            connection.send(answer)
        if connection.request():
            connection.send(then)

    with serving(behave) as peer:
        run = quick_run()

        async def thrice() -> list[int]:
            return [(await get(run, peer, method))[0]["status"] for _ in range(3)]

        assert finish(run, thrice()) == [200] * 3
        assert (peer.connections, len(peer.requests)) == (3, 5)


def test_a_post_lost_on_a_used_connection_is_not_sent_again() -> None:
    with serving(answering_once(b"")) as peer:
        run = quick_run()

        async def twice() -> None:
            await get(run, peer)
            await get(run, peer, "POST", "x")

        with pytest.raises(ToolError, match="without an answer"):
            finish(run, twice())
        assert (peer.connections, len(peer.requests)) == (1, 2)


def test_a_request_on_a_new_connection_is_never_sent_again() -> None:
    with serving(saying(b"", close=True)) as peer:
        run = quick_run()
        with pytest.raises(ToolError):
            finish(run, get(run, peer))
        assert len(peer.requests) == 1


FORGED = HEAD + b"Content-Length: 6\r\n\r\nforged"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("GET", OK + FORGED),
        ("GET", OK + b"\r\n"),
        ("GET", CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + FORGED),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n" + FORGED),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" + FORGED),
        ("HEAD", OK + FORGED),
        ("HEAD", OK),
    ],
)
def test_what_stands_behind_an_answer_is_not_the_next_one(method: str, answer: bytes) -> None:
    with serving(saying(answer)) as peer:
        run = quick_run()

        async def thrice() -> list[str]:
            return [(await get(run, peer, method))[0]["body"] for _ in range(3)]

        assert "forged" not in finish(run, thrice())
        assert (peer.connections, len(peer.requests)) == (3, 3)


def test_what_arrives_between_two_requests_is_not_an_answer() -> None:
    def behave(connection: Connection) -> None:
        connection.request()
        connection.send(OK)
        connection.wait(0.2)
        connection.send(FORGED)
        connection.wait(2)

    with serving(behave) as peer:
        run = quick_run()

        async def twice() -> list[str]:
            first = await get(run, peer)
            await asyncio.sleep(0.4)
            return [first[0]["body"], (await get(run, peer))[0]["body"]]

        assert finish(run, twice()) == ["ok", "ok"]
        assert peer.connections == 2


def test_a_cut_body_ends_the_connection() -> None:
    closed: list[bool] = []

    def behave(connection: Connection) -> None:
        connection.request()
        connection.send(HEAD + b"Content-Length: 9\r\n\r\n12345")
        closed.append(connection.closed_by_client())

    with serving(behave) as peer:
        run = make_run(client=Client(cap=3))
        finish(run, get(run, peer))
    assert closed == [True]


def test_cancelling_closes_the_connection() -> None:
    closed: list[bool] = []

    def behave(connection: Connection) -> None:
        connection.request()
        closed.append(connection.closed_by_client())

    with serving(behave) as peer:
        run = make_run()

        async def main() -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(get(run, peer), 0.2)
            for _ in range(100):
                if closed:
                    return
                await asyncio.sleep(0.01)

        finish(run, main())
        assert closed == [True]


def test_nothing_is_left_open() -> None:
    behaviours = itertools.cycle(
        [silent, saying(OK), flooding(HEAD + b"\r\n", b"x"), resetting(b""), saying(b"?\r\n\r\n")]
    )

    def behave(connection: Connection) -> None:
        next(behaviours)(connection)

    before = len(list(Path("/proc/self/fd").iterdir()))
    with serving(behave) as peer:
        run = quick_run()

        async def many() -> None:
            await asyncio.gather(*(get(run, peer) for _ in range(50)), return_exceptions=True)

        finish(run, many())
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_an_echoed_secret_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_TEST_TOKEN", "s3cret-value")

    def echo(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 " + connection.request())

    with serving(echo) as peer:
        run = quick_run()
        headers = (("Authorization", (("HTTP_TEST_TOKEN",),)),)
        with pytest.raises(ToolError) as raised:
            finish(
                run,
                http_request.run(
                    run, method="GET", url=peer.url("/s3cret-value"), body=None, headers=headers
                ),
            )
        assert "s3cret" not in raised.value.display
        raised.value.__suppress_context__ = True
        said = "".join(traceback.format_exception_only(raised.value))
        assert "s3cret" not in said
        assert raised.value.__cause__ is None


def test_the_real_limits() -> None:
    each = [(one.connect, one.read, one.write, one.total) for one in (PLAIN, SECURE)]
    assert each == [(30, 30, 30, 120), (10, 30, 30, 30)]
