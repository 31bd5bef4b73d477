"""What the sections of the main workflow grant and limit: policy, secrets, processes, models, routes, budgets.

Each section is told as records (`capabilities`); a limit or a safeguard that is absent is told where its absence
means something. Values of secrets are in none of them.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from agentdc.check.capabilities import Record
from agentdc.check.offers import offered
from agentdc.check.offers import route as offered_route
from agentdc.model.auth import Auth
from agentdc.model.policy import Policy
from agentdc.model.sandbox import Profile
from agentdc.model.secrets import CommandSecret, EnvSecret, FileSecret, KeyringSecret, Oauth2Secret
from agentdc.model.server import HttpRoute
from agentdc.model.trigger import Cron, FsWatch, Interval, TriggerModel
from agentdc.model.workflow import Workflow

ANY = "*"


def records(workflow: Workflow, schemas: Mapping[str, Any]) -> Iterator[Record]:
    """The records of everything but nodes and edges. `schemas`: the documents of schemas that routes name."""
    yield from _policy(workflow.policy)
    yield from _processes(workflow)
    for secret in workflow.secrets:
        yield Record("secret", "", secret.name, _secret(secret))
    for backend in workflow.intelligence.backends if workflow.intelligence else ():
        at = f" at {_place(backend.base_url)}" if backend.base_url else ""
        key = f", key {backend.api_key_env}" if backend.api_key_env else ""
        yield Record("model", "", backend.name, f"{backend.provider} {backend.model}{at}{key}")
        yield _limit("limit", f"model {backend.name}", "max_tokens", backend.max_tokens)
    spoken = offered_route(workflow)
    for start in offered(workflow):
        yield Record("offered tool", "", start, "to MCP clients")
    for route in (*workflow.http_routes, *(() if spoken is None else (spoken,))):
        yield from _route(route, schemas)
    yield from _auth(workflow.auth)
    for trigger in workflow.triggers:
        yield Record("trigger", "", _trigger(trigger), f"start {trigger.start_node}")
    yield from _server(workflow)
    yield from _limits(workflow)
    yield from _sandbox("", workflow.sandbox, "off" if workflow.sandbox is None else workflow.sandbox.mode)
    yield from _outside(workflow)


def _limit(category: str, of: str, subject: str, value: object) -> Record:
    return Record(category, of, subject, "unlimited" if value is None else str(value))


def _many(category: str, of: str, subjects: Iterable[object]) -> Iterator[Record]:
    return (Record(category, of, str(each), "allowed") for each in subjects)


def _digest(text: str) -> str:
    return f"sha256 {sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _place(url: str) -> str:
    """A URL without what may be a secret in it."""
    try:
        found = urlsplit(url)
        port = f":{found.port}" if found.port else ""
    except ValueError:
        return _digest(url)
    return f"{found.scheme}://{found.hostname or ''}{port}{found.path}"


def _policy(policy: Policy | None) -> Iterator[Record]:
    yield Record("policy", "", "[policy]", "absent" if policy is None else "present")
    if policy is None:
        return
    lists = {
        "fs.read": policy.fs.read,
        "fs.write": policy.fs.write,
        "fs.delete": policy.fs.delete,
        "fs.list": policy.fs.list,
        "env.read": policy.env.read_keys,
        "http": policy.http.urls,
        "shell": policy.shell.commands,
        "mcp.tool": policy.mcp.tools,
        "mcp.resource": policy.mcp.resources,
    }
    for family, patterns in lists.items():
        yield from _many(f"policy {family}", "", patterns)
    if policy.http.urls:
        methods = sorted({each.upper() for each in policy.http.methods}) or [ANY]
        yield from _many("policy http method", "", methods)
    rego = policy.rego
    if rego is not None and (rego.inline is not None or rego.file is not None):
        text = f"{rego.inline}\n{json.dumps(rego.data or {}, sort_keys=True, default=str)}"
        yield Record("policy rego", "", rego.query, f"{rego.file or 'written here'}, {_digest(text)}")


def _processes(workflow: Workflow) -> Iterator[Record]:
    base = "off" if workflow.sandbox is None else workflow.sandbox.mode
    secrets = {each.name for each in workflow.secrets}
    for server in workflow.mcp_servers:
        of = f"MCP server {server.name}"
        if server.url is not None:
            yield Record("endpoint", "", of, _place(server.url))
            token = "none" if server.bearer is None else f"secret {server.bearer}"
            yield Record("given token", of, "bearer", token)
        else:
            yield Record("process", "", of, shlex.join(server.command or ()))
        yield Record("drift", of, "tools unlike agentdc.lock", server.on_drift)
        yield from _many("tool", of, server.allow_tools)
        yield from _many("resource", of, server.allow_resources)
        yield from _environment(of, server.env, secrets)
        passed = None if server.supervisor is None else server.supervisor.env_pass
        yield from _many("passed variable", of, (ANY,) if passed is None else passed)
        yield _limit("limit", of, "timeout_secs", server.timeout_secs)
        yield from _sandbox(of, server.sandbox, base)
    for sidecar in workflow.sidecars:
        of = f"sidecar {sidecar.name}"
        yield Record("process", "", of, shlex.join(sidecar.command))
        yield from _environment(of, sidecar.env, secrets)
        yield from _many("passed variable", of, sidecar.env_pass)
        limits = {} if sidecar.limits is None else sidecar.limits.model_dump()
        for key, value in sorted(limits.items()):
            yield _limit("limit", of, key, value)
        yield from _sandbox(of, sidecar.sandbox, base)


def _environment(of: str, env: Mapping[str, str], secrets: Collection[str]) -> Iterator[Record]:
    """The names of secrets that a process is given; where a value stands instead, it is not told."""
    for variable, named in sorted(env.items()):
        told = f"secret {named}" if named in secrets else "no declared secret"
        yield Record("given variable", of, variable, told)


def _secret(secret: Any) -> str:
    match secret:
        case EnvSecret():
            return f"variable {secret.var}"
        case FileSecret():
            return f"file {secret.path}"
        case CommandSecret():
            return f"command {secret.argv[0]} {_digest(shlex.join(secret.argv))}"
        case Oauth2Secret():
            scopes = ", ".join(sorted(secret.scopes)) or "none"
            return f"OAuth2 token of {_place(secret.token_url)}; scopes: {scopes}"
        case KeyringSecret():
            return f"keyring {secret.service} {secret.account}"
    return "unknown"


def _route(route: HttpRoute, schemas: Mapping[str, Any]) -> Iterator[Record]:
    of = f"route {route.method.upper()} {route.path}"
    auth = route.auth or "none"
    yield Record("route", "", of.removeprefix("route "), f"start {route.start_node}", f"auth {auth}")
    yield Record("route auth", of, "auth", auth)
    rate = route.rate_limit
    yield _limit("limit", of, "burst of requests", None if rate is None else rate.capacity)
    yield _limit("limit", of, "requests per second", None if rate is None else rate.per_second)
    if route.input_schema is not None:
        named = route.input_schema.strip()
        shown = "" if named.startswith("{") else f"{named}, "
        document = schemas.get(route.input_schema, named)
        content = _digest(json.dumps(document, sort_keys=True))
        yield Record("safeguard", of, "input schema", f"{shown}{content}")
    if route.idempotency_key is not None:
        yield Record("safeguard", of, "idempotency key", route.idempotency_key)
    if route.cors is not None:
        yield from _many("page origin", of, route.cors.allow_origins)
        yield from _many("page header", of, sorted({each.lower() for each in route.cors.allow_headers}))
    for name, on in (("event stream", route.stream), ("WebSocket", route.websocket)):
        if on:
            yield Record("way of answering", of, name, "on")


def _auth(auth: Auth | None) -> Iterator[Record]:
    if auth is None:
        return
    for name, hmac in sorted(auth.hmac.items()):
        of = f"auth hmac:{name}"
        key = hmac.secret_env or "a literal key"
        yield Record("callers", "", of, f"{hmac.header}, {hmac.prefix}{hmac.encoding}, key {key}")
        if hmac.timestamp_header is not None:
            yield Record("safeguard", of, "signed time", hmac.timestamp_header)
            yield _limit("limit", of, "tolerance_secs", hmac.tolerance_secs or 300)
    for name, oidc in sorted(auth.oidc.items()):
        of = f"auth oidc:{name}"
        keys = oidc.jwks_file or oidc.jwks_url or _digest(oidc.jwks_json or "")
        yield Record("callers", "", of, f"issuer {oidc.issuer}, keys {keys}")
        yield from _many("accepted audience", of, oidc.audience or (ANY,))
        yield from _many("accepted subject", of, oidc.subject_allowlist or (ANY,))
        yield from _many("accepted algorithm", of, oidc.algorithms)
        yield _limit("limit", of, "clock_skew_secs", oidc.clock_skew_secs)
    for name, bearer in sorted(auth.bearer.items()):
        known = bearer.tokens_env or f"{len(bearer.tokens)} literal"
        yield Record("callers", "", f"auth bearer:{name}", f"tokens {known}")
    for name, basic in sorted(auth.basic.items()):
        known = basic.credentials_env or f"{len(basic.credentials)} literal"
        yield Record("callers", "", f"auth basic:{name}", f"credentials {known}")


def _trigger(trigger: TriggerModel) -> str:
    match trigger:
        case Cron():
            return f"cron {trigger.schedule}"
        case Interval():
            return f"interval {trigger.every}"
        case FsWatch():
            below = " and below" if trigger.recursive else ""
            return f"changes of {trigger.path}{below}: {', '.join(sorted(trigger.events)) or 'all'}"
    told = trigger.model_dump(exclude={"type", "start_node"}, exclude_none=True)
    return f"{getattr(trigger, 'type', 'trigger')} {' '.join(str(each) for each in told.values())}".strip()


def _server(workflow: Workflow) -> Iterator[Record]:
    if not workflow.http_routes:
        return
    server = workflow.server
    tls = None if server is None else server.tls
    yield Record("transport", "", "TLS", "off" if tls is None else "on")
    client = "none" if tls is None or tls.client_auth is None else tls.client_auth.mode
    yield Record("transport", "", "client certificates", client)
    if tls is not None and tls.client_auth is not None and client != "none":
        yield Record("callers", "", "client certificates", f"authorities {tls.client_auth.ca_file}")
    if tls is not None and tls.refuse_shared_key:
        yield Record("safeguard", "", "key file that others may use", "refused")
    told = server is None or not server.opaque_errors
    yield Record("transport", "", "errors", "told to callers" if told else "opaque")
    if server is not None and server.openapi_path:
        yield Record("route", "", f"GET {server.openapi_path}", "the OpenAPI document")
    yield _limit("limit", "server", "max_runs", 128 if server is None else server.max_runs)
    yield _limit("limit", "server", "max_connections", None if server is None else server.max_connections)


def _limits(workflow: Workflow) -> Iterator[Record]:
    budget = workflow.budget
    for key in ("max_memory_mb", "max_cpu_secs", "max_run_time_secs", "max_fs_write_mb"):
        value = None if budget is None else getattr(budget, key)
        yield _limit("limit", "", f"budget {key}", value or None)  # 0 counts as not set (spec 02 §8)
    tokens = None if budget is None else budget.max_llm_tokens  # where 0 refuses all
    yield _limit("limit", "", "budget max_llm_tokens", tokens)
    if budget is not None and budget.hard_deadline:
        yield Record("safeguard", "", "hard deadline", "on")
    ceilings = {} if workflow.check is None else workflow.check.model_dump(exclude={"allow"})
    for key, value in sorted(ceilings.items()):
        if key.startswith("max_"):
            yield _limit("limit", "", f"ceiling {key}", value)
    signing = workflow.signing
    required = signing is not None and signing.required
    yield Record("signature", "", "required", "yes" if required else "no")
    if signing is not None:
        key = signing.public_key_file or _digest(signing.public_key_pem or "")
        yield Record("safeguard", "", "signing key", key)
    if signing is not None and signing.files is not None:
        yield Record("safeguard", "", "signed files", "children and schemas")


def _sandbox(of: str, profile: Profile | None, mode: str) -> Iterator[Record]:
    """A profile with what it grants and what it holds back. One of a process adds to the workflow's."""
    if not of:
        yield Record("sandbox", "", "mode", mode)
    if mode == "off":
        return
    if of:  # what it leaves out is that of the base, so it matters which keys are set
        keys = ", ".join(sorted(profile.model_fields_set)) if profile is not None else ""
        yield Record("sandbox profile", "", of, f"sets {keys or 'nothing'}")
    if profile is None:
        return
    dumped = profile.model_dump(by_alias=True)
    yield from _many("sandbox write path", of, profile.read_write_paths)
    yield from _many("sandbox read path", of, profile.read_only_paths)
    for key in ("net_connect", "net_bind"):
        ports = dumped[key]
        if ports is not None or not of:
            yield from _many(f"sandbox {key}", of, (ANY,) if ports is None else ports)
    ladders = ("tmp", "seccomp", "defaults", "bus_access", "allow_root", "self", "spawner")
    for key in ladders:
        if key in dumped and (not of or key in profile.model_fields_set):
            value = dumped[key]
            yield Record("sandbox", of, key, {True: "on", False: "off"}.get(value, str(value)))
    for each in profile.scope:
        yield Record("safeguard", of or "sandbox", f"scope {each}", "on")
    if not of:
        yield Record("sandbox floor", "", "min_abi", str(dumped["min_abi"]))
        for name in ("shell", "agent"):
            yield from _sandbox(f"sandbox of {name}", getattr(profile, name), mode)


def _outside(workflow: Workflow) -> Iterator[Record]:
    """Who else hears of runs or may steer them: relay, bus, logs and traces."""
    relay, bus, logging = workflow.relay, workflow.bus, workflow.logging
    if relay is not None:
        yield Record("relay", "", "relay", f"port {relay.port} on {relay.bind or 'the default address'}")
        yield from _many("page origin", "relay relay", relay.allowed_origins)
        for token in relay.tokens:
            yield Record("relay role", "relay relay", token.name, token.role)
        switches = {
            "TLS": relay.tls_cert is not None,
            "client certificates": relay.client_ca is not None,
        }
        for name, on in switches.items():
            yield Record("transport", "relay relay", name, "on" if on else "off")
        told = {"insecure": relay.insecure, "insecure for others": relay.allow_insecure_remote}
        for name, on in (told | {"outputs of nodes": relay.include_outputs}).items():
            yield Record("relay switch", "relay relay", name, "on" if on else "off")
    if bus is not None:
        yield from _many("bus contact", "", (ANY,) if bus.contacts is None else bus.contacts)
        yield from _many("bus channel", "", bus.channels)
    if logging is not None and logging.enabled:
        yield Record("log", "", "log", logging.target)
        if logging.audit is not None:
            yield Record("safeguard", "", "audit log", logging.audit.target)
        if logging.otel is not None:
            yield Record("traces to", "", _place(logging.otel.endpoint), "sent")
