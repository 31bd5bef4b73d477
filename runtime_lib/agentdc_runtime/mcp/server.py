"""One MCP server for as long as the app runs, on the child that speaks for it (spec 04 §2). Links `child`, `stdio`.

A child that ends is started again by the rules of `restarts`, on a timer of the event loop; a call that comes
meanwhile waits for it, as long as `call_wait_secs` allows, and nothing is ever sent twice. The session of the new
child is in place before anybody who waits is told. Whoever was answered in part by the old one gets an error at once.

A call that is not answered in its time is cancelled. The server is asked then whether it is there at all; one that
does not answer that either is hung: it is ended, and that counts as a crash.
"""

from __future__ import annotations

import asyncio
import os
from time import monotonic

from agentdc_runtime.errors import ConfigError, McpError
from agentdc_runtime.host.command import plain_environment
from agentdc_runtime.host.console import USAGE, Refusal
from agentdc_runtime.mcp.asked import Asked
from agentdc_runtime.mcp.child import Child
from agentdc_runtime.mcp.errors import Down, Silent
from agentdc_runtime.mcp.restarts import FAILED, HEALTHY, STARTING, STOPPED, Restarts, Rules
from agentdc_runtime.mcp.session import Session
from agentdc_runtime.mcp.stdio import Pipe, unstartable
from agentdc_runtime.observe.log import ERROR, INFO, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from agentdc_runtime.core.process import Process

    Json: TypeAlias = Any

_PING = 10.0  # seconds until a ping is a miss
_MISSES = 3


class Server(Asked):
    """A declared command. `declared`: its entry in the operands, `supervisor` with all settings."""

    def __init__(self, process: Process, declared: Mapping[str, Any], version: str) -> None:
        super().__init__(declared)
        self._process = process
        self._argv: list[str] = list(declared["command"])
        self._label = self._argv[0]
        self._env: Mapping[str, str] = declared.get("env") or {}
        self._settings: Mapping[str, Any] = declared["supervisor"]
        self._version = version
        self._restarts = Restarts(Rules(self._settings))
        self._child: Child | None = None
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0

    @property
    def state(self) -> str:
        """Where it is in the table of `restarts`."""
        return self._restarts.state

    async def start(self) -> None:
        """The first start: Refusal when it fails, unless `lenient_start` makes that a crash as any other."""
        self._restarts.starting(asked=True)
        try:
            await self._rise(attempt=0)
        except McpError as error:
            if not self._settings["lenient_start"]:
                self._restarts.stopped()
                raise Refusal(f"failed to start MCP server `{self.name}`: {error.reason}", USAGE) from None
            self._crashed(error.reason)
        if self._settings["ping_interval_secs"]:
            self._go(self._keep_asking(float(self._settings["ping_interval_secs"])))

    async def stop(self) -> None:
        """End it; safe to call twice."""
        was = self.state
        self._restarts.stopped()
        if self._timer is not None:
            self._timer.cancel()
        await self._end_tasks()
        child, session = self._child, self._session
        self._child = self._session = None
        if session is not None:
            session.lost("was stopped")
            await session.settle()
        if child is not None:
            await child.stop(float(self._settings["stop_timeout_secs"]))
        if was != STOPPED:
            self._process.emit(INFO, "sidecar.stopped", {"name": self.name, "kind": "mcp"})
        self._changed.set()

    # Up and down.

    async def _rise(self, attempt: int) -> None:
        """Start a child and shake hands; McpError, and then nothing is left of it."""
        seconds = float(self._settings["start_timeout_secs"])
        environment = await self._environment()
        try:
            child = Child(self._argv, environment)
        except (OSError, ValueError) as error:
            raise unstartable(self._label, error) from None
        session = Session(Pipe(child, self._label))
        session.heard = self._note
        child.attach(session.received, lambda why: self._ended(child, session, why))
        told = {"name": self.name, "kind": "mcp", "pid": child.process.pid, "attempt": attempt}
        self._process.emit(INFO, "sidecar.started", {**told, "sandbox": "off"})
        try:
            await session.begin(self._version, seconds)
        except BaseException:
            child.kill()
            raise
        self._child, self._session = child, session
        self._since = monotonic()
        self._restarts.ready(self._since)
        if attempt:
            self._process.emit(INFO, "sidecar.recovered", {"name": self.name, "attempt": attempt})
        self._tell()

    async def _environment(self) -> dict[str, str]:
        """Ours, or the part of it that `env_pass` names, and the declared variables on top; McpError."""
        found = plain_environment(os.environ)
        passed = self._settings.get("env_pass")
        if passed is not None:
            found = {name: value for name, value in found.items() if name in passed}
        for variable, secret in self._env.items():
            try:
                assert self._process.secrets is not None
                found[variable] = await self._process.secrets.resolve(secret)
            except ConfigError as error:
                raise McpError(f"spawn {self._label}: env `{variable}`: {error.reason}") from None
        return found

    def _ended(self, child: Child, session: Session, why: str) -> None:
        """A child is gone that nobody told to go."""
        session.lost("closed the pipe unexpectedly" + (f" ({why})" if why else ""))
        if child is not self._child:
            return  # it never answered: whoever was starting it knows
        status = child.process.returncode
        fields = {
            "name": self.name,
            "code": status if status is not None and status >= 0 else None,
            "signal": -status if status is not None and status < 0 else None,
            "uptime_ms": int((monotonic() - self._since) * 1000),
        }
        self._process.emit(WARN, "sidecar.exited", fields)
        tail = child.tail()
        self._crashed(f"{why}: {tail}" if tail else why)

    def _crashed(self, why: str) -> None:
        self._child = self._session = None
        chance = int.from_bytes(os.urandom(4), "big") / 0xFFFFFFFF
        delay = self._restarts.crashed(why[:2048], monotonic(), chance)
        if delay is None:
            fields: dict[str, Json] = {"attempts": self._restarts.crashes, "last_error": why[:2048]}
            self._process.emit(ERROR, "sidecar.failed", {"name": self.name, **fields})
        else:
            fields = {"attempt": self._restarts.crashes, "delay_ms": int(delay * 1000)}
            self._process.emit(WARN, "sidecar.restarting", {"name": self.name, **fields})
            self._timer = asyncio.get_running_loop().call_later(delay, lambda: self._go(self._again()))
        self._tell()

    async def _again(self) -> None:
        self._restarts.starting()
        try:
            await self._rise(self._restarts.crashes)
        except McpError as error:
            if self.state == STARTING:
                self._crashed(error.reason)

    async def _up(self, deadline: float) -> Session:
        """The session, as soon as there is one; McpError when that takes too long or never happens."""
        wait = min(deadline - monotonic(), float(self._settings["call_wait_secs"]))
        until = monotonic() + wait
        while self._session is None or self.state != HEALTHY:
            if self.state in (FAILED, STOPPED):
                why = f": {self._restarts.last_error}" if self._restarts.last_error else ""
                raise Down(f"{self._label}: the server `{self.name}` is {self.state}{why}")
            left = until - monotonic()
            if left <= 0:
                reason = f"the server `{self.name}` is {self.state} and was not back in time"
                raise McpError(f"{self._label}: {reason}: {self._restarts.last_error}")
            changed = self._changed
            try:
                async with asyncio.timeout(left):
                    await changed.wait()
            except TimeoutError:
                continue
        return self._session

    def _tell(self) -> None:
        """Wake whoever waits for a change, and tell of a new session."""
        self._changed.set()
        self._changed = asyncio.Event()
        if self.state == HEALTHY:
            self._up_again()

    # Is it there?

    async def _keep_asking(self, seconds: float) -> None:
        """A ping from time to time; three in a row without an answer are one too many."""
        misses = 0
        while True:
            await asyncio.sleep(seconds)
            session = self._session
            if session is None:
                misses = 0
                continue
            misses = 0 if await self._answers(session) else misses + 1
            if misses >= _MISSES and session is self._session:
                misses = 0
                self._hung(session)

    async def _look_after(self, session: Session) -> None:
        """After a call without an answer: end the server unless it answers a ping."""
        if session is self._session and not await self._answers(session):
            self._hung(session)

    async def _answers(self, session: Session) -> bool:
        try:
            await session.ask("ping", {}, _PING)
        except Silent:
            return False
        except McpError:
            return True  # an error is an answer too, and a child that is gone is told by others
        return True

    def _hung(self, session: Session) -> None:
        child = self._child
        if child is None or session is not self._session:
            return
        session.lost("answers nothing, so it is ended")
        child.kill()
        fields = {"name": self.name, "code": None, "signal": 9}
        uptime = int((monotonic() - self._since) * 1000)
        self._process.emit(WARN, "sidecar.exited", {**fields, "uptime_ms": uptime})
        self._crashed("hung")
