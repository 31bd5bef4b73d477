"""Which proxy a URL is asked through, from `HTTPS_PROXY` and `NO_PROXY` (spec 03 §6.5). Links nothing.

Only https goes through one: it is a tunnel then, and the proxy sees the host and nothing else. Either spelling of a
variable counts, small letters first.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdc_runtime.net.url import Url


def proxy_for(url: Url, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL, or None for a direct connection."""
    if url.scheme != "https":
        return None
    proxy = _variable("https_proxy", environ)
    if not proxy or _excepted(url, _variable("no_proxy", environ)):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(name: str, environ: Mapping[str, str]) -> str:
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _excepted(url: Url, listed: str) -> bool:
    """Whether a host is in the list: `*`, a name with all below it, an address; each with a port or without."""
    for each in listed.replace(",", " ").split():
        entry, port = each.lower().lstrip("."), None
        if entry.count(":") == 1:
            entry, _, port = entry.partition(":")
        if port is not None and port != str(url.port):
            continue
        if entry.strip("[]") in ("*", url.host) or (entry and url.host.endswith(f".{entry}")):
            return True
    return False
