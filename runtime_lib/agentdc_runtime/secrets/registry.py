"""One function from a name to its value, for every consumer (spec 02 §6.1). Links the sources, and so asyncio.

A declared secret wins over an environment variable of the same name. Values live in memory only; what was resolved
is remembered so that it can be hidden in whatever is written. OAuth 2 needs an HTTP client, so its class is handed
in by the app that links it.
"""

from __future__ import annotations

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.jsontext import compact
from agentdc_runtime.secrets.command import Command
from agentdc_runtime.secrets.errors import SecretError
from agentdc_runtime.secrets.sources import from_environment, from_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Protocol, TypeAlias

    Spec: TypeAlias = Mapping[str, Any]
    Emit: TypeAlias = Callable[[int, str, dict[str, Any]], None]

    class Source(Protocol):
        """A source with a memory."""

        async def value(self) -> str:
            """The value now; SecretError when there is none."""
            ...

    NewOauth2: TypeAlias = Callable[[Spec, Callable[[str], Any], Emit], Source]

REDACTED = "<redacted>"
MIN_HIDDEN = 8  # characters; hiding shorter values would tear holes into ordinary text
_KEPT = 8  # values of one secret that stay hidden after it has changed


class Registry:
    """The secrets of a process.

    `specs`: the entries of `[[secrets]]` as the operands hold them. `environ`: read at each use. `emit`: takes
    level, event and fields of audit events. `oauth2`: the class for that source, None when it is not linked.
    SecretError when an entry needs itself or has a source that is not there.
    """

    __slots__ = ("_environ", "_hidden", "_kept", "_seen", "_specs")

    def __init__(
        self,
        specs: Sequence[Spec],
        environ: Mapping[str, str],
        emit: Emit,
        *,
        oauth2: NewOauth2 | None = None,
    ) -> None:
        self._specs = {spec["name"]: spec for spec in specs}
        self._environ = environ
        self._seen: dict[str, list[str]] = {}
        self._hidden: tuple[str, ...] | None = ()
        self._kept: dict[str, Source] = {}
        for name in self._specs:
            _refuse_circle(name, self._specs)
        for name, spec in self._specs.items():
            if spec["source"] == "command":
                self._kept[name] = Command(name, spec["argv"], environ)
            elif spec["source"] == "oauth2" and oauth2 is not None:
                self._kept[name] = oauth2(spec, self.resolve, emit)
            elif spec["source"] not in ("env", "file"):
                raise SecretError(name, f"this app was built without the source {spec['source']}")

    async def resolve(self, name: str) -> str:
        """The value of a declared secret, else of the environment variable `name`; SecretError when there is none."""
        value = await self._value(name)
        self._see(name, value)
        return value

    def at_once(self, name: str) -> tuple[bool, str | None]:
        """(True, the value or None when there is none), or (False, None) when it takes waiting: use `resolve`."""
        if name in self._kept:
            return False, None
        try:
            value = self._plain(name)
        except SecretError:
            return True, None
        self._see(name, value)
        return True, value

    def remember(self, former: Registry) -> None:
        """What another registry has resolved stays hidden here."""
        for name, values in former._seen.items():
            for value in values:
                self._see(name, value)

    def _see(self, name: str, value: str) -> None:
        seen = self._seen.setdefault(name, [])
        if value not in seen:
            seen.append(value)
            del seen[:-_KEPT]
            self._hidden = None

    def begin(self) -> None:
        """As `probe`, before there is an event loop; costs nothing without entries."""
        if self._specs:
            import asyncio

            asyncio.run(self.probe())

    async def probe(self) -> None:
        """Resolve each entry once, in declaration order; ConfigError about the first that fails."""
        for name in self._specs:
            try:
                await self.resolve(name)
            except SecretError as error:
                raise ConfigError(f"[[secrets]]: {error.reason}") from None

    def known_values(self) -> set[str]:
        """What was resolved and is long enough to be hidden."""
        return {value for values in self._seen.values() for value in values if len(value) >= MIN_HIDDEN}

    def scrub(self, text: str) -> str:
        """`text` with every known value hidden, each line of a value too, as they are and as JSON spells them."""
        if self._hidden is None:
            self._hidden = _spellings(self.known_values())
        for each in self._hidden:
            if each in text:
                text = text.replace(each, REDACTED)
        return text

    async def _value(self, name: str) -> str:
        return await self._kept[name].value() if name in self._kept else self._plain(name)

    def _plain(self, name: str) -> str:
        spec = self._specs.get(name)
        if spec is None:
            return from_environment(name, name, self._environ)
        if spec["source"] == "env":
            return from_environment(name, spec["var"], self._environ)
        return from_file(name, spec["path"], trim=spec.get("trim", True))


def _spellings(values: set[str]) -> tuple[str, ...]:
    """All texts to hide, longest first: a value may be the beginning of another one."""
    parts = {part.strip() for value in values for part in (value, *value.splitlines())}
    long = {part for part in parts if len(part) >= MIN_HIDDEN} | values
    found = long | {compact(part)[1:-1] for part in long}
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


def _refuse_circle(name: str, specs: Mapping[str, Spec]) -> None:
    """A secret that needs itself would wait for itself for ever; the compiler refuses it too."""
    seen = set()
    waiting = _needs(specs[name])
    while waiting:
        each = waiting.pop()
        if each == name:
            raise SecretError(name, "it needs its own value")
        if each not in seen and each in specs:
            seen.add(each)
            waiting += _needs(specs[each])


def _needs(spec: Spec) -> list[str]:
    return [spec["client_id_env"], spec["client_secret_env"]] if spec["source"] == "oauth2" else []
