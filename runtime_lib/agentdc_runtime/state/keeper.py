"""Keeps the runs of one process in the state directory: checkpoints, pauses, leases, history. Links the store.

Theory of operation. A run is told about only when what must survive it is committed (spec 04 §4.2): the checkpoint
before the paused outcome, the progress before the next node, the removal before the outcome that ends a run which had
a checkpoint. Each is one piece of work for the store, made from the run as it is at this moment, so that it can be
carried out on the writer's thread while the run is not looked at any more. What nobody waits for (history, signs of
life) is handed over and forgotten.
"""

from __future__ import annotations

import threading
import time

from agentdc_runtime.core.report import counters, entry, outcome
from agentdc_runtime.core.run import Ending
from agentdc_runtime.errors import WorkflowError
from agentdc_runtime.jsontext import compact
from agentdc_runtime.observe.log import WARN
from agentdc_runtime.state import history, rows
from agentdc_runtime.state.fault import StoreError
from agentdc_runtime.state.idempotency import settle
from agentdc_runtime.state.owner import me, namespace
from agentdc_runtime.state.saved import Outputs, of_run, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from typing import Any

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.core.run import Block, Program, Run
    from agentdc_runtime.state.idempotency import Reply
    from agentdc_runtime.state.saved import Checkpoint
    from agentdc_runtime.state.store import Store, Work

_ANSWERED = frozenset({"completed", "paused"})
MOST_WAITING = 10_000  # writes that nobody waits for


class Keeper:
    """`path`: of the database. `program`: its digest of the program. `stepwise`: the program with a block per node.

    `reply`: what a caller is answered. `each_node`: runs have a checkpoint after every node. `serving`: this process
    goes on with what is approved. `history`: every run gets a row.
    """

    def __init__(
        self,
        store: Store,
        process: Process,
        stepwise: Callable[[], Program],
        reply: Callable[[Ending, Run], Reply],
        *,
        workflow: str,
        program: str,
        each_node: bool,
        history: bool,
        serving: bool,
    ) -> None:
        self.store = store
        self.process = process
        self.path = store.path
        self.workflow = workflow
        self.program = program
        self.each_node = each_node
        self.history = history
        self.serving = serving
        self.owner = f"{me()}#{namespace()}"
        self.held: set[str] = set()  # runs of this process that have a checkpoint
        self.carried: dict[str, dict[str, Any]] = {}  # what their checkpoints held beside our fields
        self._names: dict[Block, str] = {}
        self.wake: Callable[[], None] = _nothing  # somebody has decided
        self._stepwise = stepwise
        self._reply = reply
        self._dropping = False
        self._stop = threading.Event()
        self._beating: threading.Thread | None = None

    @property
    def stepwise(self) -> Program:
        """The program whose blocks are single nodes."""
        return self._stepwise()

    @property
    def names(self) -> dict[Block, str]:
        """Which node each block of it is."""
        if not self._names:
            self._names.update((block, node) for node, block in self.stepwise.points.items())
        return self._names

    def checkpoint(self, run: Run, now: int, outputs: str) -> Checkpoint:
        """A checkpoint of a run as it stands; not yet told where it goes on."""
        made = of_run(run, self.program, now, outputs)
        made.extra = {**self.carried.get(run.id, {}), **made.extra}
        if run.delivery is not None:
            made.extra["delivery"] = run.delivery.fields
        return made

    def warn_of_change(self, checkpoint: Checkpoint) -> None:
        """Tell when the run was begun by another program than the one that goes on with it."""
        if checkpoint.program not in {None, self.program}:
            fields = {"run_id": checkpoint.run_id, "was": checkpoint.program, "is": self.program}
            self.process.emit(WARN, "workflow.changed", fields)

    # A run on its way.

    def begun(self, run: Run) -> None:
        """A run begins or goes on; nobody waits for its row in the history."""
        if not self.history:
            return
        row = (
            run.id,
            run.workflow,
            self.program,
            run.start,
            run.kind,
            self._hidden(text_of(run.input)),
            now_ms(),
        )
        holds = not self.each_node and run.resumed is None
        owner = self.owner

        def begin(database: sqlite3.Connection) -> None:
            history.begin(database, row)
            if holds:
                rows.hold(database, run.id, owner, row[-1])

        self._soon(begin)

    def steps(self, run: Run) -> Steps:
        """What writes the checkpoints of a run."""
        return Steps(self, run)

    # The end of a run.

    def end_now(self, run: Run, ending: Ending) -> Ending:
        """Commit what the end of a run changes; the ending to tell, which is another one if that fails."""
        work = self.closing(run, ending)
        try:
            if work is not None:
                self.store.write_now(work)
        except StoreError as error:
            return self._unkept(run, ending, error)
        run.delivery = None
        return ending

    async def end(self, run: Run, ending: Ending) -> Ending:
        """As `end_now`, where an event loop runs."""
        work = self.closing(run, ending)
        try:
            if work is not None:
                await self.store.write(work)
        except StoreError as error:
            return self._unkept(run, ending, error)
        run.delivery = None
        return ending

    def end_soon(self, run: Run, ending: Ending) -> None:
        """As `end_now`, for a run that nothing depends on: nobody waits."""
        work = self.closing(run, ending)
        if work is not None:
            self._soon(work)

    def closing(self, run: Run, ending: Ending) -> Work[None] | None:
        """The work that the end of a run makes; None when there is none."""
        now = now_ms()
        told, answered = self._told(run, ending, now), self._answered(run, ending, now)
        kept = run.id in self.held
        if ending.status == "paused":
            return self._pausing(run, ending, now, (told, answered))
        over = ending.status in {"completed", "failed"} or (
            ending.status == "timed_out" and run.resumed is not None
        )
        if kept and over:
            self.held.discard(run.id)
            self.carried.pop(run.id, None)
        if told is None and answered is None and not (kept and over):
            return None

        def close(database: sqlite3.Connection) -> None:
            if told is not None:
                told(database)
            if over:
                rows.remove(database, run.id)
            elif not kept:
                rows.release(database, run.id)
            if answered is not None:
                answered(database)

        return close

    def _pausing(
        self, run: Run, ending: Ending, now: int, further: tuple[Work[None] | None, ...]
    ) -> Work[None]:
        assert ending.pause is not None
        waits, owner = ending.pause, self.owner if self.serving else None
        checkpoint = self.checkpoint(run, now, Outputs(run).text())
        checkpoint.awaiting_approval = True
        checkpoint.resume_node = waits.resume
        checkpoint.reason = ending.reason or None
        checkpoint.extra.pop("delivery", None)  # the caller hears of the pause, and of nothing behind it
        if waits.expires_secs is not None:
            checkpoint.expires_at = now + waits.expires_secs * 1000
        if waits.require_decision:
            checkpoint.extra["require_decision"] = True

        def pause(database: sqlite3.Connection) -> None:
            rows.save(database, checkpoint)
            if owner is None:
                rows.release(database, run.id)
            else:
                rows.hold(database, run.id, owner, now)
            for each in further:
                if each is not None:
                    each(database)

        self.held.discard(run.id)
        return pause

    def _answered(self, run: Run, ending: Ending, now: int) -> Work[None] | None:
        """What becomes of the delivery that a run answers."""
        link = run.delivery
        if link is None:
            return None
        reply = self._reply(ending, run) if ending.status in _ANSWERED else None
        return lambda database: settle(database, link, run.id, reply, now)

    def _told(self, run: Run, ending: Ending, now: int) -> Work[None] | None:
        """The run's part of the history."""
        if not self.history:
            return None
        if ending.error is not None or ending.status == "stopped":
            why = f"stopped by signal {run.stop_signal}" if ending.error is None else ending.error.display
            document: Mapping[str, Any] = {
                "status": ending.status,
                "last_node": ending.last_node,
                "error": why,
            }
        else:
            document = outcome(ending, run)
        entries = [self._entry(entry(each)) for each in run.trace]
        cost = compact(counters(ending, run))

        def tell(database: sqlite3.Connection) -> None:
            history.nodes(database, run.id, entries)
            history.end(database, run.id, document, now, cost, self._hidden)

        return tell

    def _entry(self, shown: Mapping[str, Any]) -> tuple[Any, ...]:
        output = None if shown["output"] is None else self._hidden(text_of(shown["output"]))
        return (
            shown["node_id"],
            shown["kind"],
            shown["outcome"],
            shown["branch"],
            output,
            shown["elapsed_ms"],
        )

    def _hidden(self, text: str) -> str:
        secrets = self.process.secrets
        return text if secrets is None else secrets.scrub(text)

    def _unkept(self, run: Run, ending: Ending, error: StoreError) -> Ending:
        """What becomes of a run whose end could not be committed: only a pause is nothing without it."""
        reason = error.reason
        if ending.status == "paused":
            run.at_edge = True
            run.trace.pop()
            problem = WorkflowError(self.workflow, f"the run could not be kept: {reason}")
            return Ending("errored", ending.last_node, ending.elapsed_ms, error=problem)
        if run.delivery is not None and ending.status in _ANSWERED:
            method, _, path = run.delivery.scope.partition("|")
            fields = {"method": method, "path": path, "reason": reason}
            self.process.emit(WARN, "idempotency.not_recorded", fields)  # the caller still gets the answer
        else:
            self.process.emit(WARN, "workflow.not_kept", {"run_id": run.id, "reason": reason})
        return ending

    # Signs of life.

    def beat(self) -> None:
        """Begin to tell, from time to time, that what this process holds is in good hands."""
        if self._beating is None:
            self._beating = threading.Thread(target=self._beat, name="lease", daemon=True)
            self._beating.start()

    def _beat(self) -> None:
        while not self._stop.wait(rows.BEAT):
            self._soon(lambda database: rows.beat(database, self.owner, now_ms()))

    def _soon(self, work: Work[Any]) -> None:
        """Hand work over; when the disk is far behind, it is dropped: a history must not eat the memory."""
        if self.store.backlog < MOST_WAITING:
            self._dropping = False
            self.store.write_soon(work, self._lost)
        elif not self._dropping:
            self._dropping = True
            reason = f"more than {MOST_WAITING} writes wait for the disk: rows of the history are dropped"
            self.process.emit(WARN, "state.write_failed", {"reason": reason})

    def _lost(self, error: BaseException) -> None:
        self.process.emit(WARN, "state.write_failed", {"reason": str(error)})

    def close(self) -> None:
        """Finish what waits, and close the store."""
        self._stop.set()
        self.store.close()


class Steps:
    """The checkpoints of one run on its way."""

    __slots__ = ("_held", "_keeper", "_names", "_outputs", "_run")

    def __init__(self, keeper: Keeper, run: Run) -> None:
        self._keeper = keeper
        self._run = run
        self._outputs = Outputs(run)
        self._names = keeper.names
        self._held = run.id in keeper.held
        keeper.beat()

    def write_now(self, following: Block) -> None:
        """Keep the run as it stands before this block."""
        try:
            self._keeper.store.write_now(self._work(following))
        except StoreError as error:
            raise self._failed(error) from error

    async def write(self, following: Block) -> None:
        """As `write_now`, where an event loop runs."""
        try:
            await self._keeper.store.write(self._work(following))
        except StoreError as error:
            raise self._failed(error) from error

    def _work(self, following: Block) -> Work[None]:
        run, keeper, now = self._run, self._keeper, now_ms()
        checkpoint = keeper.checkpoint(run, now, self._outputs.text())
        checkpoint.extra.pop("require_decision", None)
        if run.node is not None:
            checkpoint.extra.pop("recoveries", None)  # it gets on
        checkpoint.resume_node = self._names[following]
        if run.node is None:
            checkpoint.paused_at = run.resumed or ""
        held, self._held = self._held, True
        keeper.held.add(run.id)

        def progress(database: sqlite3.Connection) -> None:
            rows.save(database, checkpoint)
            if not held:
                rows.hold(database, run.id, keeper.owner, now)

        return progress

    def _failed(self, error: StoreError) -> WorkflowError:
        self._run.at_edge = True
        return WorkflowError(self._run.workflow, f"the checkpoint could not be written: {error.reason}")


def _nothing() -> None:
    """Nobody waits."""


def now_ms() -> int:
    """Milliseconds, UTC."""
    return int(time.time() * 1000)
