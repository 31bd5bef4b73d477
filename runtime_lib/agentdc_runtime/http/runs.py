"""The runs of a serving process: begun, walked in their turn, kept where there is a state store, accounted for.

Links the driver; asyncio only through what it is handed. A run of a pure app is walked at once and without a task;
whatever must be committed before anybody hears of its end makes it a coroutine.
"""

from __future__ import annotations

from time import monotonic

from agentdc_runtime.core.drive import drive
from agentdc_runtime.core.report import counters
from agentdc_runtime.core.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.core.run import Block, Ending, Json, Next, Program
    from agentdc_runtime.errors import AgentError
    from agentdc_runtime.http.admission import Admission
    from agentdc_runtime.observe.figures import Figures
    from agentdc_runtime.observe.log import Spans
    from agentdc_runtime.state.keeper import Keeper

    Walk: TypeAlias = Callable[[Run, Next], Awaitable[Ending]]


class Runs:
    """`walk`: runs blocks that await, None in a pure app; `walk_kept`: with checkpoints, None without a store.

    `run_time`: seconds per run. `keeper`: keeps runs, None without a state directory. `figures`: what is counted.
    `closed`: why no run may begin, if so. `go_on`: goes on with a run that another process began, with its end, or
    None when it cannot. `running`: those on their way.
    """

    __slots__ = (
        "_admission",
        "_process",
        "_program",
        "_walk_kept",
        "closed",
        "dry_run",
        "figures",
        "go_on",
        "keeper",
        "run_time",
        "running",
        "walk",
    )

    def __init__(
        self,
        program: Program,
        process: Process,
        *,
        walk: Walk | None,
        walk_kept: Walk | None,
        admission: Admission,
        run_time: float,
        dry_run: bool,
        figures: Figures,
        keeper: Keeper | None = None,
        closed: Callable[[], AgentError | None] | None = None,
    ) -> None:
        self._program = program
        self._process = process
        self._admission = admission
        self.dry_run = dry_run
        self._walk_kept = walk_kept
        self.walk = walk_kept if keeper is not None and keeper.each_node else walk
        self.run_time = run_time
        self.figures = figures
        self.keeper = keeper
        self.closed = closed
        self.go_on: Callable[[str], Awaitable[tuple[Run, Ending] | None]] = _nowhere
        self.running: set[Run] = set()

    def new(
        self,
        kind: str,
        payload: Json,
        start: str,
        outer: Callable[[], Spans] | None = None,
        run_id: str | None = None,
    ) -> Run:
        """A run that begins now, with its journal. `outer`: the spans that it stands in."""
        run = Run(
            self._program,
            self._process,
            kind,
            payload,
            deadline=monotonic() + self.run_time,
            dry_run=self.dry_run,
            start=start,
            id=run_id,
        )
        self._tell_begin(run, outer)
        return run

    def _tell_begin(self, run: Run, outer: Callable[[], Spans] | None) -> None:
        if self._process.journal is not None:
            self._process.journal(run, run.start, outer).started()
        if self.keeper is not None:
            self.keeper.begun(run)

    # Walking.

    def at_once(self, run: Run, block: Block) -> Ending:
        """The whole walk of a pure app. A paused run must be `kept` before anybody hears of it."""
        ending = drive(run, block)
        if ending.status != "paused":
            if self.keeper is not None:
                self.keeper.end_soon(run, ending)
            self.account(run, ending)
        return ending

    async def kept(self, run: Run, ending: Ending) -> Ending:
        """The ending to tell of, after what must not be lost has been committed."""
        if self.keeper is not None:
            ending = await self.keeper.end(run, ending)
        self.account(run, ending)
        return ending

    async def in_turn(self, run: Run, block: Block) -> Ending | None:
        """Walk in its turn; None when no turn came within the time of a run."""
        if self.walk is None and run.delivery is not None:
            return await self.kept(run, drive(run, block))
        if self.walk is None:
            ending = self.at_once(run, block)
            return await self.kept(run, ending) if ending.status == "paused" else ending
        if not await self._admission.enter(self.run_time):
            forget(run)
            return None
        self.running.add(run)
        try:
            run.deadline = monotonic() + self.run_time
            ending = await self.walk(run, block)
        finally:
            self.running.discard(run)
            self._admission.leave()
        return await self.kept(run, ending)

    async def fire(self, start: str, payload: dict[str, Json]) -> str:
        """The run of a trigger; its status, or AgentError (spec 02 §10.1)."""
        if self.closed is not None:
            why = self.closed()
            if why is not None:
                raise why
        run = self.new("manual", payload, start)
        block = self._program.starts[start][1]
        self.running.add(run)
        try:
            ending = drive(run, block) if self.walk is None else await self.walk(run, block)
        finally:
            self.running.discard(run)
        ending = await self.kept(run, ending)
        if ending.error is not None:
            raise ending.error
        return ending.status

    async def called(
        self,
        start: str,
        kind: str,
        payload: Json,
        watch: Callable[[Run], None],
        outer: Callable[[], Spans] | None = None,
    ) -> tuple[Ending, Run] | None:
        """A run that neither a route nor a trigger begins; None when no turn came in time, AgentError when none may
        begin. `watch`: is handed the run before it is walked.
        """
        why = None if self.closed is None else self.closed()
        if why is not None:
            raise why
        run = self.new(kind, payload, start, outer)
        watch(run)
        ending = await self.in_turn(run, self._program.starts[start][1])
        return None if ending is None else (ending, run)

    async def resume(self, run: Run, block: Block | None, ending: Ending | None) -> Ending:
        """Go on with a run that was begun before. `ending`: there is nothing to walk any more."""
        self._tell_begin(run, None)
        if ending is None:
            assert self._walk_kept is not None
            await self._admission.enter(None)
            self.running.add(run)
            try:
                run.deadline = monotonic() + self.run_time
                ending = await self._walk_kept(run, block)
            finally:
                self.running.discard(run)
                self._admission.leave()
        return await self.kept(run, ending)

    # Accounting.

    def account(self, run: Run, ending: Ending) -> None:
        """Count a run that has ended, and tell the log."""
        in_node = False
        if ending.status == "completed":
            self._process.count_completed(len(run.trace))
        else:
            counts = counters(ending, run)
            self._process.count(counts)
            in_node = counts["node_failures"] == 1
        self.figures.durations.observe(ending.status, monotonic() - run.started)
        for node, _, _, seconds in run.trace:
            self.figures.node_durations.observe(node.kind, seconds)
        if run.journal is not None:
            run.journal.ended(ending, in_node)
            forget(run)


async def _nowhere(_: str) -> None:
    """Nothing here goes on with runs."""


def forget(run: Run) -> None:
    """Part a run from its journal, which refers back to it: without this only the collector could free them."""
    run.journal = None
