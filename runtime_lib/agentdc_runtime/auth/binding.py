"""From the settings of `[auth.oidc.NAME]` to a binding with its keys (spec 02 §2.7). Links `oidc`, `live`, `fetch`.

Whatever is wrong is told before the app listens, except for keys that are fetched: an issuer that is down for a
moment must not keep the app from starting, and without keys every token is denied.
"""

from __future__ import annotations

from agentdc_runtime.auth.fetch import Fetcher, check_address
from agentdc_runtime.auth.jwks import FAMILIES, MAX_BYTES, FixedKeys, parse_jwks
from agentdc_runtime.auth.live import MAX_STALE, REFRESH, LiveKeys
from agentdc_runtime.auth.oidc import Oidc
from agentdc_runtime.errors import ConfigError
from agentdc_runtime.observe.log import WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from agentdc_runtime.auth.oidc import Emit

_SOURCES = ("jwks_json", "jwks_file", "jwks_url")
_SYMMETRIC = frozenset(("HS256", "HS384", "HS512"))


def _nobody(_level: int, _event: str, _fields: dict[str, Any]) -> None:
    """Takes events as long as the host has not said who does."""


class FixedOidc(Oidc):
    """A binding with the keys of the workflow or of a file."""

    __slots__ = ("_name", "_skipped")

    def __init__(self, name: str, settings: Mapping[str, Any], text: str, emit: Emit) -> None:
        keys = parse_jwks(text)
        self._name = name
        self._skipped = keys.skipped
        super().__init__(settings, FixedKeys(keys), emit)

    async def start(self) -> None:
        """Tell which keys were left out."""
        for each in self._skipped:
            self.emit(WARN, "oidc.key_skipped", {"binding": self._name, "reason": each})

    async def stop(self) -> None:
        """Nothing goes on."""


class LiveOidc(Oidc):
    """A binding with keys that are fetched."""

    __slots__ = ("_fetcher", "_live", "_name")

    def __init__(self, name: str, settings: Mapping[str, Any], emit: Emit) -> None:
        url = settings["jwks_url"]
        check_address(url)
        self._name = name
        self._fetcher = Fetcher()
        self._live = LiveKeys(
            url,
            self._fetcher.fetch,
            self._tell,
            refresh=settings.get("jwks_refresh_secs") or REFRESH,
            max_stale=settings.get("jwks_max_stale_secs") or MAX_STALE,
        )
        super().__init__(settings, self._live, emit)

    async def start(self) -> None:
        """Fetch the keys, and keep them fresh."""
        await self._live.start()

    async def stop(self) -> None:
        """Fetch no more."""
        await self._live.stop()
        await self._fetcher.aclose()

    def adopt(self, former: object) -> None:
        """Begin with the keys of a binding that this one replaces."""
        if isinstance(former, LiveOidc):
            self._live.adopt(former._live)

    def _tell(self, level: int, event: str, fields: dict[str, Any]) -> None:
        self.emit(level, event, {"binding": self._name, **fields})


def oidc(name: str, settings: Mapping[str, Any], emit: Emit = _nobody) -> Oidc:
    """The binding; ConfigError names it and what is wrong. `emit`: may be set on it later as well."""
    try:
        _check_algorithms(settings.get("algorithms", ("RS256",)))
        given = [each for each in _SOURCES if settings.get(each) is not None]
        if len(given) != 1:
            raise ConfigError(f"exactly one of {', '.join(_SOURCES)} is needed, and there are {len(given)}")
        if given == ["jwks_url"]:
            return LiveOidc(name, settings, emit)
        source = settings[given[0]]
        return FixedOidc(name, settings, source if given == ["jwks_json"] else _file(source), emit)
    except ConfigError as error:
        raise ConfigError(f"auth.oidc.{name}: {error.reason}") from None


def _check_algorithms(algorithms: list[str] | tuple[str, ...]) -> None:
    if not algorithms:
        raise ConfigError("algorithms needs at least one entry")
    for each in algorithms:
        if each.lower() == "none":
            raise ConfigError(f'the algorithm "{each}" accepts unsigned tokens')
        if each.upper() in _SYMMETRIC:
            raise ConfigError(f'the algorithm "{each}" needs a shared secret, and the keys here are public')
        if each.upper() not in FAMILIES:
            raise ConfigError(f'the algorithm "{each}" is not supported')


def _file(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"jwks_file {path}: {reason}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"jwks_file {path}: larger than 1 MiB")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"jwks_file {path}: not UTF-8 text") from None
