"""Taking up what changed outside the app without a restart (spec 02 §9). Links asyncio.

The program is fixed; what lives in files beside it is not: secrets, certificates, keys of token issuers and of the
signature, folders that policies name. All parts are prepared first and then taken together; when one cannot be
prepared, nothing changes, `reload.failed` names its stage, and the process goes on as it was.
"""

from __future__ import annotations

import asyncio
import os
import time

from agentdc_runtime.errors import AgentError
from agentdc_runtime.host.console import FAILED, Refusal
from agentdc_runtime.host.start import signature
from agentdc_runtime.observe import log as levels
from agentdc_runtime.observe.log import ERROR, INFO, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from agentdc_runtime.host.listener import Listener
    from agentdc_runtime.host.start import Started
    from agentdc_runtime.host.surface import Surface
    from agentdc_runtime.http.route import Linked, Table

    Emit: TypeAlias = Callable[[int, str, Mapping[str, Any]], None]

POLL = 0.25  # seconds between two looks at the file of `--reload-file`
_DAY = 86_400.0


class _Failed(Exception):
    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason


class Reload:
    """Makes the exchangeable parts of a serving app, and exchanges them. `listener`: set once there is one.

    `expires`: when the server's certificate ends, in Unix seconds; None without one.
    """

    def __init__(self, started: Started, surface: Surface, linked: Linked) -> None:
        self._started = started
        self._surface = surface
        self._linked = linked
        self._expiry: asyncio.Task[None] | None = None
        self._live: dict[tuple[str, str], Any] = {}
        self.listener: Listener = None  # type: ignore[assignment]
        self.expires: float | None = None

    def table(self, operands: Mapping[str, Any]) -> Table:
        """The routes and bindings that the operands describe; ConfigError."""
        who = (operands.get("server") or {}).get("approvals_auth")
        return self._linked.table(operands.get("auth") or {}, operands.get("routes") or [], who)

    def context(self, operands: Mapping[str, Any]) -> Any:
        """The TLS context, None for plain HTTP; ConfigError names the key and the file that are wrong."""
        tls = (operands.get("server") or {}).get("tls")
        if tls is None or self._surface.tls is None:
            return None
        alpn = self._surface.alpn if self._surface.http2 is None else ("h2", "http/1.1")
        context = self._surface.tls.server_context(tls, alpn=alpn)
        self.expires = self._surface.tls.expiry_unix(tls)
        return context

    async def begin(self, table: Table) -> None:
        """Start what goes on in the background: fresh keys, a look at the certificate every day."""
        await self._follow(table)
        if self.expires is not None:
            self._expiry = asyncio.get_running_loop().create_task(self._watch_expiry())

    async def end(self) -> None:
        """Stop it."""
        if self._expiry is not None:
            self._expiry.cancel()
        for each in self._live.values():
            await each.stop()

    async def run(self) -> None:
        """Reload once; tells how it went and raises nothing."""
        emit = self._started.process.emit
        if not self._outside():
            emit(INFO, "reload.skipped", {"reason": "nothing that this app uses lies outside it"})
            return
        emit(INFO, "reload.started", {"path": self._started.app.name})
        try:
            await self._exchange()
        except _Failed as failed:
            emit(ERROR, "reload.failed", {"stage": failed.stage, "reason": failed.reason})
        else:
            emit(INFO, "reload.succeeded", {})

    def _outside(self) -> bool:
        """Whether there is anything to look at again (spec 03 §1.13); full buckets count, too."""
        app, options, operands = self._started.app, self._started.options, self._started.operands
        limited = any(each.bucket is not None for each in self.listener.table.endpoints)
        tls = (operands.get("server") or {}).get("tls")
        signed = operands["signing"] or options.signing_required or options.signing_key_file
        return bool(app.secrets or app.gate or signed or tls or operands.get("auth") or limited)

    async def _exchange(self) -> None:
        started, operands = self._started, self._started.operands
        process, app, emit = started.process, started.app, started.process.emit
        secrets = process.secrets
        verdict = await self._staged("signature", self._signed)
        if app.secrets is not None:
            secrets = await self._staged("secrets", self._secrets)
        was = self.expires
        context = await self._staged("tls", lambda: self.context(operands))
        try:
            table = await self._staged("auth", lambda: self.table(operands))
            gate = process.gate
            if app.gate is not None:
                make = app.gate
                gate = await self._staged("policy", lambda: make(operands["policy"]))
        except _Failed:
            self.expires = was
            raise
        if secrets is not None and process.secrets is not None:
            secrets.remember(process.secrets)  # what was a secret stays hidden
            started.log.scrub = secrets.scrub
        process.secrets, process.gate = secrets, gate
        self.listener.context, self.listener.table = context, table
        await self._follow(table)
        if verdict is not None and verdict.event is not None:
            emit(getattr(levels, verdict.level), verdict.event, verdict.fields)
        name = app.name
        emit(INFO, "reload.tls", {"workflow": name, "tls_active": context is not None})
        emit(INFO, "reload.auth", {"workflow": name})
        emit(INFO, "reload.policy", {})
        limited = sum(each.bucket is not None for each in table.endpoints)
        counts = {"route_count": len(table.endpoints), "rate_limit_buckets": limited}
        emit(INFO, "reload.routes", {"workflow": name, **counts})

    def _signed(self) -> Any:
        """The verdict on the embedded bytes, by keys that may have been exchanged; None when nothing asks for one."""
        started = self._started
        verdict = signature(started.app, started.options, started.operands["signing"])
        if verdict is not None and not verdict.ok:
            raise Refusal(verdict.display, FAILED)
        return verdict

    async def _secrets(self) -> Any:
        started = self._started
        assert started.app.secrets is not None
        registry = started.app.secrets(started.operands["secrets"], os.environ, started.process.emit)
        await registry.probe()
        return registry

    @staticmethod
    async def _staged(stage: str, make: Callable[[], Any]) -> Any:
        try:
            made = make()
            return await made if asyncio.iscoroutine(made) else made
        except AgentError as error:
            raise _Failed(stage, error.reason) from error
        except Refusal as refusal:
            raise _Failed(stage, refusal.message) from refusal
        except OSError as error:
            raise _Failed(stage, error.strerror or str(error)) from error

    async def _follow(self, table: Table) -> None:
        """Keys that are fetched: those of the new table are followed, those of the old one no more."""
        before = self._live
        self._live = {key: each for key, each in table.bindings.items() if hasattr(each, "start")}
        for key, each in self._live.items():
            each.emit = self._started.process.emit
            if key in before and hasattr(each, "adopt"):
                each.adopt(before[key])
            await each.start()
        for each in before.values():
            await each.stop()

    async def _watch_expiry(self) -> None:
        """Warn at the start and once a day when the certificate ends soon."""
        assert self._surface.tls is not None
        while True:
            if self.expires is not None:
                warning = self._surface.tls.expiry_warning(self.expires, time.time())
                if warning is not None:
                    fields = {"reason": warning, "not_after_unix": int(self.expires)}
                    self._started.process.emit(WARN, "tls.certificate_expiring", fields)
            await asyncio.sleep(_DAY)


async def watch_file(path: str, ask: Callable[[], None], emit: Emit) -> None:
    """Ask for a reload whenever the file is touched; an absent one is made (spec 02 §9.1)."""
    try:
        seen = _touched(path, make=True)
    except OSError as error:
        emit(WARN, "reload_file.create_failed", {"path": path, "reason": error.strerror or str(error)})
        return
    emit(INFO, "reload_file.watching", {"path": path})
    while True:
        await asyncio.sleep(POLL)
        try:
            now = _touched(path, make=False)
        except OSError:
            continue  # removed: it counts again when it is back
        if now != seen:
            seen = now
            emit(INFO, "reload_file.triggered", {"path": path})
            ask()


def _touched(path: str, *, make: bool) -> int:
    if make:
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
    return os.stat(path).st_mtime_ns
