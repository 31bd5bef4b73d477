"""Rules between values that are each well-formed: duplicates, pairs that exclude or need one another, order.

Looks at whatever could be decoded, so that these are reported together with the problems of other sections.
What concerns the graph, names in other sections, or files is `check`'s.
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentdc.diagnostics import did_you_mean
from agentdc.model.auth import Oidc
from agentdc.model.sandbox import Profile
from agentdc.model.supervision import Supervisor
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Path
from agentdc.parse.scan import leaves
from agentdc.parse.wording import dotted, kind_of, quoted

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
_KEY_SOURCES = ("jwks_json", "jwks_file", "jwks_url")
_DEEPEST = 127  # nested containers that the dialect's JSON allows (spec 01 §0)


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken rule: where, what, and where the other half is.

    `repeats`: the two places are alike, and the later one in the file is to blame.
    """

    path: Path
    message: str
    label: str = ""
    other: Path | None = None
    other_label: str = ""
    repeats: bool = False
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class Decodable:
    """The part of a file that has the right shape.

    `indices` maps the entries of each root array of `workflow` back to their numbers in the file; `declared` are
    the root keys of the workflow, decodable or not; `prefix` is where it stands in the file.
    """

    workflow: Workflow
    indices: Mapping[str, Sequence[int]]
    declared: Container[str]
    prefix: Path = ()

    def header(self, *names: str) -> str:
        """The header of a table as the file writes it."""
        return f"[{dotted(names, self.prefix)}]"

    def entry(self, key: str, number: int, *rest: str | int) -> Path:
        """The path in the file of the entry `number` of `workflow`, or of something in it."""
        return (key, self.indices[key][number], *rest)


def breaches(seen: Decodable) -> Iterator[Breach]:
    """All broken rules, section by section."""
    for rule in RULES:
        yield from rule(seen)


def _names(seen: Decodable) -> Iterator[Breach]:
    """Names are unique: secrets, backends; MCP servers and sidecars together."""
    workflow = seen.workflow
    yield from _unique(
        (each.name, seen.entry("secrets", n, "name")) for n, each in enumerate(workflow.secrets)
    )
    processes = [
        (each.name, seen.entry("mcp_servers", n, "name")) for n, each in enumerate(workflow.mcp_servers)
    ]
    processes += [(each.name, seen.entry("sidecars", n, "name")) for n, each in enumerate(workflow.sidecars)]
    yield from _unique(processes)
    backends = workflow.intelligence.backends if workflow.intelligence else ()
    yield from _unique(
        (each.name, ("intelligence", "backends", n, "name")) for n, each in enumerate(backends)
    )


def _unique(names: Iterable[tuple[str, Path]]) -> Iterator[Breach]:
    first: dict[str, Path] = {}
    for name, path in names:
        earlier = first.setdefault(name, path)
        if earlier != path:
            yield Breach(path, f"the name {quoted(name)} is taken", other=earlier, repeats=True)


def _commands(seen: Decodable) -> Iterator[Breach]:
    """The first word of a command is a program."""
    workflow = seen.workflow
    commands = [
        (each.command, seen.entry("mcp_servers", n, "command"))
        for n, each in enumerate(workflow.mcp_servers)
        if each.command is not None
    ]
    commands += [
        (each.command, seen.entry("sidecars", n, "command")) for n, each in enumerate(workflow.sidecars)
    ]
    commands += [
        (each.argv, seen.entry("secrets", n, "argv"))
        for n, each in enumerate(workflow.secrets)
        if each.source == "command"
    ]
    for words, path in commands:
        if not words[0].strip():
            yield Breach((*path, 0), "the command names no program", "this is blank")


def _servers(seen: Decodable) -> Iterator[Breach]:
    """An MCP server is a command or a URL, with what belongs to it."""
    for number, each in enumerate(seen.workflow.mcp_servers):
        path, title = seen.entry("mcp_servers", number), f"the MCP server {quoted(each.name)}"
        if each.command is None and each.url is None:
            yield Breach(path, f"{title} needs the key {quoted('command')}", "a command or a url")
        elif each.command is not None and each.url is not None:
            both = (*path, "command")
            yield Breach((*path, "url"), f"{title} is a command or a URL, not both", other=both)
        elif each.url is None and each.bearer is not None:
            yield Breach((*path, "bearer"), f"{title} is a command; a token is only sent to a url")
        elif each.url is not None and each.env:
            yield Breach((*path, "env"), f"{title} is a URL; there is no process with an environment")


def _backends(seen: Decodable) -> Iterator[Breach]:
    """What each provider needs (spec 03 §6.2)."""
    for number, each in enumerate(seen.workflow.intelligence.backends if seen.workflow.intelligence else ()):
        path: Path = ("intelligence", "backends", number)
        title = f"the backend {quoted(each.name)}"
        if each.name == "default":
            message = 'the name "default" belongs to the model given on the command line'
            yield Breach((*path, "name"), message, "reserved")
        compatible = each.provider == "openai-compatible"
        if compatible and each.base_url is None:
            yield Breach(path, f"{title} needs the key {quoted('base_url')}", f"provider is {each.provider}")
        if not compatible and each.api_key_env is None:
            yield Breach(
                path, f"{title} needs the key {quoted('api_key_env')}", f"provider is {each.provider}"
            )


def _hmac(seen: Decodable) -> Iterator[Breach]:
    """A tolerance needs a time to judge: without one, old requests could be sent again (spec 02 §2.6)."""
    for name, each in (seen.workflow.auth.hmac if seen.workflow.auth else {}).items():
        if each.tolerance_secs is not None and each.timestamp_header is None:
            path = ("auth", "hmac", name)
            message = f"{seen.header(*path)} has tolerance_secs and no timestamp_header, so no time is judged"
            advice = "name the header with the signed time: timestamp_header"
            yield Breach((*path, "tolerance_secs"), message, "without effect", advice=advice)


def _oidc(seen: Decodable) -> Iterator[Breach]:
    """One source of keys, and signature algorithms that a public key can check (spec 02 §2.7)."""
    for name, each in (seen.workflow.auth.oidc if seen.workflow.auth else {}).items():
        path = ("auth", "oidc", name)
        sources = [key for key in _KEY_SOURCES if getattr(each, key) is not None]
        for more in sources[1:]:
            message = f"{seen.header(*path)} takes either {sources[0]} or {more}"
            yield Breach((*path, more), message, f"excludes {sources[0]}", other=(*path, sources[0]))
        if not sources:
            message = f"{seen.header(*path)} needs jwks_json, jwks_file or jwks_url"
            yield Breach(path, message, "without keys")
        yield from _fetching(each, path, seen.header(*path))
        for number, algorithm in enumerate(each.algorithms):
            if algorithm.upper() not in ALGORITHMS:
                yield _algorithm((*path, "algorithms", number), algorithm)


def _fetching(oidc: Oidc, path: Path, header: str) -> Iterator[Breach]:
    """Times of fetched keys: only where keys are fetched, and no shorter than the next fetch."""
    own = [key for key in ("jwks_max_stale_secs", "jwks_refresh_secs") if getattr(oidc, key) is not None]
    refresh, stale = oidc.jwks_refresh_secs or 300, oidc.jwks_max_stale_secs or 86400
    if own and oidc.jwks_url is None:
        yield Breach((*path, own[0]), f"{header} has {own[0]} and no jwks_url", "without effect")
    elif own and stale < refresh:
        message = f"jwks_max_stale_secs ({stale}) is less than jwks_refresh_secs ({refresh})"
        yield Breach((*path, own[0]), message, "no keys until the next fetch")


def _algorithm(path: Path, algorithm: str) -> Breach:
    if algorithm.lower() == "none":
        return Breach(path, f"the algorithm {quoted(algorithm)} accepts unsigned tokens", "not accepted")
    if algorithm.upper() in {"HS256", "HS384", "HS512"}:
        message = f"the algorithm {quoted(algorithm)} needs a shared secret, and the keys here are public"
        return Breach(path, message, "not accepted")
    advice = did_you_mean(algorithm, ALGORITHMS)
    return Breach(path, f"the algorithm {quoted(algorithm)} is not supported", "not supported", advice=advice)


def _rego(seen: Decodable) -> Iterator[Breach]:
    """One module, and data that JSON can express (spec 02 §5.6)."""
    rego = seen.workflow.policy.rego if seen.workflow.policy else None
    if rego is None:
        return
    path = ("policy", "rego")
    if rego.inline is not None and rego.file is not None:
        message = f"{seen.header(*path)} takes either inline or file"
        yield Breach((*path, "file"), message, "excludes inline", other=(*path, "inline"))
    for step, value in leaves(rego.data or {}):
        if step.depth > _DEEPEST:
            message = f"rego data is nested deeper than {_DEEPEST} levels"
            yield Breach((*path, "data", *step.path()[:_DEEPEST]), message, "too deep")
        elif not isinstance(value, bool | str | int | float):
            message = f"rego data holds {kind_of(value)}, which JSON does not have"
            yield Breach((*path, "data", *step.path()), message, "write it as a string")


def _supervision(seen: Decodable) -> Iterator[Breach]:
    """The longest restart delay is not below the first (spec 04 §2.1)."""
    workflow = seen.workflow
    base = workflow.supervisor or Supervisor()
    if workflow.supervisor is not None:
        yield from _delays(base, ("supervisor",), workflow.supervisor)
    for number, server in enumerate(workflow.mcp_servers):
        if server.supervisor is not None:
            path = seen.entry("mcp_servers", number, "supervisor")
            yield from _delays(server.supervisor.over(base), path, server.supervisor)
    for number, sidecar in enumerate(workflow.sidecars):
        yield from _delays(sidecar.over(base), seen.entry("sidecars", number), sidecar)


def _delays(effective: Supervisor, path: Path, table: Supervisor) -> Iterator[Breach]:
    own = [key for key in ("max_delay_ms", "base_delay_ms") if key in table.model_fields_set]
    if own and effective.max_delay_ms < effective.base_delay_ms:
        message = (
            f"max_delay_ms ({effective.max_delay_ms}) is less than base_delay_ms ({effective.base_delay_ms})"
        )
        yield Breach((*path, own[0]), message)


def _sandbox(seen: Decodable) -> Iterator[Breach]:
    """No write access to everything by accident, and a policy where one is to be derived (spec 04 §3.1, §3.5)."""
    workflow = seen.workflow
    base = workflow.sandbox
    profiles: list[tuple[Profile | None, Path]] = [(base, ("sandbox",))]
    if base is not None:
        profiles += [(base.shell, ("sandbox", "shell")), (base.agent, ("sandbox", "agent"))]
        if base.self_ == "policy" and "policy" not in seen.declared:
            message = f'self = "policy" derives the sandbox from {seen.header("policy")}, and there is none'
            yield Breach(("sandbox", "self"), message, "nothing to derive from")
    for number, server in enumerate(workflow.mcp_servers):
        profiles.append((server.sandbox, seen.entry("mcp_servers", number, "sandbox")))
    for number, sidecar in enumerate(workflow.sidecars):
        profiles.append((sidecar.sandbox, seen.entry("sidecars", number, "sandbox")))
    for profile, path in profiles:
        if profile is not None:
            yield from _root(profile, base, path)


def _root(profile: Profile, base: Profile | None, path: Path) -> Iterator[Breach]:
    own = "allow_root" in profile.model_fields_set or base is None
    if profile.allow_root if own else base is not None and base.allow_root:
        return
    for number, each in enumerate(profile.read_write_paths):
        if posixpath.normpath(each) in {"/", "//"}:
            where = (*path, "read_write_paths", number)
            yield Breach(where, "write access to / contains nothing", advice="allow_root = true permits it")


def _health(seen: Decodable) -> Iterator[Breach]:
    """Heartbeats are late before they are stale, and not after a single missed one (spec 04 §6.1)."""
    health = seen.workflow.health
    if health is None:
        return
    if health.late_after_secs < 2 * health.heartbeat_interval_secs:
        message = (
            f"late_after_secs ({health.late_after_secs}) is less than twice "
            f"heartbeat_interval_secs ({health.heartbeat_interval_secs})"
        )
        yield Breach(_set_of(health.model_fields_set, "late_after_secs", "heartbeat_interval_secs"), message)
    if health.stale_after_secs <= health.late_after_secs:
        message = (
            f"stale_after_secs ({health.stale_after_secs}) is not more than "
            f"late_after_secs ({health.late_after_secs})"
        )
        yield Breach(_set_of(health.model_fields_set, "stale_after_secs", "late_after_secs"), message)


def _set_of(given: set[str], *keys: str) -> Path:
    """The first of `keys` that the file sets: a default is not to blame."""
    return ("health", next(key for key in keys if key in given))


def _state(seen: Decodable) -> Iterator[Breach]:
    """The size that warns is not above the size that stops (spec 04 §4.1)."""
    state = seen.workflow.state
    if state is None or state.wal_warn_mb <= state.wal_max_mb:
        return
    key = "wal_warn_mb" if "wal_warn_mb" in state.model_fields_set else "wal_max_mb"
    message = f"wal_warn_mb ({state.wal_warn_mb}) is more than wal_max_mb ({state.wal_max_mb})"
    yield Breach(("state", key), message)


RULES = (
    _names,
    _commands,
    _servers,
    _backends,
    _hmac,
    _oidc,
    _rego,
    _supervision,
    _sandbox,
    _health,
    _state,
)
