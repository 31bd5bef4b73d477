"""Serve mode, from the start-up order of spec 02 §0 to the drain of §1.8. Links asyncio.

Signals are caught before anything is bound, so that one during the start drains instead of killing. Everything that
can be wrong with the operands is told before the socket is bound; what was given to a caller is finished before the
process ends, as far as the drain timeout allows.
"""

from __future__ import annotations

import asyncio
import gc
import os
from time import monotonic

from agentdc_runtime.errors import AgentError, ConfigError
from agentdc_runtime.host import loop, notify
from agentdc_runtime.host.console import FAILED, OK, USAGE, Refusal, tell
from agentdc_runtime.host.listener import Listener, address, adopted, bind, most_connections, shown
from agentdc_runtime.host.reload import Reload, watch_file
from agentdc_runtime.host.signals import Signals
from agentdc_runtime.http.admission import Admission
from agentdc_runtime.http.builtin import BuiltIns
from agentdc_runtime.http.route import Linked
from agentdc_runtime.http.runs import Runs
from agentdc_runtime.http.service import Service
from agentdc_runtime.observe.log import AUDIT, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

    from agentdc_runtime.core.run import Program
    from agentdc_runtime.host.recovery import Recovery
    from agentdc_runtime.host.start import Started
    from agentdc_runtime.host.surface import Surface
    from agentdc_runtime.host.workers import Board
    from agentdc_runtime.state.keeper import Keeper

DEFAULT_BIND = "127.0.0.1:8080"
_STEP = 0.02  # seconds between two looks at what a drain still waits for


def serve(started: Started, surface: Surface) -> int:
    """Serve until a signal; the exit status."""
    where = started.options.bind or DEFAULT_BIND
    _check_address(where)
    if started.options.workers > 1:
        return _serve_together(started, surface, where)
    return _serve(_Server(started, surface, Signals()), where)


def _serve_together(started: Started, surface: Surface, where: str) -> int:
    """As several processes on one address, which only apps that are asked for it load the means for."""
    from agentdc_runtime.host.workers import PERIOD, supervise

    def work(board: Board, number: int, place: str, ready: int) -> int:
        started.process.restart_ids()
        server = _Server(started, surface, Signals())
        server.worker = _Worker(board, number, ready, PERIOD)
        try:
            return _serve(server, place)
        except Refusal as refusal:
            tell(started.program, refusal.message)
            return refusal.status

    try:
        return supervise(started.program, where, started.options.workers, work)
    except AgentError as error:
        raise Refusal(error.display, FAILED) from error


def _serve(server: _Server, where: str) -> int:
    try:
        return loop.run(server.run(*address(where)))
    except AgentError as error:
        raise Refusal(error.display, FAILED) from error


def _check_address(text: str) -> None:
    try:
        address(text)
    except (ValueError, OSError):
        message = (
            f"cannot bind to {text}: an IP address and a port are needed, such as 0.0.0.0:8080 or [::1]:8080"
        )
        raise Refusal(message, USAGE) from None


class _Worker:
    """One of several processes. `ready`: a pipe that is told when it listens; `period`: of publishing, in seconds."""

    def __init__(self, board: Board, number: int, ready: int, period: float) -> None:
        self.board = board
        self.number = number
        self.ready = ready
        self.period = period


class _Server:
    """One serving process. `worker`: its place among several, None when it is the only one."""

    def __init__(self, started: Started, surface: Surface, signals: Signals) -> None:
        self._started = started
        self._surface = surface
        self._signals = signals
        self._log = started.log
        self._wake = asyncio.Event()
        self._ending = asyncio.Event()
        self._schedules: set[asyncio.Task[Any]] = set()
        self._store: Any = None
        self._keeper: Keeper | None = None
        self._recovery: Recovery | None = None
        self._upkeep: Any = None
        self._tasks: list[asyncio.Task[Any]] = []
        self.worker: _Worker | None = None

    async def run(self, host: str, port: int) -> int:
        """From the checks of the operands to the end of the drain."""
        try:
            await self._prepare()
            # Not earlier: what the loop has caught while nothing was awaited it would tell after the port is open.
            self._signals.attach(asyncio.get_running_loop(), self._wake.set)
            if self._signals.first:
                return OK  # told to end before anything was accepted
            self._open(host, port)
            await self._until_told()
            return await self._drain()
        finally:
            await self._close()

    # Starting.

    async def _prepare(self) -> None:
        """Everything that can refuse the start, in the order of spec 02 §0, step 14; then the service."""
        started, surface, operands = self._started, self._surface, self._started.operands
        program = self._program()
        linked = Linked(
            program, surface.routes, surface.auth, surface.reference, surface.bucket, surface.approvals
        )
        self._reload = Reload(started, surface, linked)
        table = self._reload.table(operands)
        self._open_store()
        context = self._reload.context(operands)
        for trigger in surface.triggers if self._is_first() else ():
            if hasattr(trigger, "attach"):
                trigger.attach(started.process)
            trigger.prepare()
        await started.process.open()
        self._built_ins = BuiltIns(started, surface, self._reload)
        self.runs = Runs(
            program,
            started.process,
            walk=surface.walk,
            walk_kept=surface.walk_kept,
            admission=Admission(surface.most_runs),
            run_time=started.run_time(),
            dry_run=started.options.dry_run,
            figures=self._built_ins.figures,
            keeper=self._keeper,
            closed=None if self._store is None else self._store.status.refusal,
        )
        self.service = Service(
            program,
            started.process,
            self._log,
            self.runs,
            built_in=self._built_ins.answers(),
            guard=self._guard(),
            opaque=surface.opaque,
            date=surface.date,
        )
        self._listener = Listener(
            self.service,
            table,
            most=most_connections(surface.most_connections),
            tls=surface.tls,
            http2=surface.http2,
        )
        self._listener.context = context
        self._reload.listener = self._listener
        self._built_ins.store = self._store
        self._built_ins.listener = self._listener
        await self._reload.begin(table)

    def _guard(self) -> Any:
        """What keeps deliveries from running twice; None when no route has a key."""
        make = self._surface.guard
        return None if make is None or self._store is None else make(self._store, self._surface.store_failure)

    def _folder(self) -> str | None:
        """The state directory, if there is one."""
        store, started = self._surface.store, self._started
        if store is None:
            return started.options.state_dir
        found: str | None = store.folder_of(
            started.options.state_dir, started.operands, started.app.name, os.environ
        )
        return found

    def _program(self) -> Program:
        """The program whose blocks this process runs: one that can stop after every node, where that is asked for."""
        app = self._started.app
        each = self._started.options.checkpoint_each_node and self._folder() is not None
        return app.stepwise() if each and app.stepwise is not None else app.program

    def _open_store(self) -> None:
        surface, started, folder = self._surface, self._started, self._folder()
        keyed = [route for route in surface.routes if route.key is not None]
        if folder is None:
            if keyed:
                which = f"{keyed[0].method} {keyed[0].path}"
                raise ConfigError(f"route {which}: idempotency_key needs a state directory; pass --state-dir")
            return
        if surface.store is not None:
            self._store = surface.store(folder, started.process.emit, started.operands.get("state"))
            assert started.app.state is not None
            self._keeper = started.app.state.keep(started, self._store)

    def _open(self, host: str, port: int) -> None:
        """Listen, say so, and begin with the schedules."""
        if self._listens():
            given = adopted(notify.listen_fds(os.environ, os.getpid()))
            sockets = given or [bind(host, port, shared=self.worker is not None)]
            self._listener.start(sockets)
            if self._is_first():
                self._announce(sockets)
        events = asyncio.get_running_loop()
        for trigger in self._surface.triggers if self._is_first() else ():
            running = trigger.follow(self.runs.fire, self._started.process.emit, self._ending)
            task = events.create_task(running)
            self._schedules.add(task)
            task.add_done_callback(self._schedules.discard)
        if self._started.options.reload_file is not None:
            watching = watch_file(
                self._started.options.reload_file, self._ask_reload, self._started.process.emit
            )
            self._tasks.append(events.create_task(watching))
        if self._keeper is not None:
            self._follow_runs(self._keeper)
        if self._store is not None and self._surface.upkeep is not None:
            self._upkeep = self._surface.upkeep(self._store, first=self._is_first())
            self._built_ins.upkeep = self._upkeep
        gc.collect()
        gc.freeze()  # what is here now stays: spare every collection the look at it
        if self.worker is None:
            notify.notify(os.environ, "READY=1")
        else:
            self._built_ins.board = self.worker.board
            self._tasks.append(events.create_task(self._publish(self.worker)))
            os.write(self.worker.ready, b".")

    def _follow_runs(self, keeper: Keeper) -> None:
        """Go on with what is approved, and with what a dead process left."""
        state = self._started.app.state
        assert state is not None
        self._recovery = recovery = state.recovery(self._started, self.runs, keeper)
        keeper.wake = recovery.wake
        self.runs.go_on = recovery.join
        self._tasks.append(asyncio.get_running_loop().create_task(recovery.follow()))

    def _is_first(self) -> bool:
        return self.worker is None or self.worker.number == 0

    async def _publish(self, worker: _Worker) -> None:
        """Leave the figures of this process where the others find them."""
        while True:
            worker.board.publish(self._built_ins.snapshot())
            await asyncio.sleep(worker.period)

    def _listens(self) -> bool:
        """With routes always; without any only where an address was asked for, for /healthz and /metrics."""
        return bool(self._surface.routes) or self._started.options.bind is not None

    def _announce(self, sockets: list[socket.socket]) -> None:
        program, name = self._started.program, self._started.app.name
        scheme = "http" if self._listener.context is None else "https"
        routes = self._surface.routes
        for each in sockets:
            where = each.getsockname()
            place = shown(where[0], where[1]) if isinstance(where, tuple) else str(where)
            drain = self._started.options.drain_timeout_secs
            counted = "1 route" if len(routes) == 1 else f"{len(routes)} routes"
            tell(
                program,
                f"workflow `{name}` listening on {scheme}://{place}/ ({counted}, drain timeout {drain} s)",
            )
        for route in routes:
            tell(program, f"  {route.method} {route.path} -> {route.start}")
        tell(program, "  GET /healthz is live")

    # Serving.

    def _ask_reload(self) -> None:
        self._signals.reload = True
        self._wake.set()

    async def _until_told(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._signals.first:
                return
            if self._signals.reload:
                self._signals.reload = False
                if self.worker is None:
                    notify.notify(os.environ, "RELOADING=1")
                await self._reload.run()
                if self.worker is None:
                    notify.notify(os.environ, "READY=1")

    # Ending.

    async def _drain(self) -> int:
        """Finish what was begun, within the drain timeout; a second signal ends it."""
        seconds = self._started.options.drain_timeout_secs
        if self.worker is None:
            notify.notify(os.environ, "STOPPING=1")
        tell(self._started.program, f"draining: {self._in_flight()} in flight, at most {seconds} s")
        self._ending.set()
        if self._recovery is not None:
            self._recovery.stop()
        self._listener.stop()
        deadline = monotonic() + seconds
        while self._in_flight():
            if self._signals.forced or monotonic() >= deadline:
                fields = {"in_flight": self._in_flight()}
                self._log.emit(WARN, AUDIT, "http.drain_deadline_exceeded", fields)
                return FAILED
            await asyncio.sleep(_STEP)
        return OK

    def _in_flight(self) -> int:
        resumed = 0 if self._recovery is None else self._recovery.busy
        return self._listener.connections + len(self._schedules) + resumed

    async def _close(self) -> None:
        if hasattr(self, "_listener"):
            self._listener.abort()
        for task in (*self._tasks, *self._schedules):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._schedules, return_exceptions=True)
        if self._recovery is not None:
            await self._recovery.end()
        if hasattr(self, "_reload"):
            await self._reload.end()
        await self._started.process.close()
        if self._upkeep is not None:
            self._upkeep.close()
        if self._keeper is not None:
            self._keeper.close()
