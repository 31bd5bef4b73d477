"""One backend: a request to the text of one HTTP exchange, and what its failures mean (spec 03 §6.4, §6.5).

Knows no other backend and repeats nothing. Links the URL parser; the client, which is slow to load, with the first
request that is really sent. A key is resolved for each request, and no error holds one.
"""

from __future__ import annotations

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.jsontext import JsonError, compact, loads
from agentdc_runtime.models.message import Malformed, ModelFailed
from agentdc_runtime.net.url import BadUrl, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import ModuleType
    from typing import Any

    from agentdc_runtime.models.message import Reply, Request
    from agentdc_runtime.net.http_client import Answer, Client

DEFAULT_TOKENS = 1024
MOST_BODY = 10 << 20  # bytes of an answer
MOST_TOLD = 400  # bytes of a refusal that an error repeats
CONNECT = 10.0  # seconds
PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 529))
HIDDEN = "<redacted>"


class Backend:
    """A declared model.

    `settings`: its table in the operands. `dialect`: the module of its provider. `secret`: resolves a name.
    `client`: makes the HTTP client when first asked.
    """

    __slots__ = (
        "_base",
        "_client",
        "_dialect",
        "_key",
        "_max_tokens",
        "_secret",
        "_temperature",
        "model",
        "name",
        "provider",
        "timeout",
    )

    def __init__(
        self,
        settings: Mapping[str, Any],
        dialect: ModuleType,
        secret: Callable[[str], Awaitable[str]],
        client: Callable[[], Client],
    ) -> None:
        self.name: str = settings["name"]
        self.provider: str = settings["provider"]
        self.model: str = settings["model"]
        self.timeout: float | None = settings.get("timeout_secs")
        self._dialect = dialect
        self._base = _base(settings.get("base_url") or dialect.BASE, dialect.path(self.model))
        self._key: str | None = settings.get("api_key_env")
        self._max_tokens: int | None = settings.get("max_tokens")
        self._temperature: float | None = settings.get("temperature")
        self._secret = secret
        self._client = client

    @property
    def system(self) -> str:
        """The provider in the words of the OpenTelemetry conventions."""
        system: str = self._dialect.SYSTEM
        return system

    @property
    def endpoint(self) -> str:
        """What a circuit breaker stands for: where requests go."""
        return self._base

    @property
    def key_name(self) -> str | None:
        """The secret with the key."""
        return self._key

    def rendered(self, request: Request) -> bytes:
        """The body that is sent."""
        if request.temperature is None and self._temperature is not None:
            request = request.with_temperature(self._temperature)
        limit = request.max_tokens or self._max_tokens or DEFAULT_TOKENS
        return compact(self._dialect.body(request, self.model, limit)).encode()

    async def ask(self, body: bytes, seconds: float) -> Reply:
        """One exchange of at most so many seconds."""
        key = await self._resolved()
        answer = await self._exchange(body, key, seconds)
        if not 200 <= answer.status <= 299:
            raise self._refused(answer, key)
        if answer.truncated:
            raise ModelFailed(f"{self.provider}: an answer of more than {MOST_BODY} bytes")
        try:
            return _read(self._dialect, answer.body)
        except Malformed as error:
            raise ModelFailed(f"{self.provider} {error.reason}", passing=True) from None

    async def _resolved(self) -> str:
        if self._key is None:
            return ""
        try:
            key = await self._secret(self._key)
        except ConfigError as error:
            raise ModelFailed(f"{self.provider}: secret `{self._key}`: {error.reason}") from None
        if not key.isascii() or not key.isprintable():
            reason = f"{self.provider}: secret `{self._key}`: it holds what cannot stand in a header"
            raise ModelFailed(reason)
        return key.strip()

    async def _exchange(self, body: bytes, key: str, seconds: float) -> Answer:
        from agentdc_runtime.net.http_client import ExchangeFailed, Limits

        limits = Limits(min(CONNECT, seconds), seconds, seconds, seconds)
        headers = [each for each in self._dialect.headers(key) if each[1]]
        try:
            return await self._client().send("POST", parse(self._base), body, headers, limits)
        except (BadUrl, ExchangeFailed) as error:
            passing = isinstance(error, ExchangeFailed)
            raise ModelFailed(f"{self.provider}: {error.reason}", passing=passing) from None

    def _refused(self, answer: Answer, key: str) -> ModelFailed:
        text = answer.body.decode("utf-8", "replace")
        if len(key) >= 4:
            text = text.replace(key, HIDDEN)
        said = text.encode()[:MOST_TOLD].decode("utf-8", "ignore")
        passing = answer.status in PASSING
        wait = retry_after(answer.headers) if passing else None
        return ModelFailed(f"{self.provider} returned {answer.status}: {said}", passing=passing, wait=wait)


def _read(dialect: ModuleType, body: bytes) -> Reply:
    try:
        document = loads(body.decode())
    except JsonError as error:
        raise Malformed(f"response is not JSON: {error.reason}") from None
    except UnicodeDecodeError:
        raise Malformed("response is not JSON: it is not UTF-8") from None
    reply: Reply = dialect.reply(document)
    return reply


def _base(base: str, path: str) -> str:
    """The URL of requests: a base that ends as the path begins is not doubled."""
    base = base.rstrip("/")
    first = f"/{path.split('/')[1]}"
    return base.removesuffix(first) + path


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait, by number or date; None when it asks nothing that can be read."""
    milliseconds = headers.get("retry-after-ms", "").strip()
    if milliseconds.isascii() and milliseconds.isdecimal():
        return min(int(milliseconds[:12]) / 1000, _LONGEST)
    text = headers.get("retry-after", "").strip()
    whole, _, rest = text.partition(".")
    if whole.isascii() and whole.isdecimal() and (not rest or (rest.isascii() and rest.isdecimal())):
        return min(float(text), _LONGEST)
    if not text:
        return None
    import time
    from email.utils import parsedate_to_datetime

    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - time.time()), _LONGEST)
    except (ValueError, TypeError, OverflowError):
        return None


_LONGEST = 86_400.0
