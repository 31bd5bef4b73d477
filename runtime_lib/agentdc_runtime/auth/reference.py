"""`KIND` and `KIND:NAME` (spec 02 §2.1). Links nothing but errors."""

from __future__ import annotations

from agentdc_runtime.errors import ConfigError

KINDS = ("basic", "bearer", "hmac", "mtls", "oidc")


def parse(text: str | None) -> tuple[str, str] | None:
    """Kind and name of a binding, None for everyone; ConfigError names what is wrong."""
    if text is None or text.strip().lower() in {"", "none"}:
        return None
    kind, _, name = text.partition(":")
    kind, name = kind.strip(), name.strip() or "default"
    if kind not in KINDS:
        raise ConfigError(f'auth "{text}": unknown kind "{kind}"; accepted are none, {", ".join(KINDS)}')
    if kind == "mtls" and name != "default":
        raise ConfigError(f'auth "{text}": mtls has no named bindings')
    return kind, name
