"""Answers that were given before, by route and key (spec 02 §3.2). Links the store.

A row is written before the run begins and again with the answer before the caller sees it, so no crash in between can
make a made-up answer; a row whose process is gone is taken over.
"""

from __future__ import annotations

import time
from hashlib import sha256

from agentdc_runtime.jsontext import compact
from agentdc_runtime.state.owner import is_gone, me

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any, TypeAlias

    from agentdc_runtime.core.run import Json
    from agentdc_runtime.state.store import Store

    Reply: TypeAlias = tuple[int, str, bytes]

_SWEPT_AT_ONCE = 100


class NoKey(Exception):
    """The key is not in the request; the message is for the caller."""


class Found:
    """What is known of a delivery. `reply`: to be given again; `busy`: another one is running; else run it."""

    __slots__ = ("busy", "reply", "token")

    def __init__(self, token: str = "", *, reply: Reply | None = None, busy: bool = False) -> None:
        self.token = token
        self.reply = reply
        self.busy = busy


class Deliveries:
    """The table of deliveries. `clock`: Unix time in seconds."""

    __slots__ = ("_clock", "_count", "_me", "_store", "emit")

    def __init__(self, store: Store, clock: Any = time.time) -> None:
        self._store = store
        self._clock = clock
        self._me = me()
        self._count = 0
        self.emit = store.emit

    async def begin(self, scope: str, key: str, ttl: int, run_time: float) -> Found:
        """Claim a delivery. `ttl`: seconds that an answer counts; `run_time`: of the longest run."""
        now = int(self._clock() * 1000)
        self._count += 1
        token = f"{self._me}#{self._count}"
        stale = int(max(2 * run_time, 60.0) * 1000)
        digest = sha256(key.encode()).hexdigest()

        def claim(database: sqlite3.Connection) -> Found:
            row = database.execute(
                "SELECT state, fingerprint, status, content_type, body, owner, created_at, expires_at"
                " FROM idempotency WHERE scope = ? AND key = ?",
                (scope, key),
            ).fetchone()
            if row is not None and row[1] == digest:
                state, _, status, content_type, body, owner, created, expires = row
                if state == "done" and now <= expires:
                    return Found(reply=(status, content_type, bytes(body)))
                holder = owner.partition("#")[0]
                alive = holder == self._me or not is_gone(holder)
                if state == "in_progress" and alive and now - created <= stale:
                    return Found(busy=True)
            self._store.admit()  # what was answered before is answered again, whatever the state of the disk
            _sweep(database, now)
            database.execute(
                "INSERT OR REPLACE INTO idempotency (scope, key, fingerprint, state, owner, created_at, expires_at)"
                " VALUES (?, ?, ?, 'in_progress', ?, ?, ?)",
                (scope, key, digest, token, now, now + ttl * 1000 + stale),
            )
            return Found(token)

        return await self._store.write(claim)

    async def finish(self, scope: str, key: str, token: str, ttl: int, reply: Reply) -> None:
        """Keep the answer of a claimed delivery; without effect when another process has taken it over."""
        now = int(self._clock() * 1000)
        status, content_type, body = reply

        def keep(database: sqlite3.Connection) -> None:
            database.execute(
                "UPDATE idempotency SET state = 'done', status = ?, content_type = ?, body = ?,"
                " created_at = ?, expires_at = ? WHERE scope = ? AND key = ? AND owner = ?",
                (status, content_type, body, now, now + ttl * 1000, scope, key, token),
            )

        await self._store.write(keep)

    async def release(self, scope: str, key: str, token: str) -> None:
        """Give a claimed delivery up: the next one runs again."""

        def forget(database: sqlite3.Connection) -> None:
            database.execute(
                "DELETE FROM idempotency WHERE scope = ? AND key = ? AND owner = ? AND state = 'in_progress'",
                (scope, key, token),
            )

        await self._store.write(forget)


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
