"""`[auth]` and what routes say of it: references, bindings that let nobody in, keys, literals (spec 02 §2).

Whether a binding has one source of keys, and which algorithms there are, is known to `parse/rules.py`. What is on the
machine that the app will run on is not looked at here. No credential is ever repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from agentdc.check import jwks
from agentdc.diagnostics import Diagnostic, Label, Span, code, did_you_mean, error, warning
from agentdc.model.auth import Auth, Oidc
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

KINDS = ("basic", "bearer", "hmac", "mtls", "oidc")
_CURVES = {"ES256": "P-256", "ES384": "P-384"}  # all others take RSA keys
_LITERALS = {
    "bearer": ("tokens", "tokens_env"),
    "basic": ("credentials", "credentials_env"),
    "hmac": ("secret", "secret_env"),
}


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """Findings about the routes' references, then about the bindings by kind."""
    auth = workflow.auth or Auth()
    for index, route in enumerate(workflow.http_routes):
        yield from _reference(route.auth, workflow, auth, at, at.value(("http_routes", index, "auth")))
    if workflow.server is not None and workflow.server.approvals_auth is not None:
        who, where = workflow.server.approvals_auth, at.value(("server", "approvals_auth"))
        if who.strip().lower() == "none":
            message = f'approvals_auth "{who}": whoever reaches the port could approve'
            yield error(code("bad_auth_reference"), message, where, help="name a binding, such as bearer:ops")
        yield from _reference(who, workflow, auth, at, where)
    for kind in _LITERALS:
        for name, binding in getattr(auth, kind).items():
            yield from _credentials(kind, name, binding, at)
    for name, oidc in auth.oidc.items():
        yield from _oidc(name, oidc, at)


def reference(text: str | None, workflow: Workflow, at: Places, where: Span) -> Iterator[Diagnostic]:
    """What is wrong with a reference to a binding, wherever it stands."""
    yield from _reference(text, workflow, workflow.auth or Auth(), at, where)


def _reference(
    text: str | None, workflow: Workflow, auth: Auth, at: Places, where: Span
) -> Iterator[Diagnostic]:
    """`KIND` or `KIND:NAME`, as the app reads it (spec 02 §2.1)."""
    if text is None or text.strip().lower() in {"", "none"}:
        return
    kind, _, name = text.partition(":")
    kind, name = kind.strip(), name.strip() or "default"
    if kind not in KINDS:
        yield _unknown_kind(text, kind, where)
    elif kind == "mtls" and name != "default":
        message = f'auth "{text}": mtls has no bindings, so it takes no name'
        yield error(code("bad_auth_reference"), message, where, help='write "mtls"')
    elif kind == "mtls":
        yield from _client_auth(workflow, at, where)
    elif name not in getattr(auth, kind):
        yield _undeclared(kind, name, tuple(getattr(auth, kind)), where)


def _client_auth(workflow: Workflow, at: Places, where: Span) -> Iterator[Diagnostic]:
    tls = workflow.server.tls if workflow.server else None
    if tls is not None and tls.client_auth is not None and tls.client_auth.mode != "none":
        return
    labels = []
    if tls is not None:
        mode = ("server", "tls", "client_auth", "mode")
        labels = [Label(at.key(mode if tls.client_auth else mode[:2]), "asks for no certificate")]
    if tls is not None and tls.client_auth:
        says = '[server.tls.client_auth] has mode = "none"'
    else:
        says = f"there is no {'[server.tls]' if tls is None else '[server.tls.client_auth]'}"
    message = f"the route takes callers with a certificate only, and {says}: every request would be refused"
    helped = '[server.tls.client_auth] with mode = "required" and ca_file asks callers for one'
    yield error(
        code("mtls_without_client_auth"), message, where, "lets nobody in", labels=labels, help=helped
    )


def _credentials(kind: str, name: str, binding: object, at: Places) -> Iterator[Diagnostic]:
    """What bearer, basic and hmac bindings accept."""
    literal, secret = _LITERALS[kind]
    header = f"[auth.{kind}.{name}]"
    written = getattr(binding, literal)
    texts = (written,) if isinstance(written, str) else tuple(written or ())
    blank = kind == "hmac"  # the only text that counts when it is blank; an empty one is none there, too
    texts = tuple(each for each in texts if (each if blank else each.strip()))
    if texts:
        where = at.value(("auth", kind, name, literal))
        helped = f"name a secret with {secret}; a literal is meant for tests"
        message = f"{header} holds {literal} in plain text"
        yield warning(
            code("literal_secret"), message, where, "everybody who reads the file can use it", help=helped
        )
    elif getattr(binding, secret) is None:
        message = f"{header} has neither {secret} nor {literal}: no caller is ever let in"
        yield warning(
            code("binding_accepts_nobody"), message, at.key(("auth", kind, name)), help=f"set {secret}"
        )
    if kind == "basic":
        for index, each in enumerate(written):
            if each.strip() and ":" not in each:
                message = f"a credential of {header} has no `:` between user and password"
                where = at.value(("auth", kind, name, literal, index))
                yield warning(code("bad_credential"), message, where, help='write "user:password"')


def _oidc(name: str, oidc: Oidc, at: Places) -> Iterator[Diagnostic]:
    path = ("auth", "oidc", name)
    if oidc.jwks_url is not None and (wrong := _wrong_address(oidc.jwks_url)) is not None:
        message = f"the jwks_url of [auth.oidc.{name}] {wrong}"
        yield error(code("constraint"), message, at.value((*path, "jwks_url")), "no place to get keys from")
    if oidc.jwks_json is not None:
        title = f"the jwks_json of [auth.oidc.{name}]"
        yield from keys(title, oidc, jwks.read(oidc.jwks_json), at.value((*path, "jwks_json")))


def keys(title: str, oidc: Oidc, found: jwks.Found, where: Span) -> Iterator[Diagnostic]:
    """Findings about the keys of a binding. `title`: where they stand."""
    for each in found.problems:
        yield error(code("bad_jwks"), f"{title} cannot be used: {each}", where, "the app would not start")
    for each in found.skipped:
        yield warning(code("bad_jwks"), f"in {title}, {each}: it is left out", where)
    if found.private:
        message = f"{title} holds a private key"
        helped = (
            "only its public part belongs there; make a new key, as whoever reads the file can sign with this"
        )
        yield warning(code("literal_secret"), message, where, help=helped)
    needed = {_CURVES.get(each.upper(), "RSA") for each in oidc.algorithms}
    if not found.problems and not needed & found.families:
        message = (
            f"no key in {title} fits its algorithms ({', '.join(oidc.algorithms)}): no token is ever accepted"
        )
        yield warning(code("binding_accepts_nobody"), message, where)


def _wrong_address(address: str) -> str | None:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        usable = parts.scheme in {"http", "https"} and host and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        return "is not an https URL"
    if "@" in parts.netloc:
        return "holds a user name or password"
    here = host in {"localhost", "::1"} or (host.startswith("127.") and host.replace(".", "").isdigit())
    if parts.scheme == "http" and not here:
        return "needs https: whoever is in between could put keys of their own there"
    return None


def _unknown_kind(text: str, kind: str, where: Span) -> Diagnostic:
    message = f'auth "{text}": unknown kind "{kind}"; accepted are none, {", ".join(KINDS)}'
    return error(code("bad_auth_reference"), message, where, help=did_you_mean(kind, KINDS, few=0))


def _undeclared(kind: str, name: str, known: tuple[str, ...], where: Span) -> Diagnostic:
    message = f"the route names the binding {kind}:{name}, and there is no [auth.{kind}.{name}]"
    helped = did_you_mean(name, known) or f"declare [auth.{kind}.{name}]"
    return error(code("unknown_auth_binding"), message, where, help=helped)
