"""`[[secrets]]` beyond shape: circles, literal secrets, unusable endpoints, undeclared names (spec 02 §6).

A literal secret under a key of its own is refused by the strict records already. Messages name keys and secrets;
no value of a table of secrets is ever repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from agentdc.diagnostics import Diagnostic, Span, code, did_you_mean, error, warning
from agentdc.model.secrets import KeyringSecret, Oauth2Secret
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

_LITERAL = frozenset(
    (
        "access_token",
        "api_key",
        "apikey",
        "assertion",
        "client_assertion",
        "client_secret",
        "password",
        "private_key",
        "refresh_token",
        "secret",
        "token",
    )
)
_NEEDS = ("client_id_env", "client_secret_env")
_PLACEHOLDER = re.compile(r"\{\{\s*secret:([A-Za-z0-9_-]+)\s*\}\}")


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """Findings about declared secrets, then about names that nothing declares."""
    yield from _circles(workflow, at)
    for index, secret in enumerate(workflow.secrets):
        if isinstance(secret, Oauth2Secret):
            yield from _endpoint(secret, at.value(("secrets", index, "token_url")))
            for key in secret.extra_params:
                if key.lower().replace("-", "_") in _LITERAL:
                    place = at.key(("secrets", index, "extra_params", key))
                    yield _literal(secret.name, f'the form field "{key}"', place)
    yield from _undeclared(workflow, at)


def unbuilt(workflow: Workflow, at: Places) -> Iterator[tuple[str, Span]]:
    """What a build would have to leave out: in words, and where it stands."""
    for index, secret in enumerate(workflow.secrets):
        if isinstance(secret, KeyringSecret):
            yield f"{secret.source} secrets", at.value(("secrets", index, "source"))


def _circles(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """Each circle once, at its first secret in the file."""
    indices = {secret.name: index for index, secret in enumerate(workflow.secrets)}
    needs = {
        secret.name: {key: getattr(secret, key) for key in _NEEDS}
        for secret in workflow.secrets
        if isinstance(secret, Oauth2Secret)
    }
    told: set[str] = set()
    for name, keys in needs.items():
        for key, needed in keys.items():
            route = None if name in told else _route(needed, name, needs)
            if route is not None:
                told.update(route)
                yield _circle([name, *route], at.value(("secrets", indices[name], key)))


def _route(start: str, end: str, needs: dict[str, dict[str, str]]) -> list[str] | None:
    """The names from `start` to `end`, each needing the next; None when there is no such way."""
    waiting, seen = [[start]], {start}
    while waiting:
        route = waiting.pop(0)
        if route[-1] == end:
            return route
        for each in needs.get(route[-1], {}).values():
            if each not in seen:
                seen.add(each)
                waiting.append([*route, each])
    return None


def _endpoint(secret: Oauth2Secret, at: Span) -> Iterator[Diagnostic]:
    try:
        parts = urlsplit(secret.token_url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        message = f'the token_url of the secret "{secret.name}" is not an http or https URL'
        yield error(code("constraint"), message, at, "not a URL to ask for a token")
    elif "@" in parts.netloc:
        yield _literal(secret.name, "the token_url", at)


def _undeclared(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    declared = [secret.name for secret in workflow.secrets]
    for index, node in enumerate(workflow.nodes):
        headers: dict[str, str] = getattr(node, "headers", None) or {}
        for header in sorted(headers):
            for name in _PLACEHOLDER.findall(headers[header]):
                if name not in declared:
                    yield _unknown(name, declared, at.value(("nodes", index, "headers", header)))


def _circle(route: list[str], at: Span) -> Diagnostic:
    message = f'the secret "{route[0]}" needs its own value: {" → ".join(route)}'
    helped = "client_id_env and client_secret_env name secrets that do not come from this token"
    return error(code("secret_cycle"), message, at, "leads back here", help=helped)


def _literal(secret: str, where: str, at: Span) -> Diagnostic:
    message = f'{where} of the secret "{secret}" holds a secret in plain text'
    helped = "name a secret with client_id_env or client_secret_env, and change the one that stood here"
    return error(code("literal_secret"), message, at, "everybody who reads the file can read it", help=helped)


def _unknown(name: str, declared: list[str], at: Span) -> Diagnostic:
    message = f'no [[secrets]] entry declares "{name}": the environment variable of that name is used'
    helped = did_you_mean(name, declared, few=0) or f'declare it: name = "{name}", source = "env" or another'
    return warning(code("undeclared_secret"), message, at, help=helped)
