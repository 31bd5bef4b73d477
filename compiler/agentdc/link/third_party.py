"""Third-party packages that an app links: which modules are foreign, and what the manifest says of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata

from agentdc.link.closure import RUNTIME
from agentdc.link.vendor import closure

REASONS = {
    "cryptography": "tokens of [auth.oidc]",
    "h2": "[server] http2",
    "httpx": "http_request nodes, models, MCP servers with a URL, OAuth2 secrets and keys that are fetched",
    "uvloop": "a faster event loop for apps that serve",
    "wsproto": "routes with a WebSocket",
}
# What an app takes where it is installed, and does without elsewhere.
OPTIONAL = frozenset({"uvloop"})
# Of the standard library of another supported Python than this one; imported with a fallback.
OTHER_PYTHONS = frozenset({"_sha2", "_sha256", "_sha512"})


def foreign_modules(imported: Iterable[str], package: str) -> tuple[str, ...]:
    """Top-level modules of neither the standard library, the runtime, nor the app's own `package`; sorted."""
    ours = {package, RUNTIME}
    return tuple(sorted(set(imported) - sys.stdlib_module_names - OTHER_PYTHONS - ours))


def third_party(foreign: Iterable[str]) -> list[tuple[str, str, str]]:
    """(distribution, version, reason) of every package behind these modules, and of what it requires."""
    return [
        (each, metadata.version(each), REASONS.get(each, "required by another")) for each in closure(foreign)
    ]
