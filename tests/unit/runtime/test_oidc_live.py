"""Keys that are fetched: a real HTTPS server, rotation, failures, and the bounds on both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from peers.authority import Authority
from peers.http import Connection, serving

from agentdc_runtime.auth import live
from agentdc_runtime.auth.binding import LiveOidc, oidc
from agentdc_runtime.auth.denial import Denial
from agentdc_runtime.auth.fetch import Fetcher, is_loopback
from agentdc_runtime.auth.live import LEAST_PAUSE, LiveKeys
from agentdc_runtime.errors import ConfigError
from agentdc_runtime.observe.log import INFO, WARN

ISSUER = "https://login.example"
NOW = 1_700_000_000
DANA = {"kind": "oidc", "name": "dana"}
Event = tuple[int, str, dict[str, Any]]


@cache
def private(kid: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_set(*kids: str, more: tuple[dict[str, Any], ...] = ()) -> bytes:
    keys = [
        {
            **jwt.algorithms.ECAlgorithm.to_jwk(private(kid).public_key(), as_dict=True),
            "kid": kid,
            "key_ops": ["verify"],
        }
        for kid in kids
    ]
    return json.dumps({"keys": [*keys, *more]}).encode()


def token(kid: str) -> str:
    claims = {"iss": ISSUER, "sub": "dana", "exp": NOW + 60}
    return jwt.encode(claims, private(kid), algorithm="ES256", headers={"kid": kid})


class Issuer:
    """What the server of key sets says: a status, header lines and a body, after a while."""

    def __init__(self) -> None:
        self.body = key_set("k1")
        self.status = "200 OK"
        self.more = ""
        self.hold = 0.0

    def behave(self, connection: Connection) -> None:
        while connection.request():
            if self.hold and connection.wait(self.hold):
                return
            head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\n{self.more}\r\n"
            connection.send(head.encode() + self.body)


class Stand:
    """A live binding, its clock and its events."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.events: list[Event] = []
        self.now = 1000.0
        given = {"issuer": ISSUER, "jwks_url": url, "algorithms": ["ES256"], **settings}
        binding = oidc("staff", given, lambda *event: self.events.append(event))
        assert isinstance(binding, LiveOidc)
        self.binding = binding
        self.keys = binding._live
        self.keys.clock = lambda: self.now

    def look(self, kid: str) -> Any:
        """The verdict at once: the principal or the denial."""
        return self.binding.check({"authorization": f"Bearer {token(kid)}"}, b"", None, None, NOW)

    async def verdict(self, kid: str) -> Any:
        """As the service asks: once more after a renewal."""
        found = self.look(kid)
        if isinstance(found, Denial) and found.renew is not None:
            await found.renew()
            found = self.look(kid)
        return found.detail if isinstance(found, Denial) else found

    def told(self, name: str) -> list[dict[str, Any]]:
        return [fields for _, event, fields in self.events if event == name]


def played(stand: Stand, scene: Callable[[], Awaitable[None]]) -> None:
    """The scene between start and stop."""

    async def main() -> None:
        await stand.binding.start()
        try:
            await scene()
        finally:
            await stand.binding.stop()
        assert not [each for each in asyncio.all_tasks() if "LiveKeys" in repr(each)]

    asyncio.run(main())


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def test_rotation_over_https(issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with serving(issuer.behave, authority.server("issuer", "DNS:localhost")) as peer:
        stand = Stand(peer.url("/keys?v=1", "localhost"))

        async def scene() -> None:
            assert await stand.verdict("k1") == DANA
            assert await stand.verdict("k2") == "oidc.unknown-kid"  # it is too early to ask again
            assert len(peer.requests) == 1
            issuer.body = key_set("k2")
            stand.now += LEAST_PAUSE
            assert await stand.verdict("k2") == DANA
            assert await stand.verdict("k1") == "oidc.unknown-kid"  # remembered no more
            assert len(peer.requests) == 2

        played(stand, scene)
    assert peer.requests[0].startswith(b"GET /keys?v=1 HTTP/1.1\r\n")
    assert b"\r\naccept: application/json\r\n" in peer.requests[0]
    assert stand.told("oidc.keys_fetched") == [{"binding": "staff", "keys": 1}] * 2
    assert [each["reason"] for each in stand.told("oidc.denied")] == ["unknown-kid"] * 2


def test_a_server_that_nobody_vouches_for(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    authority = Authority(tmp_path / "one")
    monkeypatch.setenv("SSL_CERT_FILE", str(Authority(tmp_path / "other").file))
    with serving(issuer.behave, authority.server("issuer", "DNS:localhost")) as peer:
        stand = Stand(peer.url(host="localhost"))

        async def scene() -> None:
            assert await stand.verdict("k1") == "oidc.keys-unavailable"

        played(stand, scene)
    assert not peer.requests
    assert "certificate" in stand.told("oidc.keys_fetch_failed")[0]["reason"]


def test_one_fetch_for_all_who_wait(issuer: Issuer) -> None:
    issuer.hold = 0.2
    with serving(issuer.behave) as peer:
        stand = Stand(peer.url())

        async def scene() -> None:
            stand.now += LEAST_PAUSE
            issuer.body = key_set("k1", "k2")
            gone = asyncio.ensure_future(stand.verdict("k2"))
            waiting = [asyncio.ensure_future(stand.verdict("k2")) for _ in range(20)]
            await asyncio.sleep(0.05)
            gone.cancel()  # a caller that hangs up takes nobody along
            assert await stand.verdict("k1") == DANA  # the others do not wait
            assert await asyncio.gather(*waiting) == [DANA] * 20

        played(stand, scene)
        assert len(peer.requests) == 2


def test_old_keys_serve_until_they_are_too_old(issuer: Issuer) -> None:
    with serving(issuer.behave) as peer:
        stand = Stand(peer.url(), jwks_max_stale_secs=600)

        async def scene() -> None:
            issuer.status = "503 Service Unavailable"
            for _ in range(5):
                stand.now += 100
                assert await stand.verdict("k2") == "oidc.unknown-kid"
                assert await stand.verdict("k1") == DANA
            assert len(peer.requests) == 6
            stand.now += 100
            assert await stand.verdict("k1") == "oidc.keys-unavailable"
            assert await stand.verdict("k1") == "oidc.keys-unavailable"
            assert len(peer.requests) == 7
            issuer.status = "200 OK"
            stand.now += LEAST_PAUSE
            assert await stand.verdict("k1") == DANA

        played(stand, scene)
    failed = stand.told("oidc.keys_fetch_failed")
    assert [each["keys_in_force"] for each in failed] == [True] * 5 + [False]
    assert failed[0]["reason"] == "the key set cannot be fetched: its server answered 503"


def test_an_issuer_that_is_down_at_the_start(issuer: Issuer) -> None:
    issuer.status = "500 Oops"
    with serving(issuer.behave) as peer:
        stand = Stand(peer.url())

        async def scene() -> None:
            assert await stand.verdict("k1") == "oidc.keys-unavailable"
            issuer.status = "200 OK"
            stand.now += LEAST_PAUSE
            assert await stand.verdict("k1") == DANA

        played(stand, scene)
    assert stand.told("oidc.denied") == [{"reason": "keys-unavailable"}]


def test_nobody_listens() -> None:
    with serving(lambda _: None) as peer:
        pass
    stand = Stand(peer.url())

    async def scene() -> None:
        assert await stand.verdict("k1") == "oidc.keys-unavailable"

    played(stand, scene)
    assert stand.events[0][0] == WARN and "connect" in stand.events[0][2]["reason"]


@pytest.mark.parametrize(
    ("status", "more", "body", "reason"),
    [
        ("302 Found", "Location: /other\r\n", b"", "answered 302"),
        ("200 OK", "", b"", "not JSON"),
        ("200 OK", "", b"\xff", "not UTF-8"),
        ("200 OK", "", b'{"keys":[]}', "at least one key"),
        ("200 OK", "", b'{"keys":[{"kty":"oct","k":"aGlkZGVu"}]}', "symmetric"),
        ("200 OK", "", b" " * 1_048_577, "larger than 1 MiB"),
    ],
)
def test_answers_that_leave_the_old_keys(
    issuer: Issuer, status: str, more: str, body: bytes, reason: str
) -> None:
    with serving(issuer.behave) as peer:
        stand = Stand(peer.url())

        async def scene() -> None:
            issuer.status, issuer.more, issuer.body = status, more, body
            stand.now += LEAST_PAUSE
            assert await stand.verdict("k2") == "oidc.unknown-kid"
            assert await stand.verdict("k1") == DANA

        played(stand, scene)
        assert len(peer.requests) == 2  # a redirect is not followed
    assert reason in stand.told("oidc.keys_fetch_failed")[0]["reason"]
    assert "aGlkZGVu" not in str(stand.events)


def test_the_same_set_keeps_what_was_verified(issuer: Issuer) -> None:
    with serving(issuer.behave) as peer:
        stand = Stand(peer.url())

        async def scene() -> None:
            before = stand.keys.keys
            stand.now += 300
            await stand.keys.refresh()
            assert len(peer.requests) == 2 and stand.keys.keys is before
            issuer.body = key_set("k1", more=({"kty": "OKP"},))
            await stand.keys.refresh()
            assert stand.keys.keys is not before

        played(stand, scene)
    assert [event for _, event, _ in stand.events] == ["oidc.keys_fetched"] * 2 + ["oidc.key_skipped"]
    assert stand.events[0][0] == INFO


def test_keys_are_refreshed_in_the_background(issuer: Issuer) -> None:
    with serving(issuer.behave) as peer:
        stand = Stand(peer.url(), jwks_refresh_secs=0.05)

        async def scene() -> None:
            issuer.body = key_set("k2")
            for _ in range(200):
                await asyncio.sleep(0.01)
                if not isinstance(stand.look("k2"), Denial):
                    return
            pytest.fail("never refreshed")

        played(stand, scene)


def test_after_a_failure_the_background_tries_sooner(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_AGAIN", 0.02)
    issuer.status = "500 Oops"
    with serving(issuer.behave) as peer:
        stand = Stand(peer.url(), jwks_refresh_secs=3600)

        async def scene() -> None:
            issuer.status = "200 OK"
            for _ in range(200):
                await asyncio.sleep(0.01)
                if stand.keys.keys is not None:
                    return
            pytest.fail("never tried again")

        played(stand, scene)


def test_stopping_ends_a_fetch_and_lets_callers_go(issuer: Issuer) -> None:
    with serving(issuer.behave) as peer:
        stand = Stand(peer.url())

        async def main() -> None:
            await stand.binding.start()
            issuer.hold = 30.0
            stand.now += LEAST_PAUSE
            asked = asyncio.ensure_future(stand.verdict("k2"))
            await asyncio.sleep(0.05)
            await stand.binding.stop()
            assert await asyncio.wait_for(asked, 5) == "oidc.unknown-kid"

        asyncio.run(main())


def test_a_reload_keeps_the_keys_when_the_issuer_is_down(issuer: Issuer) -> None:
    with serving(issuer.behave) as peer:
        first, again, elsewhere = Stand(peer.url()), Stand(peer.url()), Stand(peer.url("/other"))

        async def scene() -> None:
            issuer.status = "500 Oops"
            again.binding.adopt(first.binding)
            elsewhere.binding.adopt(first.binding)
            again.binding.adopt(object())
            await again.binding.start()
            assert await again.verdict("k1") == DANA
            assert elsewhere.keys.keys is None
            await again.binding.stop()

        played(first, scene)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("127.0.0.1.example", False),
        ("127.a", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("::2", False),
    ],
)
def test_loopback(host: str, here: bool) -> None:
    assert is_loopback(host) is here


def test_a_fetcher_that_fetched_nothing_closes() -> None:
    asyncio.run(Fetcher().aclose())


def test_an_address_is_read_again_at_the_fetch() -> None:
    with pytest.raises(ConfigError, match="jwks_url"):
        asyncio.run(Fetcher().fetch("nowhere"))


def test_any_failure_of_a_fetch_is_told() -> None:
    events: list[Event] = []

    async def fetch(_: str) -> bytes:
        raise OSError(28, "No space left on device")

    keys = LiveKeys("https://h/", fetch, lambda *event: events.append(event))
    asyncio.run(keys.refresh())
    assert events == [
        (WARN, "oidc.keys_fetch_failed", {"reason": "No space left on device", "keys_in_force": False})
    ]


def test_plain_http_is_for_this_machine() -> None:
    with pytest.raises(ConfigError, match="https"):
        oidc("staff", {"issuer": ISSUER, "jwks_url": "http://login.example/"})
