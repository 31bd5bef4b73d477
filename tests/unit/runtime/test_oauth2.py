"""OAuth 2 client credentials against a real server on this machine (spec 02 §6.2)."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agentdc_runtime.observe.log import INFO, WARN
from agentdc_runtime.secrets import oauth2
from agentdc_runtime.secrets.errors import SecretError
from agentdc_runtime.secrets.registry import Registry

CLIENT, PASSWORD = "client 1/é", "p+ss:w&rd=hunter2"
ENVIRON = {"ID": CLIENT, "PW": PASSWORD}

Answer = Callable[[int], tuple[int, dict[str, str], bytes]]


class Endpoint(ThreadingHTTPServer):
    """Answers what `answer` says for each request number, and keeps what it was asked."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        self.answer: Answer = lambda number: token(f"token-{number}")
        self.pause = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/oauth/token?tenant=7"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, body))
        number = len(self.server.asked)
        time.sleep(self.server.pause)
        status, more, data = self.server.answer(number)
        try:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # the client has gone

    def log_message(self, *_: object) -> None:
        pass


def token(value: str, expires: str = "3600") -> tuple[int, dict[str, str], bytes]:
    return 200, {}, f'{{"access_token":"{value}","token_type":"Bearer","expires_in":{expires}}}'.encode()


def always(status: int, data: str | bytes, headers: dict[str, str] | None = None) -> Answer:
    raw = data.encode() if isinstance(data, str) else data
    return lambda _number: (status, headers or {}, raw)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    """The monotonic clock of a source, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Stand:
    """A registry with one token, its events, and the clock of that token."""

    def __init__(self, url: str, environ: dict[str, str] | None = None, **more: Any) -> None:
        self.clock = Clock()
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        spec = {
            "name": "api",
            "source": "oauth2",
            "token_url": url,
            "client_id_env": "ID",
            "client_secret_env": "PW",
            "scopes": [],
            "extra_params": {},
            "auth_style": "body",
            "skew_secs": 60,
            **more,
        }

        def made(spec: Any, resolve: Any, emit: Any) -> oauth2.Oauth2:
            return oauth2.Oauth2(spec, resolve, emit, self.clock)

        def emit(level: int, event: str, fields: dict[str, Any]) -> None:
            self.events.append((level, event, fields))

        self.registry = Registry([spec], ENVIRON if environ is None else environ, emit, oauth2=made)

    def token(self) -> str:
        return asyncio.run(self.registry.resolve("api"))

    def failure(self) -> str:
        with pytest.raises(SecretError) as caught:
            self.token()
        shown = caught.value.display + repr(caught.value) + repr(caught.value.__cause__)
        for hidden in (PASSWORD, base64.b64encode(f"{CLIENT}:{PASSWORD}".encode()).decode(), "%2Bss"):
            assert hidden not in shown
        assert caught.value.reason.startswith("secret `api`: ")
        return caught.value.cause


def descriptors() -> list[Path]:
    return list(Path("/proc/self/fd").iterdir())


@pytest.fixture(autouse=True)
def nothing_left(endpoint: Endpoint) -> Iterator[None]:
    asyncio.run(asyncio.sleep(0))
    before = len(descriptors())
    yield
    for _ in range(1500):  # the server's own threads close their ends a little later
        if len(descriptors()) <= before:
            return
        time.sleep(0.01)
    pytest.fail(f"descriptors left: {[each.readlink() for each in descriptors()]}")


# --- the request --------------------------------------------------------------------------------------------------


def test_request_in_the_body(endpoint: Endpoint) -> None:
    more: dict[str, Any] = {
        "scopes": ["read:all", "write me"],
        "extra_params": {"resource": "https://a/b?c", "audience": "é~-_."},
    }
    assert Stand(endpoint.url, **more).token() == "token-1"
    method, path, headers, body = endpoint.asked[0]
    assert (method, path) == ("POST", "/oauth/token?tenant=7")
    assert body == (
        "grant_type=client_credentials&client_id=client+1%2F%C3%A9&client_secret=p%2Bss%3Aw%26rd%3Dhunter2"
        "&scope=read%3Aall+write+me&audience=%C3%A9~-_.&resource=https%3A%2F%2Fa%2Fb%3Fc"
    )
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["accept"] == "application/json"
    assert "authorization" not in headers


def test_request_with_basic(endpoint: Endpoint) -> None:
    assert Stand(endpoint.url, auth_style="basic").token() == "token-1"
    _, _, headers, body = endpoint.asked[0]
    assert body == "grant_type=client_credentials"
    assert (
        base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == f"{CLIENT}:{PASSWORD}"
    )


def test_event(endpoint: Endpoint) -> None:
    stand = Stand(endpoint.url)
    stand.token()
    assert stand.events == [
        (INFO, "secrets.oauth2_token_fetched", {"secret": "api", "expires_in_secs": 3600})
    ]


def test_no_proxy_of_the_environment(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert Stand(endpoint.url).token() == "token-1"


def test_what_is_hidden_afterwards(endpoint: Endpoint) -> None:
    stand = Stand(endpoint.url, environ={"ID": "client-id-1", "PW": PASSWORD})
    endpoint.answer = lambda _number: token("the-access-token")
    stand.token()
    assert stand.registry.scrub(f"a {PASSWORD} b the-access-token c") == "a <redacted> b <redacted> c"


# --- lifetimes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ("3600", 3600),
        ("1", 1),
        ("0", 300),
        ("-5", 300),
        ("null", 300),
        ('"3600"', 300),
        ("1.5", 300),
        ("3600.0", 300),
        ("true", 300),
        ("[]", 300),
        ("18446744073709551615", 2**64 - 1),
        ("1e400", None),
    ],
)
def test_lifetime(endpoint: Endpoint, stated: str, seconds: int | None) -> None:
    endpoint.answer = lambda _number: token("t", stated)
    stand = Stand(endpoint.url)
    if seconds is None:
        assert "not a JSON object" in stand.failure()
        return
    stand.token()
    assert stand.events[0][2]["expires_in_secs"] == seconds


def test_a_token_is_used_until_its_skew(endpoint: Endpoint) -> None:
    stand = Stand(endpoint.url)
    assert [stand.token(), stand.token()] == ["token-1", "token-1"]
    stand.clock.now += 3539.9
    assert stand.token() == "token-1"
    stand.clock.now += 0.1
    assert stand.token() == "token-2"
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize("skew", [300, 301, 2**63 - 1])
def test_a_lifetime_within_the_skew_means_a_fetch_per_use(endpoint: Endpoint, skew: int) -> None:
    endpoint.answer = lambda number: token(f"token-{number}", "300")
    stand = Stand(endpoint.url, skew_secs=skew)
    assert [stand.token(), stand.token(), stand.token()] == ["token-1", "token-2", "token-3"]


# --- failures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (always(500, ""), "the token endpoint answered 500"),
        (
            always(401, '{"error":"invalid_client"}'),
            'the token endpoint answered 401: {"error":"invalid_client"}',
        ),
        (always(400, "x" * 400), "the token endpoint answered 400: " + "x" * 300),
        (always(502, "<html>\n <b>no</b>\n"), "the token endpoint answered 502: <html> <b>no</b>"),
        (always(400, f"secret {PASSWORD} bad"), "the token endpoint answered 400: secret <redacted> bad"),
        (
            always(400, "client_secret=p%2Bss%3Aw%26rd%3Dhunter2"),
            "the token endpoint answered 400: client_secret=<redacted>",
        ),
        (always(302, "", {"Location": "/elsewhere"}), "the token endpoint answered 302"),
        (always(200, "<html>hello token</html>"), "the token endpoint's answer is not a JSON object"),
        (always(200, ""), "the token endpoint's answer is not a JSON object"),
        (always(200, '["a"]'), "the token endpoint's answer is not a JSON object"),
        (always(200, b'{"access_token":"\xff"}'), "the token endpoint's answer is not a JSON object"),
        (always(200, '{"expires_in":3}'), "the token endpoint's answer has no access_token"),
        (always(200, '{"access_token":""}'), "the token endpoint's answer has no access_token"),
        (always(200, '{"access_token":7}'), "the token endpoint's answer has no access_token"),
        (always(200, b" " * 1_100_000), "the token endpoint's answer is larger than 1 MiB"),
        (always(500, b"e " * 1_000_000), "the token endpoint answered 500: " + ("e " * 150)[:300]),
    ],
)
def test_answers_without_a_token(endpoint: Endpoint, answer: Answer, cause: str) -> None:
    endpoint.answer = answer
    stand = Stand(endpoint.url)
    assert stand.failure() == cause
    assert len(endpoint.asked) == 1
    assert stand.events == []


def test_no_endpoint(endpoint: Endpoint) -> None:
    assert "did not answer" in Stand("http://127.0.0.1:9/").failure()
    assert "did not answer" in Stand(f"https://127.0.0.1:{endpoint.server_address[1]}/").failure()


@pytest.mark.parametrize(
    "url", ["", "nothing", "ftp://a/", "http://", "file:///etc/passwd", "http://u:hunter2@a/"]
)
def test_addresses_that_cannot_be_asked(url: str) -> None:
    cause = Stand(url).failure()
    assert cause.startswith("token_url: ") and "hunter2" not in cause


def test_endpoint_that_hangs(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth2, "TOTAL_TIMEOUT", 0.3)
    endpoint.pause = 4
    started = time.monotonic()
    assert "did not answer" in Stand(endpoint.url).failure()
    assert time.monotonic() - started < 3.5


def test_credentials_that_are_missing(endpoint: Endpoint) -> None:
    cause = "client_secret_env: secret `PW`: the environment variable PW is not set"
    assert Stand(endpoint.url, environ={"ID": "x"}).failure() == cause
    assert endpoint.asked == []


def test_without_a_token_each_use_asks(endpoint: Endpoint) -> None:
    endpoint.answer = lambda number: (503, {}, b"") if number < 3 else token("at-last")
    stand = Stand(endpoint.url)
    stand.failure()
    stand.failure()
    assert stand.token() == "at-last"


def test_an_old_token_serves_while_refreshing_fails(endpoint: Endpoint) -> None:
    endpoint.answer = lambda number: token("old") if number == 1 else (503, {}, PASSWORD.encode())
    stand = Stand(endpoint.url)
    assert stand.token() == "old"
    stand.clock.now += 3550
    asked = []
    for _ in range(50):  # less than the 50 s that are left
        assert stand.token() == "old"
        asked.append(len(endpoint.asked))
        stand.clock.now += 0.99
    assert asked[0] == 2
    assert asked[-1] == 7, "asked again after 1, 2, 4, 8, 16 s"
    assert [each[:2] for each in stand.events[1:]] == [(WARN, "secrets.oauth2_refresh_failed")] * 6
    assert PASSWORD not in repr(stand.events)
    stand.clock.now += 1
    assert "503" in stand.failure()
    endpoint.answer = lambda _number: token("new")
    assert stand.token() == "new"
    stand.clock.now += 3550
    assert stand.token() == "new"


# --- many at once -------------------------------------------------------------------------------------------------


def together(stand: Stand, count: int) -> list[Any]:
    async def main() -> list[Any]:
        calls = [stand.registry.resolve("api") for _ in range(count)]
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(main())


def test_one_fetch_for_all(endpoint: Endpoint) -> None:
    endpoint.pause = 0.1
    assert together(Stand(endpoint.url), 50) == ["token-1"] * 50
    assert len(endpoint.asked) == 1
    endpoint.answer = lambda number: token(f"token-{number}", "1")  # at once within the skew again
    assert together(Stand(endpoint.url), 50) == ["token-2"] * 50
    assert len(endpoint.asked) == 2


def test_one_failure_for_all(endpoint: Endpoint) -> None:
    endpoint.pause = 0.1
    endpoint.answer = always(500, "")
    found = together(Stand(endpoint.url), 50)
    assert {str(each) for each in found} == {"secret `api`: the token endpoint answered 500"}
    assert len({id(each) for each in found}) == 50, "an error belongs to one run"
    assert len(endpoint.asked) == 1


def test_nobody_waits_while_the_old_token_is_valid(endpoint: Endpoint) -> None:
    stand = Stand(endpoint.url)
    stand.token()
    stand.clock.now += 3550
    endpoint.pause = 0.1
    assert sorted(together(stand, 10)) == ["token-1"] * 9 + ["token-2"]


def test_who_is_cancelled_takes_nobody_along(endpoint: Endpoint) -> None:
    endpoint.pause = 0.2

    async def main(stand: Stand) -> list[Any]:
        first = asyncio.ensure_future(stand.registry.resolve("api"))
        await asyncio.sleep(0.1)
        others = [asyncio.ensure_future(stand.registry.resolve("api")) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(first, *others, return_exceptions=True)

    first, *others = asyncio.run(main(Stand(endpoint.url)))
    assert isinstance(first, asyncio.CancelledError)
    assert others == ["token-2"] * 3


def test_the_registry_of_an_app(endpoint: Endpoint) -> None:
    """With credentials from another source, in two event loops one after the other."""
    specs: list[dict[str, Any]] = [
        {"name": "pw", "source": "command", "argv": ["printf", "from-command"]},
        {
            "name": "api",
            "source": "oauth2",
            "token_url": endpoint.url,
            "client_id_env": "ID",
            "client_secret_env": "pw",
        },
    ]
    secrets = oauth2.registry(specs, {**os.environ, "ID": "me"}, lambda _level, _event, _fields: None)
    asyncio.run(secrets.probe())
    assert asyncio.run(secrets.resolve("api")) == "token-1"
    assert endpoint.asked[0][3].endswith("client_id=me&client_secret=from-command")
