"""Which HTTP requests the policy allows (spec 02 §5.2 to §5.4). Links `net.url`, and `jsontext` for messages.

A URL is matched as text, as it was given. Three things make the text mean what it seems to. The URL must be one
that can be read in one way only (`net.url`). Where a pattern stops in the middle of the host (`https://shop.example*`)
the host must be that one, whole. And where a pattern stops below the root of a host, the path must still be covered
after `..` was followed. Names are not looked up here: an address in a private network is as good as any other that
the list covers.
"""

from __future__ import annotations

from agentdc_runtime.errors import PolicyError
from agentdc_runtime.jsontext import compact
from agentdc_runtime.net.url import BadUrl, folded, parse, without_user
from agentdc_runtime.policy.match import folder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.policy.gate import Gate


def allow(gate: Gate, method: str, url: str, tool: str = "http_request") -> None:
    """Returns when the request may be sent; a PolicyError names method and URL. `method`: in upper case.

    A URL that is covered and is plainly no URL (its scheme, its port) is left to the caller to refuse.
    """
    if gate.http is None:
        return
    urls, methods = gate.http
    reason = _refusal(urls, methods, method, url)
    if reason:
        asked = compact(f"{method} {without_user(url)}")
        raise PolicyError(f"{tool}: http_request of {asked} {reason}")


def _refusal(urls: list[str], methods: list[str], method: str, url: str) -> str:
    """Why not; empty when allowed. The order is the reference's: no URLs at all, method, URL."""
    if urls and methods and method not in [each.upper() for each in methods]:
        return "is not covered by [policy.http] methods"
    try:
        host = parse(url).host
    except BadUrl as bad:
        if bad.ambiguous and urls:
            return f"is not covered by [policy.http] urls: {bad.reason}"
        host = ""
    try:
        covered = any(_covers(pattern, url, host) for pattern in urls)
    except BadUrl as bad:
        return f"is not covered by [policy.http] urls: {bad.reason}"
    return "" if covered else "is not covered by [policy.http] urls"


def _covers(pattern: str, url: str, host: str) -> bool:
    """Matcher P on a URL of this host; BadUrl when the path cannot be judged."""
    if pattern == "*":
        return True
    folder = folder_of(pattern)
    if folder is None and not pattern.endswith("*"):
        return url == pattern
    start = pattern[:-1] if folder is None else folder + "/"
    if not url.startswith(start):
        return url == folder
    named, below_root = _authority(start)
    if named not in ("", host):
        return False
    if not below_root:
        return True
    plain = folded(url)
    return plain == folder or plain.startswith(start)


def _authority(start: str) -> tuple[str, bool]:
    """The host that a pattern stops in the middle of, else ""; and whether it stops below the root of a host."""
    _, found, rest = start.partition("://")
    if not found or not rest:
        return "", False
    end = min([at for mark in "/?#" if (at := rest.find(mark)) >= 0], default=-1)
    if end < 0:
        host = rest[1:].partition("]")[0] if rest[0] == "[" else rest.partition(":")[0]
        return host.lower(), False
    return "", rest[end:] != "/"
