"""Access tokens by OAuth 2 client credentials (RFC 6749 §4.4; spec 02 §6.2). Links the HTTP client.

Theory of operation. A token is used until `expires_in - skew_secs`; the next use after that fetches a new one. One
fetch is under way at a time: whoever comes meanwhile gets the old token while it is really valid, else waits and
shares the outcome, a failure too, so a dead endpoint costs every waiter one time-out and not a queue of them. When a
refresh fails, the old token is used until it really expires, and the endpoint is asked again after 1, 2, 4 … 30 s.
Without a valid token each use asks.

Lifetimes count from before the request was sent, on the monotonic clock. Error texts are cleared of the client's
credentials, which an endpoint may echo; the body of a success is never told, as it may hold a token.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from time import monotonic
from urllib.parse import quote_plus

from agentdc_runtime.jsontext import JsonError, loads
from agentdc_runtime.net.url import BadUrl, parse
from agentdc_runtime.observe.log import INFO, WARN
from agentdc_runtime.secrets.errors import SecretError
from agentdc_runtime.secrets.registry import Registry
from agentdc_runtime.secrets.sources import MAX_BYTES, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from typing import Any

    from agentdc_runtime.net.http_client import Answer
    from agentdc_runtime.secrets.registry import Emit, Spec

CONNECT_TIMEOUT = 10.0  # seconds
TOTAL_TIMEOUT = 30.0
DEFAULT_LIFETIME = 300  # seconds, when the endpoint does not say
LONGEST_PAUSE = 30.0  # seconds between attempts while an old token is still valid
_SHOWN = 300  # characters of an endpoint's error


class Oauth2:
    """One secret of source `oauth2`; `resolve` gives the client's id and secret by their names."""

    __slots__ = (
        "_attempts",
        "_clock",
        "_emit",
        "_expires_at",
        "_failed",
        "_failures",
        "_lock",
        "_name",
        "_renew_at",
        "_resolve",
        "_retry_at",
        "_spec",
        "_token",
    )

    def __init__(
        self,
        spec: Spec,
        resolve: Callable[[str], Awaitable[str]],
        emit: Emit,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._name: str = spec["name"]
        self._spec = spec
        self._resolve = resolve
        self._emit = emit
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at = self._expires_at = self._retry_at = float("-inf")
        self._attempts = self._failures = 0
        self._failed: str | None = None  # the cause of the last failure, None after a success

    async def value(self) -> str:
        """A token that has not expired, as far as the endpoint told; SecretError when none can be had."""
        now = self._clock()
        if now < self._renew_at:
            return self._token
        if now < self._expires_at and (now < self._retry_at or self._lock.locked()):
            return self._token
        attempts = self._attempts
        async with self._lock:
            if self._attempts == attempts:
                await self._refresh()
            return self._outcome()

    def _outcome(self) -> str:
        if self._failed is not None and self._clock() >= self._expires_at:
            raise SecretError(self._name, self._failed)
        return self._token

    async def _refresh(self) -> None:
        started = self._clock()
        try:
            token, seconds = await self._fetch()
        except SecretError as error:
            self._attempts += 1
            self._failed = error.cause
            self._retry_at = self._clock() + min(2.0 ** min(self._failures, 10), LONGEST_PAUSE)
            self._failures += 1
            if self._clock() < self._expires_at:
                told = {"secret": self._name, "reason": error.cause}
                self._emit(WARN, "secrets.oauth2_refresh_failed", told)
            return
        self._attempts += 1
        self._failed, self._failures = None, 0
        self._token = token
        self._expires_at = started + seconds
        self._renew_at = self._expires_at - self._spec.get("skew_secs", 60)
        event: dict[str, Any] = {"secret": self._name, "expires_in_secs": seconds}
        self._emit(INFO, "secrets.oauth2_token_fetched", event)

    async def _fetch(self) -> tuple[str, int]:
        """A new token and its lifetime in seconds."""
        client = await self._credential("client_id_env")
        password = await self._credential("client_secret_env")
        pair = b64encode(f"{client}:{password}".encode()).decode()
        basic = self._spec.get("auth_style", "body") == "basic"
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        if basic:
            headers["authorization"] = f"Basic {pair}"
        body = form(self._spec, None if basic else (client, password))
        answer = await self._ask(headers, body)
        if not 200 <= answer.status < 300:
            told = _cleared(answer.body.decode("utf-8", "replace"), password, pair)
            answered = f"the token endpoint answered {answer.status}"
            raise SecretError(self._name, f"{answered}: {told}" if told else answered)
        if answer.truncated:
            raise SecretError(self._name, "the token endpoint's answer is larger than 1 MiB")
        return self._parsed(answer.body)

    async def _ask(self, headers: Mapping[str, str], body: str) -> Answer:
        from agentdc_runtime.net.http_client import ExchangeFailed

        try:
            return await post(self._spec["token_url"], headers, body.encode())
        except BadUrl as error:
            raise SecretError(self._name, f"token_url: {error.reason}") from None
        except ExchangeFailed as error:
            raise SecretError(self._name, f"the token endpoint did not answer: {error.reason}") from None

    async def _credential(self, key: str) -> str:
        try:
            return await self._resolve(self._spec[key])
        except SecretError as error:
            raise SecretError(self._name, f"{key}: {error.reason}") from None

    def _parsed(self, data: bytes) -> tuple[str, int]:
        try:
            answer = loads(as_text(data) or "")
        except JsonError:
            answer = None
        if not isinstance(answer, dict):
            raise SecretError(self._name, "the token endpoint's answer is not a JSON object")
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise SecretError(self._name, "the token endpoint's answer has no access_token")
        return token, lifetime(answer.get("expires_in"))


def registry(specs: Sequence[Spec], environ: Mapping[str, str], emit: Emit) -> Registry:
    """The registry of an app that links this module."""
    return Registry(specs, environ, emit, oauth2=Oauth2)


def lifetime(stated: Any) -> int:
    """Seconds that a token lives: a positive integer as stated, else the default."""
    positive = isinstance(stated, int) and not isinstance(stated, bool) and stated > 0
    return stated if positive else DEFAULT_LIFETIME


def form(spec: Spec, credentials: tuple[str, str] | None) -> str:
    """The fields of the request in the order of the specification."""
    fields = [("grant_type", "client_credentials")]
    if credentials is not None:
        fields += [("client_id", credentials[0]), ("client_secret", credentials[1])]
    if spec.get("scopes"):
        fields.append(("scope", " ".join(spec["scopes"])))
    fields += sorted((spec.get("extra_params") or {}).items())
    return "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in fields)


async def post(address: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """The endpoint's answer, on a connection of its own; BadUrl or ExchangeFailed when there is none."""
    from agentdc_runtime.net.http_client import Client, Limits

    limits = Limits(connect=CONNECT_TIMEOUT, read=TOTAL_TIMEOUT, write=TOTAL_TIMEOUT, total=TOTAL_TIMEOUT)
    client = Client(plain=limits, secure=limits, cap=MAX_BYTES)
    try:
        return await client.send("POST", parse(address), body, headers.items())
    finally:
        await client.aclose()


def _encoded(text: str) -> str:
    return quote_plus(text, safe="-_.~")


def _cleared(text: str, *hidden: str) -> str:
    """The beginning of a foreign text on one line, without what must not be told."""
    for each in _spellings(hidden):
        text = text.replace(each, "<redacted>")
    return " ".join(text.split())[:_SHOWN]


def _spellings(hidden: Iterable[str]) -> list[str]:
    found = {spelling for each in hidden if each for spelling in (each, _encoded(each))}
    return sorted(found, key=lambda each: (-len(each), each))
