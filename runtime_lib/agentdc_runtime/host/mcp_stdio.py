"""`--mcp-serve stdio`: the app as an MCP server over its standard streams. Links asyncio and what serves runs.

One message a line. Standard output carries messages and nothing else; logs go to standard error. The end of the input
ends the app once what was begun is answered; a signal ends it at once, its runs at their next node boundary.
"""

from __future__ import annotations

import asyncio
import os
from threading import Thread

from agentdc_runtime.errors import AgentError
from agentdc_runtime.host import loop
from agentdc_runtime.host.console import FAILED, OK, USAGE, Refusal, write_all
from agentdc_runtime.host.signals import Signals
from agentdc_runtime.http.admission import Admission
from agentdc_runtime.http.runs import Runs
from agentdc_runtime.jsontext import JsonError, compact, loads
from agentdc_runtime.mcp.lines import Lines, TooLong
from agentdc_runtime.mcp.offers import Offers, parse_error
from agentdc_runtime.observe.figures import Figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from agentdc_runtime.core.run import Ending, Run
    from agentdc_runtime.host.start import Started
    from agentdc_runtime.http.runs import Walk
    from agentdc_runtime.mcp.offers import Offer, Watch

    Json: TypeAlias = Any

MAX_LINE = 16 * 1024 * 1024
_CHUNK = 65_536
_MOST_RUNS = 128


def serve(started: Started, offers: tuple[Offer, ...], said: str, walk: Walk | None, *, opaque: bool) -> int:
    """Answer until the input ends; the exit status."""
    if started.options.log_target == "stdout":
        raise Refusal("`--mcp-serve stdio` needs standard output for itself; log to stderr or a file", USAGE)
    server = _Server(started, offers, said, walk, opaque=opaque)
    try:
        return loop.run(server.run())
    except AgentError as error:
        raise Refusal(error.display, FAILED) from error


class _Server:
    def __init__(
        self, started: Started, offers: tuple[Offer, ...], said: str, walk: Walk | None, *, opaque: bool
    ) -> None:
        self._started = started
        self._signals = Signals()
        self._wake = asyncio.Event()
        self._lines: asyncio.Queue[bytes | TooLong | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._runs = Runs(
            started.app.program,
            started.process,
            walk=walk,
            walk_kept=None,
            admission=Admission(_MOST_RUNS),
            run_time=started.run_time(),
            dry_run=started.options.dry_run,
            figures=Figures(started.process.counters),
        )
        self._offers = Offers(
            offers,
            name=started.app.name,
            version=started.app.version,
            said=said,
            dry_run=started.options.dry_run,
            opaque=opaque,
        )

    async def run(self) -> int:
        """From the first message to the last answer."""
        events = asyncio.get_running_loop()
        self._signals.attach(events, self._wake.set)
        try:
            await self._started.process.open()
            Thread(target=self._read, args=(events,), daemon=True).start()
            told = events.create_task(self._wake.wait())
            taken = events.create_task(self._take_all())
            await asyncio.wait([told, taken], return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            if not taken.done():
                return self._stop(taken)
            await taken
            return OK
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._started.process.close()

    def _stop(self, taken: asyncio.Task[None]) -> int:
        taken.cancel()
        for run in tuple(self._runs.running):
            run.stop(15)
        return OK

    def _read(self, events: asyncio.AbstractEventLoop) -> None:
        """Standard input, in a thread of its own: it may be a file, a pipe or a terminal."""
        lines = Lines(MAX_LINE)
        try:
            while chunk := os.read(0, _CHUNK):
                for line in lines.feed(chunk):
                    events.call_soon_threadsafe(self._lines.put_nowait, line)
        except OSError:
            pass
        try:  # noqa: SIM105
            events.call_soon_threadsafe(self._lines.put_nowait, None)
        except RuntimeError:
            pass  # the loop has ended

    async def _take_all(self) -> None:
        while (line := await self._lines.get()) is not None:
            if isinstance(line, TooLong):
                if not line.ended:
                    self._send(parse_error())
                continue
            task = asyncio.get_running_loop().create_task(self._answer(line))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(0)  # what a message changes is there for the next one
        await asyncio.gather(*self._tasks)

    async def _answer(self, line: bytes) -> None:
        try:
            message = loads(line.decode())
        except (JsonError, UnicodeDecodeError):
            self._send(parse_error())
            return

        async def walked(start: str, given: Json, watch: Watch) -> tuple[Ending, Run] | None:
            return await self._runs.called(start, "mcp", given, watch)

        answer = await self._offers.answer(message, walked)
        if answer is not None:
            self._send(answer)

    def _send(self, message: Json) -> None:
        try:
            write_all(1, f"{compact(message)}\n".encode())
        except OSError:
            self._wake.set()  # nobody reads any more
