"""Answers that were given before, by route and key (spec 02 §3.2, spec 04 §4.2). Links the store.

A row is written before the run begins, and names it; the answer is written in the transaction that ends the run, so
that no crash leaves one without the other. When the process of a row is gone, the run goes on from its checkpoint if
it has one; else it is run again, under its old id, so that what its nodes ask of others carries the keys of before.
"""

from __future__ import annotations

import time
from hashlib import sha256

from agentdc_runtime.jsontext import compact
from agentdc_runtime.state.owner import is_gone, me

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from agentdc_runtime.core.run import Json
    from agentdc_runtime.state.store import Store

    Reply: TypeAlias = tuple[int, str, bytes]

_SWEPT_AT_ONCE = 100


class NoKey(Exception):
    """The key is not in the request; the message is for the caller."""


class Link:
    """A delivery as its run knows it. `scope`: method and path; `ttl`: seconds that an answer counts."""

    __slots__ = ("key", "scope", "ttl")

    def __init__(self, scope: str, key: str, ttl: int) -> None:
        self.scope = scope
        self.key = key
        self.ttl = ttl

    @property
    def fields(self) -> list[str | int]:
        """What a checkpoint holds of it."""
        return [self.scope, self.key, self.ttl]


class Found:
    """What is known of a delivery. `reply`: to be given again; `busy`: another one is running; `interrupted`: the run
    that goes on with it; else a run is to begin, with `run_id`.
    """

    __slots__ = ("busy", "interrupted", "reply", "run_id")

    def __init__(
        self,
        run_id: str = "",
        *,
        reply: Reply | None = None,
        busy: bool = False,
        interrupted: str | None = None,
    ) -> None:
        self.run_id = run_id
        self.reply = reply
        self.busy = busy
        self.interrupted = interrupted


class Deliveries:
    """The table of deliveries. `clock`: Unix time in seconds."""

    __slots__ = ("_clock", "_me", "_store", "emit")

    def __init__(self, store: Store, clock: Any = time.time) -> None:
        self._store = store
        self._clock = clock
        self._me = me()
        self.emit = store.emit

    async def begin(self, link: Link, run_time: float, new_id: Callable[[], str]) -> Found:
        """Claim a delivery. `run_time`: of the longest run, in seconds; `new_id`: an id for a run."""
        now = int(self._clock() * 1000)
        stale = int(max(2 * run_time, 60.0) * 1000)
        digest = sha256(link.key.encode()).hexdigest()

        def claim(database: sqlite3.Connection) -> Found:
            row = database.execute(
                "SELECT state, fingerprint, status, content_type, body, owner, created_at, expires_at, run_id"
                " FROM idempotency WHERE scope = ? AND key = ?",
                (link.scope, link.key),
            ).fetchone()
            run_id = None
            if row is not None and row[1] == digest:
                state, _, status, content_type, body, owner, created, expires, known = row
                if state == "done" and now <= expires:
                    return Found(reply=(status, content_type, bytes(body)))
                if state == "in_progress" and not is_gone(owner):
                    if now - created <= stale:
                        return Found(busy=True)
                elif state in {"in_progress", "interrupted"} and known is not None:
                    if _has_checkpoint(database, known):
                        return Found(interrupted=known)
                    run_id = known
            self._store.admit()  # what was answered before is answered again, whatever the state of the disk
            _sweep(database, now)
            run_id = run_id or new_id()
            database.execute(
                "INSERT OR REPLACE INTO idempotency"
                " (scope, key, fingerprint, state, run_id, owner, created_at, expires_at)"
                " VALUES (?, ?, ?, 'in_progress', ?, ?, ?, ?)",
                (link.scope, link.key, digest, run_id, self._me, now, now + link.ttl * 1000 + stale),
            )
            return Found(run_id)

        return await self._store.write(claim)

    async def release(self, link: Link, run_id: str) -> None:
        """Give a claimed delivery up: the next one runs again, or goes on where this one stopped."""
        now = int(self._clock() * 1000)
        await self._store.write(lambda database: settle(database, link, run_id, None, now))


def settle(database: sqlite3.Connection, link: Link, run_id: str, reply: Reply | None, now: int) -> None:
    """The end of the run of a delivery, as a part of the transaction that ends it; without effect when another run
    has taken the delivery over. `reply`: to be given again; without one the next delivery runs.
    """
    which = (link.scope, link.key, run_id)
    ours = "WHERE scope = ? AND key = ? AND run_id = ? AND state != 'done'"
    if reply is not None:
        database.execute(
            f"UPDATE idempotency SET state = 'done', status = ?, content_type = ?, body = ?,"  # noqa: S608
            f" created_at = ?, expires_at = ? {ours}",
            (*reply, now, now + link.ttl * 1000, *which),
        )
    elif _has_checkpoint(database, run_id):
        database.execute(f"UPDATE idempotency SET state = 'interrupted' {ours}", which)  # noqa: S608
    else:
        database.execute(f"DELETE FROM idempotency {ours}", which)  # noqa: S608


def adopt(database: sqlite3.Connection, link: Link, run_id: str, now: int) -> None:
    """The run of a delivery goes on in this process: others that deliver it wait."""
    database.execute(
        "UPDATE idempotency SET state = 'in_progress', owner = ?, created_at = ?"
        " WHERE scope = ? AND key = ? AND run_id = ? AND state != 'done'",
        (me(), now, link.scope, link.key, run_id),
    )


def link_of(fields: object) -> Link | None:
    """The link in a checkpoint; None for what is none."""
    match fields:
        case [str(scope), str(key), int(ttl)]:
            return Link(scope, key, ttl)
        case _:
            return None


def _has_checkpoint(database: sqlite3.Connection, run_id: str) -> bool:
    """Whether a run was kept on its way; one that waits for approval has been answered."""
    found = database.execute(
        "SELECT awaiting_approval FROM checkpoints WHERE run_id = ?", (run_id,)
    ).fetchone()
    return found is not None and not found[0]


def key_of(spec: str, payload: Json, body: bytes) -> str:
    """The key that a route's `idempotency_key` finds in a request; NoKey."""
    if spec == "body_sha256":
        return sha256(body).hexdigest()
    found = payload
    for segment in spec.removeprefix("trigger.").split("."):
        if not segment:
            continue
        if isinstance(found, dict):
            found = found.get(segment)
        elif (
            isinstance(found, list) and segment.isascii() and segment.isdigit() and int(segment) < len(found)
        ):
            found = found[int(segment)]
        else:
            found = None
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, int | float):
        return compact(found)
    if isinstance(found, str) and found:
        return found
    raise NoKey(f"the idempotency key `{spec}` did not resolve to a non-empty string, a number or a boolean")


def stem(method: str, path: str, key: str) -> str:
    """The name of agentd's file for a delivery (spec 02 §3.2): FNV-1a of 64 bits behind the readable part."""
    number = 0xCBF29CE484222325
    for byte in f"{method}|{path}|{key}".encode():
        number = (number ^ byte) * 0x100000001B3 % 2**64
    plain = "".join(each if each.isascii() and each.isalnum() else "_" for each in key[:48])
    return f"{plain}-{number:016x}"


def _sweep(database: sqlite3.Connection, now: int) -> None:
    """Forget some of what has expired; little at a time, so that no caller waits for it."""
    database.execute(
        "DELETE FROM idempotency WHERE (scope, key) IN"
        " (SELECT scope, key FROM idempotency WHERE expires_at < ? LIMIT ?)",
        (now, _SWEPT_AT_ONCE),
    )
