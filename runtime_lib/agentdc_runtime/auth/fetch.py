"""Fetching a key set over HTTPS. Links the HTTP client, at the first fetch.

Trusts what the app's other requests trust (`net.tls`). No redirects: the address in the workflow is the only one.
"""

from __future__ import annotations

from agentdc_runtime.auth.jwks import MAX_BYTES
from agentdc_runtime.errors import ConfigError
from agentdc_runtime.net.url import BadUrl, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.net.http_client import Client

TIMEOUT = 10.0  # seconds, for each wait and for the whole exchange


class Fetcher:
    """Fetches with one client, whose certificate authorities are read once."""

    __slots__ = ("_client",)

    def __init__(self) -> None:
        self._client: Client | None = None

    async def fetch(self, address: str) -> bytes:
        """The body of a 200; ConfigError when there is none within ten seconds, or it is larger than 1 MiB."""
        from agentdc_runtime.net.http_client import Client, ExchangeFailed, Limits

        if self._client is None:
            limits = Limits(connect=TIMEOUT, read=TIMEOUT, write=TIMEOUT, total=TIMEOUT)
            self._client = Client(plain=limits, secure=limits, cap=MAX_BYTES)
        try:
            answer = await self._client.send("GET", parse(address), headers=(("accept", "application/json"),))
        except BadUrl as error:
            raise ConfigError(f"jwks_url: {error.reason}") from None
        except ExchangeFailed as error:
            raise ConfigError(f"the key set cannot be fetched: {error.reason}") from None
        if answer.status != 200:
            raise ConfigError(f"the key set cannot be fetched: its server answered {answer.status}")
        if answer.truncated:
            raise ConfigError("the key set is larger than 1 MiB")
        return answer.body

    async def aclose(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def check_address(address: str) -> None:
    """ConfigError unless keys may come from there: HTTPS, or plain HTTP on this machine only."""
    try:
        url = parse(address)
    except BadUrl as error:
        raise ConfigError(f"jwks_url: {error.reason}") from None
    if url.scheme != "https" and not is_loopback(url.host):
        raise ConfigError("jwks_url needs https: whoever is in between could put keys of their own there")


def is_loopback(host: str) -> bool:
    """Whether a host, as `net.url` reads it, is this machine."""
    return host in {"localhost", "::1"} or (host.startswith("127.") and host.replace(".", "").isdigit())
