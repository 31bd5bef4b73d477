"""Events that somebody on this machine emits to the running app (`internal.event`). Links asyncio.

The app listens on a Unix socket that only its own user can reach; `<app> emit NAME` connects to it. One line of JSON
asks, one line answers, after the runs that the event began: whoever emitted it knows what became of it, and one that
was not answered may be emitted again. The runs of one trigger are serial; events wait in the order in which they
came.
"""

from __future__ import annotations

import asyncio
import os
import time
from time import monotonic

from agentdc_runtime.errors import AgentError, ConfigError, InternalError
from agentdc_runtime.jsontext import JsonError, compact, loads
from agentdc_runtime.observe.log import ERROR, INFO
from agentdc_runtime.triggers.place import event_socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.triggers.loop import Emit, Fire

    Json: TypeAlias = Any

KEPT = "events"
MOST = 1_048_576  # bytes of one event
MOST_WAITING = 1024


class EventTrigger:
    """A start node and the name of what it waits for."""

    kind = "internal.event"

    __slots__ = ("_waiting", "name", "start_node")

    def __init__(self, *, start_node: str, name: str) -> None:
        self.start_node = start_node
        self.name = name
        self._waiting: asyncio.Queue[tuple[Json, asyncio.Future[Json]]] = asyncio.Queue(MOST_WAITING)

    def attach(self, process: Process) -> None:
        """Listen with the others of this app."""
        events: Events = process.kept.get(KEPT) or process.kept.setdefault(KEPT, Events())
        events.triggers.append(self)

    def prepare(self) -> None:
        """Nothing can be wrong with a name."""

    def take(self, payload: Json) -> asyncio.Future[Json]:
        """An event; done with what became of its run. QueueFull when too many wait."""
        done: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((payload, done))
        return done

    async def follow(self, fire: Fire, emit: Emit, ending: asyncio.Event) -> None:
        """Fire until `ending`; what waits then is told so."""
        emit(INFO, "event.started", {"name": self.name, "start_node": self.start_node})
        over = asyncio.get_running_loop().create_task(ending.wait())
        tick = 0
        try:
            while not ending.is_set():
                told = asyncio.get_running_loop().create_task(self._waiting.get())
                await asyncio.wait([told, over], return_when=asyncio.FIRST_COMPLETED)
                if not told.done():
                    told.cancel()
                    break
                tick += 1
                payload, done = told.result()
                said = await self._run(fire, emit, payload, tick)
                if not done.done():
                    done.set_result(said)
        finally:
            over.cancel()
            while not self._waiting.empty():
                _, done = self._waiting.get_nowait()
                if not done.done():
                    done.set_result({"start_node": self.start_node, "error": "the app is ending"})

    async def _run(self, fire: Fire, emit: Emit, payload: Json, tick: int) -> dict[str, Json]:
        start = self.start_node
        told = {"name": self.name, "start_node": start, "tick": tick}
        emit(INFO, "event.fire", told)
        began = monotonic()
        given = {
            "kind": self.kind,
            "name": self.name,
            "payload": payload,
            "fired_at_unix_ms": int(time.time() * 1000),
            "tick": tick,
        }
        try:
            status = await fire(start, given)
        except Exception as error:  # noqa: BLE001 - whatever it is, the listening goes on
            reason = (error if isinstance(error, AgentError) else InternalError(error)).display
            emit(ERROR, "event.error", {**told, "reason": reason})
            return {"start_node": start, "error": reason}
        emit(
            INFO,
            "event.completed",
            {**told, "status": status, "elapsed_ms": int((monotonic() - began) * 1000)},
        )
        return {"start_node": start, "status": status}


class Events:
    """The socket of an app and the triggers behind it."""

    def __init__(self) -> None:
        self.triggers: list[EventTrigger] = []
        self._server: asyncio.Server | None = None
        self._path = ""
        self._inode = 0

    async def aopen(self) -> None:
        """Listen; ConfigError when the place for the socket cannot be used, or another app listens there."""
        self._path = event_socket(os.environ)
        try:
            await self._bind()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError(f"cannot listen for events at {self._path}: {reason}") from None

    async def aclose(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
            try:
                if os.stat(self._path).st_ino == self._inode:
                    os.unlink(self._path)
            except OSError:
                pass

    async def _bind(self) -> None:
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        if (
            os.path.exists(self._path) and "LISTEN_FDS" not in os.environ
        ):  # else the one before us is draining
            try:
                _, writer = await asyncio.open_unix_connection(self._path)
            except OSError:
                pass  # left by one that was killed
            else:
                writer.close()
                raise ValueError("another app listens there; AGENTDC_EVENTS names another place")
        staged = f"{self._path}.{os.getpid()}"
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._answer, staged, limit=MOST)
        finally:
            os.umask(before)
        os.replace(staged, self._path)
        self._inode = os.stat(self._path).st_ino

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            said = await self._said(reader)
            writer.write(f"{compact(said)}\n".encode())
            await writer.drain()
        except OSError:
            pass  # whoever asked is gone
        finally:
            writer.close()

    async def _said(self, reader: asyncio.StreamReader) -> dict[str, Json]:
        try:
            asked = loads((await reader.readuntil(b"\n")).decode())
        except asyncio.LimitOverrunError:
            return {"ok": False, "error": f"an event has at most {MOST} bytes"}
        except (JsonError, UnicodeDecodeError, asyncio.IncompleteReadError):
            return {"ok": False, "error": "an event is one line of JSON"}
        name = asked.get("event") if isinstance(asked, dict) else None
        waiting = [each for each in self.triggers if each.name == name]
        if not waiting:
            known = ", ".join(sorted({each.name for each in self.triggers}))
            return {"ok": False, "error": f"no trigger waits for this event; there are: {known}"}
        try:
            taken = [each.take(asked.get("payload")) for each in waiting]
        except asyncio.QueueFull:
            return {"ok": False, "error": "too many events are waiting"}
        runs = await asyncio.gather(*taken)
        return {"ok": all(run.get("status") == "completed" for run in runs), "runs": runs}
