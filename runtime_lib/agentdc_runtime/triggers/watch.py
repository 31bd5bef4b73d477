"""Watching files (spec 02 §10.4). Links `ctypes` for inotify; where that is missing, folders are compared.

Not watchfiles, which the design names: it reports added, modified and deleted, so a rename or a change of mode cannot
be told from what the dialect fires on. inotify says all of it, in fifty lines.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from time import monotonic

from agentdc_runtime.errors import AgentError, ConfigError, InternalError
from agentdc_runtime.observe.log import ERROR, INFO, WARN
from agentdc_runtime.triggers.loop import wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentdc_runtime.triggers.loop import Emit, Fire

SHORTEST = 10  # ms; a debounce of zero would spin
POLL = 0.2  # seconds between two comparisons where nothing tells of events

_MODIFY, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _OVERFLOW, _IGNORED, _ISDIR = 0x400, 0x800, 0x4000, 0x8000, 0x40000000
_MASK = _MODIFY | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF
_KINDS = ((_CREATE, "create"), (_MODIFY, "modify"), (_DELETE, "remove"), (_MOVED_FROM | _MOVED_TO, "rename"))
_EVENT = struct.Struct("iIII")
_NONBLOCK, _CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC


class WatchTrigger:
    """A start node and what to watch. `events`: kinds that fire, empty for all; `debounce_ms`: quiet time."""

    kind = "fs_watch"

    __slots__ = ("_watcher", "debounce_ms", "events", "path", "recursive", "start_node")

    def __init__(
        self, *, start_node: str, path: str, recursive: bool, events: tuple[str, ...], debounce_ms: int
    ) -> None:
        self.start_node = start_node
        self.path = path
        self.recursive = recursive
        self.events = frozenset(events)
        self.debounce_ms = max(debounce_ms, SHORTEST)
        self._watcher: Watcher | None = None

    def prepare(self) -> None:
        """Begin to watch; ConfigError when there is nothing at the path, or when it cannot be watched."""
        if not os.path.exists(self.path):
            raise ConfigError(f"fs_watch: there is nothing at {self.path}")
        try:
            self._watcher = Watcher(self.absolute, recursive=self.recursive)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigError(
                f"fs_watch: {error.filename or self.path} cannot be watched: {reason}"
            ) from error

    @property
    def absolute(self) -> str:
        """Working directory and path joined; links are not followed."""
        return os.path.normpath(os.path.join(os.getcwd(), self.path))

    def wants(self, kind: str) -> bool:
        """Whether this kind of event fires."""
        return not self.events or kind in self.events

    async def follow(self, fire: Fire, emit: Emit, ending: asyncio.Event) -> None:
        """Fire until `ending`; a run in progress then still finishes. What happened since `prepare` counts."""
        assert self._watcher is not None
        watcher = self._watcher
        watcher.troubled = lambda reason: emit(WARN, "fs_watch.event_error", {"reason": reason})
        settings = {"path": self.absolute, "recursive": self.recursive, "debounce_ms": self.debounce_ms}
        emit(INFO, "fs_watch.started", settings)
        try:
            await self._loop(watcher, fire, emit, ending)
        finally:
            watcher.close()

    async def _loop(self, watcher: Watcher, fire: Fire, emit: Emit, ending: asyncio.Event) -> None:
        debounce = Debounce(self.debounce_ms)
        events = asyncio.get_running_loop()
        changed = asyncio.Event()
        if watcher.descriptor is not None:
            events.add_reader(watcher.descriptor, changed.set)
        tick = 0
        try:
            while not ending.is_set():
                await wait(changed, quiet_for(debounce) if watcher.descriptor is not None else POLL)
                changed.clear()
                now = monotonic()
                for path, kind in watcher.events():
                    if self.wants(kind):
                        debounce.event(path, kind, now)
                for path, kind in debounce.due(monotonic()):
                    if ending.is_set():
                        return
                    tick += 1
                    await self._run(fire, emit, path, kind, tick)
        finally:
            if watcher.descriptor is not None:
                events.remove_reader(watcher.descriptor)

    async def _run(self, fire: Fire, emit: Emit, path: str, kind: str, tick: int) -> None:
        start = self.start_node
        emit(INFO, "fs_watch.fire", {"path": path, "fs_event": kind, "tick": tick, "start_node": start})
        began = monotonic()
        payload = {
            "kind": "fs_watch",
            "path": path.encode("utf-8", "replace").decode(),  # a name need not be UTF-8, and JSON must be
            "event": kind,
            "fired_at_unix_ms": int(time.time() * 1000),
            "tick": tick,
        }
        try:
            status = await fire(start, payload)
        except Exception as error:  # noqa: BLE001 - whatever it is, the watching goes on
            told = error if isinstance(error, AgentError) else InternalError(error)
            emit(ERROR, "fs_watch.error", {"path": path, "tick": tick, "reason": told.display})
            return
        elapsed = int((monotonic() - began) * 1000)
        emit(
            INFO, "fs_watch.completed", {"path": path, "tick": tick, "status": status, "elapsed_ms": elapsed}
        )


class Debounce:
    """Waits until a path has been quiet; the last kind of event counts. The clock is the caller's, in seconds."""

    __slots__ = ("_due", "_quiet")

    def __init__(self, milliseconds: int) -> None:
        self._quiet = milliseconds / 1000
        self._due: dict[str, tuple[float, str]] = {}

    def event(self, path: str, kind: str, now: float) -> None:
        """Something happened to a path."""
        self._due.pop(path, None)  # behind the others: equal deadlines keep the order of their last events
        self._due[path] = (now + self._quiet, kind)

    def due(self, now: float) -> list[tuple[str, str]]:
        """(path, kind) of what has been quiet long enough, in the order of the deadlines."""
        ready = sorted(
            ((at, path, kind) for path, (at, kind) in self._due.items() if at <= now),
            key=lambda each: each[0],
        )
        for _, path, _ in ready:
            del self._due[path]
        return [(path, kind) for _, path, kind in ready]

    def next_deadline(self) -> float | None:
        """When something is due next, None when nothing waits."""
        return min((at for at, _ in self._due.values()), default=None)


class Watcher:
    """Tells of events below a path.

    `descriptor`: becomes readable when there are some; None where the path must be compared every `POLL` seconds.
    OSError when watching cannot begin. `troubled`: hears what goes wrong later.
    """

    def __init__(self, path: str, *, recursive: bool) -> None:
        self._path = path
        self._recursive = recursive
        self.troubled: Callable[[str], object] = lambda _reason: None
        self._is_file = not os.path.isdir(path)
        # A file is watched through its folder: editors replace files rather than write them.
        self._root = os.path.dirname(path) if self._is_file else path
        self._folders: dict[int, str] = {}
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._native = _Inotify.opened()
        if self._native is None:
            self._seen = dict(self._states())
        else:
            self._watch(self._root)

    @property
    def descriptor(self) -> int | None:
        """What to wait for."""
        return None if self._native is None else self._native.descriptor

    def events(self) -> list[tuple[str, str]]:
        """(absolute path, kind) of what happened since the last call."""
        found = self._compared() if self._native is None else self._read()
        return [each for each in found if not self._is_file or each[0] == self._path]

    def close(self) -> None:
        """Watch no more."""
        if self._native is not None:
            os.close(self._native.descriptor)

    def _watch(self, folder: str, found: list[tuple[str, str]] | None = None) -> None:
        """Watch a folder, and all below it; what is in a new one already has been created, too."""
        assert self._native is not None
        try:
            self._folders[self._native.add(folder)] = folder
        except FileNotFoundError:
            if folder == self._root:
                raise
            return  # gone again
        except OSError as error:
            if found is None:
                raise
            self.troubled(f"{folder}: {error.strerror}")
            return
        if found is None and not self._recursive:
            return
        try:
            entries = list(os.scandir(folder))
        except OSError:
            return
        for entry in entries:
            if found is not None:
                found.append((entry.path, "create"))
            if self._recursive and entry.is_dir(follow_symlinks=False):
                self._watch(entry.path, found)

    def _read(self) -> list[tuple[str, str]]:
        assert self._native is not None
        found: list[tuple[str, str]] = []
        for number, mask, name in self._native.read():
            if mask & _OVERFLOW:
                self.troubled("too many events at once; some were lost")
            folder = self._folders.get(number)
            if folder is None:
                continue
            if mask & _IGNORED:
                del self._folders[number]
                if folder == self._root:
                    self.troubled(f"{self._path} is gone")
                continue
            if not name:
                continue
            path = os.path.join(folder, name)
            kind = next((word for bits, word in _KINDS if mask & bits), None)
            if kind is not None:
                found.append((path, kind))
            if self._recursive and mask & _ISDIR and mask & (_CREATE | _MOVED_TO):
                self._watch(path, found)
        return found

    def _states(self) -> Iterator[tuple[str, tuple[int, int, int]]]:
        """Path to inode, size and time of change, of everything that is watched."""
        waiting = [self._root]
        while waiting:
            try:
                entries = list(os.scandir(waiting.pop()))
            except OSError:
                continue
            for entry in entries:
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                yield entry.path, (status.st_ino, status.st_size, status.st_mtime_ns)
                if self._recursive and entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)

    def _compared(self) -> list[tuple[str, str]]:
        before, now = self._seen, dict(self._states())
        self._seen = now
        moved = {state[0] for state in before.values()} & {state[0] for state in now.values()}
        found = []
        for path in sorted(before.keys() | now.keys()):
            if path not in now:
                found.append((path, "rename" if before[path][0] in moved else "remove"))
            elif path not in before:
                found.append((path, "rename" if now[path][0] in moved else "create"))
            elif before[path] != now[path] and not os.path.isdir(path):
                found.append((path, "modify"))
        return found


class _Inotify:
    """The kernel's file events (inotify(7))."""

    def __init__(self, library: object, descriptor: int) -> None:
        self._library = library
        self.descriptor = descriptor

    @classmethod
    def opened(cls) -> _Inotify | None:
        """None where the kernel or the C library has none of it."""
        try:
            import ctypes

            library = ctypes.CDLL(None, use_errno=True)
            descriptor = library.inotify_init1(_NONBLOCK | _CLOEXEC)
        except (ImportError, OSError, AttributeError):
            return None
        return None if descriptor < 0 else cls(library, descriptor)

    def add(self, path: str) -> int:
        """Watch one file or folder; its number. OSError."""
        import ctypes

        number: int = self._library.inotify_add_watch(self.descriptor, os.fsencode(path), _MASK)  # type: ignore[attr-defined]
        if number < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
        return number

    def read(self) -> Iterator[tuple[int, int, str]]:
        """(number, mask, name) of what is there."""
        while True:
            try:
                data = os.read(self.descriptor, 65_536)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                number, mask, _, length = _EVENT.unpack_from(data, at)
                at += _EVENT.size
                name = data[at : at + length].rstrip(b"\0")
                at += length
                yield number, mask, os.fsdecode(name)


def quiet_for(debounce: Debounce) -> float:
    """Seconds until something is due, at most one poll."""
    deadline = debounce.next_deadline()
    return POLL if deadline is None else max(0.0, min(POLL, deadline - monotonic()))
