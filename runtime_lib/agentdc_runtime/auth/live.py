"""Keys that are fetched from their issuer and kept fresh. Links asyncio and `jwks`.

Theory of operation. A background task fetches every `refresh` seconds. A token that names an unknown key may ask in
between, at most once in ten seconds, as anybody can send such tokens. One fetch is under way at a time, and whoever
needs one joins it. When a fetch fails, the keys at hand stay in force until their last success is `max_stale`
seconds ago; from then on there are none, and every token is denied. A set with the same bytes as before stays the
same object, so what was derived from it (verified tokens) stays too.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from agentdc_runtime.auth.jwks import parse_jwks
from agentdc_runtime.errors import AgentError, ConfigError
from agentdc_runtime.observe.log import INFO, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeAlias

    from agentdc_runtime.auth.jwks import Keys

    Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
    Tell: TypeAlias = Callable[[int, str, dict[str, Any]], None]

REFRESH = 300.0  # seconds
MAX_STALE = 86_400.0
LEAST_PAUSE = 10.0  # seconds between the end of a fetch and the next one that a token asks for
_AGAIN = 30.0  # seconds until the next attempt in the background after one that failed


class LiveKeys:
    """The keys at `url`. `fetch`: brings the bytes from there, or raises AgentError. `tell`: takes audit events."""

    __slots__ = (
        "_ended",
        "_failed",
        "_fetch",
        "_fetched",
        "_flight",
        "_keys",
        "_loop",
        "_max_stale",
        "_raw",
        "_refresh",
        "_tell",
        "_url",
        "clock",
    )

    def __init__(
        self, url: str, fetch: Fetch, tell: Tell, *, refresh: float = REFRESH, max_stale: float = MAX_STALE
    ) -> None:
        self._url = url
        self._fetch = fetch
        self._tell = tell
        self._refresh = refresh
        self._max_stale = max_stale
        self._keys: Keys | None = None
        self._raw = b""
        self._fetched = self._ended = float("-inf")  # the last success began, the last attempt ended
        self._failed = False
        self._flight: asyncio.Task[None] | None = None
        self._loop: asyncio.Task[None] | None = None
        self.clock: Callable[[], float] = monotonic

    @property
    def keys(self) -> Keys | None:
        """The keys in force; None before the first success, and when the last one is too long ago."""
        return self._keys if self.clock() - self._fetched < self._max_stale else None

    def renewal(self) -> Callable[[], Awaitable[None]] | None:
        """The fetch that is under way or may be begun now; None when the last one has just ended."""
        if self._flight is None and self.clock() - self._ended < LEAST_PAUSE:
            return None
        return self.refresh

    async def start(self) -> None:
        """Fetch once, and from then on in the background; a failure is told, and raises nothing."""
        await self.refresh()
        self._loop = asyncio.get_running_loop().create_task(self._follow())

    async def stop(self) -> None:
        """Fetch no more."""
        tasks = [each for each in (self._loop, self._flight) if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop = None

    async def refresh(self) -> None:
        """Wait for the fetch that is under way, or for a new one."""
        if self._flight is None:
            self._flight = asyncio.get_running_loop().create_task(self._attempt())
        # Not awaited itself: a caller that goes away would take the others' fetch along, and `stop` the callers.
        await asyncio.wait((self._flight,))

    def adopt(self, former: LiveKeys) -> None:
        """Begin with the keys of a former generation when they came from the same place."""
        if former._url == self._url and self._keys is None:
            self._keys, self._raw, self._fetched = former._keys, former._raw, former._fetched

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(min(self._refresh, _AGAIN) if self._failed else self._refresh)
            await self.refresh()

    async def _attempt(self) -> None:
        began = self.clock()
        try:
            self._take(await self._fetch(self._url), began)
        except (AgentError, OSError) as error:
            self._failed = True
            reason = error.reason if isinstance(error, AgentError) else error.strerror or type(error).__name__
            self._tell(
                WARN, "oidc.keys_fetch_failed", {"reason": reason, "keys_in_force": self.keys is not None}
            )
        finally:
            self._ended = self.clock()
            self._flight = None

    def _take(self, raw: bytes, began: float) -> None:
        if self._keys is None or raw != self._raw:
            keys = parse_jwks(_text(raw))
            self._keys, self._raw = keys, raw
            self._tell(INFO, "oidc.keys_fetched", {"keys": len(keys)})
            for each in keys.skipped:
                self._tell(WARN, "oidc.key_skipped", {"reason": each})
        self._fetched = began
        self._failed = False


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ConfigError("the key set is not UTF-8 text") from None
