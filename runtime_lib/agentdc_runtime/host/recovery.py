"""Goes on with runs in a process that serves: approved ones, expired ones, and those of processes that died.

Links asyncio and the state store. Every second, and at once when somebody decided here, the database is asked which
runs nobody has; each is claimed in a transaction, so that of several processes on one state directory one gets it.
A run that errors here keeps its row and is not tried again by this process: what is wrong is not mended by trying.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from agentdc_runtime.host.console import tell
from agentdc_runtime.observe.log import INFO, WARN
from agentdc_runtime.state import decisions, history, rows
from agentdc_runtime.state.decisions import Refused
from agentdc_runtime.state.fault import StoreError
from agentdc_runtime.state.keeper import now_ms
from agentdc_runtime.state.resuming import candidates, ending_of, gone, restored, taking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from agentdc_runtime.core.run import Ending, Run
    from agentdc_runtime.host.start import Started
    from agentdc_runtime.http.runs import Runs
    from agentdc_runtime.state.keeper import Keeper

    _End: TypeAlias = tuple[Run, Ending] | None

PERIOD = 1.0  # seconds


class Recovery:
    """`mode`: auto, list or off: what becomes of runs that a dead process left on their way."""

    def __init__(self, started: Started, runs: Runs, keeper: Keeper, mode: str) -> None:
        self._program = started.program
        self._runs = runs
        self._keeper = keeper
        self._mode = mode
        self._wake = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[_End]] = {}
        self._tried: set[str] = set()
        self._stopped = False

    def wake(self) -> None:
        """Look at once: somebody has decided."""
        self._wake.set()

    def stop(self) -> None:
        """Begin nothing any more."""
        self._stopped = True

    @property
    def busy(self) -> int:
        """Runs on their way."""
        return len(self._tasks)

    async def follow(self) -> None:
        """Look again and again."""
        self._keeper.beat()
        try:
            await self._keeper.store.write(lambda database: history.sweep(database, rows.is_over, now_ms()))
        except StoreError as error:
            self._keeper.process.emit(WARN, "state.recovery_failed", {"reason": error.reason})
        if self._mode == "list":
            await self._list()
        while not self._stopped:
            try:
                await self._look()
            except StoreError as error:
                self._keeper.process.emit(WARN, "state.recovery_failed", {"reason": error.reason})
            try:
                await asyncio.wait_for(self._wake.wait(), PERIOD)
            except TimeoutError:
                continue
            self._wake.clear()

    async def end(self) -> None:
        """Give up what is on its way: its checkpoints stay."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def join(self, run_id: str) -> _End:
        """Go on with a run that somebody asks for again, whatever the mode; several may ask."""
        if self._stopped:
            return None
        return await asyncio.shield(self._tasks.get(run_id) or self._begin(run_id))

    async def _list(self) -> None:
        keeper = self._keeper
        found = await keeper.store.write(lambda database: gone(database, keeper, now_ms()))
        for run_id in found:
            tell(self._program, f"recoverable run {run_id}: continue it with --resume {run_id}")

    async def _look(self) -> None:
        keeper, recover = self._keeper, self._mode == "auto"
        found = await keeper.store.write(
            lambda database: candidates(database, keeper, now_ms(), recover=recover)
        )
        for run_id in found:
            if run_id in self._tried:
                continue
            self._begin(run_id)

    def _begin(self, run_id: str) -> asyncio.Task[_End]:
        self._tried.add(run_id)
        task = asyncio.get_running_loop().create_task(self._go_on(run_id))
        self._tasks[run_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(run_id, None))
        return task

    async def _go_on(self, run_id: str) -> _End:
        """The run with its end; None when it cannot go on here, which is told."""
        keeper, emit = self._keeper, self._keeper.process.emit
        try:
            claimed = await keeper.store.write(taking(keeper, run_id, recovering=True))
            run, block = restored(keeper, claimed, monotonic())
        except Refused as refused:
            if refused.kind != "running":
                emit(WARN, "workflow.not_resumed", {"run_id": run_id, "reason": refused.message})
            return None
        except (StoreError, ValueError) as error:
            emit(WARN, "workflow.not_resumed", {"run_id": run_id, "reason": str(error)})
            return None
        keeper.warn_of_change(claimed.checkpoint)
        if claimed.expired and claimed.decision is not None:
            decisions.tell(emit, claimed.decision, ends=False)
        if not claimed.paused:
            emit(
                INFO, "workflow.recovered", {"run_id": run_id, "resume_node": claimed.checkpoint.resume_node}
            )
        ending = ending_of(claimed) if block is None or claimed.expired else None
        ending = await self._runs.resume(run, block, ending)
        if ending.status == "paused":
            self._tried.discard(run_id)  # the next decision is another one
        return run, ending
