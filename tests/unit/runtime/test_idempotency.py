"""Deliveries and the database under them (spec 02 §3.2, §13; 04 §4): claims, takeover, forgetting, kills."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentdc_runtime.http.rate import Bucket
from agentdc_runtime.state import owner
from agentdc_runtime.state.checkpoint import Checkpoints
from agentdc_runtime.state.idempotency import Deliveries, Link, NoKey, key_of, settle, stem
from agentdc_runtime.state.schema import VERSION
from agentdc_runtime.state.store import Store, StoreError

if TYPE_CHECKING:
    from agentdc_runtime.state.idempotency import Reply

ROOT = Path(__file__).parents[3]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    made = Store(str(folder), lambda *_: None)
    yield made
    made.close()


_numbers = itertools.count(1)


def new_id() -> str:
    return f"run-{next(_numbers)}"


async def finish(store: Store, clock: Clock, link: Link, run_id: str, reply: Reply) -> None:
    await store.write(lambda database: settle(database, link, run_id, reply, int(clock() * 1000)))


def run(work: Callable[[], Any]) -> Any:
    return asyncio.run(work())


def test_names_of_files_as_agentd_has_them() -> None:
    assert stem("POST", "/orders", "A-17/9") == "A_17_9-8d2796a1c99ceebf"
    assert stem("post", "/orders", "A-17/9") == "A_17_9-9e83cc345072587f"
    assert stem("POST", "/x", "ä" * 100).startswith("_" * 48 + "-")


@pytest.mark.parametrize(
    ("spec", "payload", "key"),
    [
        ("body_sha256", None, "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"),
        ("id", {"id": "x"}, "x"),
        ("trigger.id", {"id": 7}, "7"),
        ("a.b.1", {"a": {"b": [1, 2.5]}}, "2.5"),
        ("a..b", {"a": {"b": False}}, "false"),
        ("principal.name", {"principal": {"name": "ann"}}, "ann"),
    ],
)
def test_key(spec: str, payload: object, key: str) -> None:
    assert key_of(spec, payload, b'{"a":1}') == key


@pytest.mark.parametrize("payload", [{}, {"id": None}, {"id": ""}, {"id": []}, {"id": {}}, [], None, "x", 7])
def test_no_key(payload: object) -> None:
    with pytest.raises(NoKey, match="idempotency"):
        key_of("id", payload, b"")


def test_a_claim_an_answer_and_its_end(store: Store) -> None:
    clock = Clock()
    deliveries = Deliveries(store, clock)

    async def work() -> None:
        first = await deliveries.begin(Link("s", "k", 60), 10, new_id)
        assert (first.reply, first.busy) == (None, False)
        assert (await deliveries.begin(Link("s", "k", 60), 10, new_id)).busy
        assert not (await deliveries.begin(Link("other", "k", 60), 10, new_id)).busy
        await finish(store, clock, Link("s", "k", 60), first.run_id, (201, "text/plain", b"\x00body"))
        clock.now += 60
        assert (await deliveries.begin(Link("s", "k", 60), 10, new_id)).reply == (
            201,
            "text/plain",
            b"\x00body",
        )
        clock.now += 1
        again = await deliveries.begin(Link("s", "k", 60), 10, new_id)
        assert again.reply is None
        assert not again.busy
        await deliveries.release(Link("s", "k", 60), again.run_id)
        assert not (await deliveries.begin(Link("s", "k", 60), 10, new_id)).busy

    run(work)


def test_a_claim_that_is_too_old_is_taken_over(store: Store) -> None:
    clock = Clock()
    deliveries = Deliveries(store, clock)

    async def work() -> None:
        slow = await deliveries.begin(Link("s", "k", 600), 100, new_id)
        clock.now += 200
        assert (await deliveries.begin(Link("s", "k", 600), 100, new_id)).busy
        clock.now += 1
        taken = await deliveries.begin(Link("s", "k", 600), 100, new_id)
        assert not taken.busy
        # The one that was overtaken can neither answer nor give up what is no longer its own.
        await finish(store, clock, Link("s", "k", 600), slow.run_id, (200, "x", b"late"))
        await deliveries.release(Link("s", "k", 60), slow.run_id)
        assert (await deliveries.begin(Link("s", "k", 600), 100, new_id)).busy
        await finish(store, clock, Link("s", "k", 600), taken.run_id, (200, "x", b"good"))
        assert (await deliveries.begin(Link("s", "k", 600), 100, new_id)).reply == (200, "x", b"good")

    run(work)


def test_what_has_expired_is_swept(store: Store, folder: Path) -> None:
    clock = Clock()
    deliveries = Deliveries(store, clock)

    async def work() -> None:
        for number in range(250):
            found = await deliveries.begin(Link("s", f"k{number}", 10), 1, new_id)
            await finish(store, clock, Link("s", f"k{number}", 10), found.run_id, (200, "x", b""))
        clock.now += 11
        for number in range(5):
            await deliveries.begin(Link("s", f"new{number}", 10), 1, new_id)

    run(work)
    database = sqlite3.connect(folder / "state.db")
    assert database.execute("SELECT count(*) FROM idempotency").fetchone() == (5,)
    database.close()


def test_a_clock_that_is_set_back_keeps_answers(store: Store) -> None:
    clock = Clock()
    deliveries = Deliveries(store, clock)

    async def work() -> None:
        found = await deliveries.begin(Link("s", "k", 60), 1, new_id)
        await finish(store, clock, Link("s", "k", 60), found.run_id, (200, "x", b"1"))
        clock.now -= 100_000
        assert (await deliveries.begin(Link("s", "k", 60), 1, new_id)).reply == (200, "x", b"1")

    run(work)


def test_one_of_many_wins(store: Store) -> None:
    deliveries = Deliveries(store)

    async def work() -> None:
        found = await asyncio.gather(*(deliveries.begin(Link("s", "k", 60), 10, new_id) for _ in range(50)))
        assert sum(not each.busy for each in found) == 1

    run(work)


KILLED = """
import asyncio, sys, time
from agentdc_runtime.state.idempotency import Deliveries, Link, settle
from agentdc_runtime.state.store import Store

async def main():
    store = Store(sys.argv[1], lambda *_: None)
    deliveries, number = Deliveries(store), 0
    while True:
        link = Link("s", f"k{number}", 600)
        found = await deliveries.begin(link, 100, lambda: f"{sys.argv[2]}-{number}")
        print("begun", number, flush=True)
        reply, now = (200, "x", str(number).encode()), int(time.time() * 1000)
        await store.write(lambda database: settle(database, link, found.run_id, reply, now))
        print("done", number, flush=True)
        number += 1

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", range(8))
def test_killed_at_any_moment(folder: Path, moment: int) -> None:
    """What was said to be done is there, what was begun is taken over at once, and the file is sound."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), "a"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "runtime_lib")},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun 0\n"
    time.sleep(0.01 * moment)
    process.send_signal(signal.SIGKILL)
    said = ["begun 0", *process.stdout.read().split("\n")[:-1]]  # the last line may be half a one
    process.wait()
    process.stdout.close()
    done = {int(line.split()[1]) for line in said if line.startswith("done")}
    begun = {int(line.split()[1]) for line in said if line.startswith("begun")}
    database = sqlite3.connect(folder / "state.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    store = Store(str(folder), lambda *_: None)

    async def work() -> None:
        deliveries = Deliveries(store)
        for number in begun:
            found = await deliveries.begin(Link("s", f"k{number}", 600), 100, new_id)
            assert not found.busy
            assert (
                found.reply or found.run_id == f"a-{number}"
            )  # what its nodes ask for carries the same keys
            if number in done:
                assert found.reply == (200, "x", str(number).encode())

    run(work)
    store.close()


def test_two_processes_share_a_directory(folder: Path) -> None:
    """Each claims what the other has not; nothing is claimed twice."""
    script = (
        KILLED.replace("while True", "while number < 200")
        .replace(
            'print("begun", number, flush=True)',
            'print("busy" if found.busy or found.reply else "mine", number, flush=True)',
        )
        .replace("await store.write", "if not (found.busy or found.reply): await store.write")
    )
    commands = [[sys.executable, "-c", script, str(folder), name] for name in ("a", "b")]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "runtime_lib")}
    both = [subprocess.Popen(each, stdout=subprocess.PIPE, text=True, env=env) for each in commands]
    said = [each.communicate(timeout=60)[0].split("\n") for each in both]
    mine = [line for lines in said for line in lines if line.startswith("mine")]
    assert sorted(int(line.split()[1]) for line in mine) == list(range(200))


def test_pragmas_and_modes(store: Store, folder: Path) -> None:
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
    assert oct((folder / "state.db").stat().st_mode & 0o777) == "0o600"

    async def work() -> None:
        def look(database: sqlite3.Connection) -> list[Any]:
            names = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
            return [database.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

        assert await store.write(look) == ["wal", 2, 1, 0]

    run(work)


def test_a_write_that_fails_takes_no_other_with_it(store: Store) -> None:
    def good(database: sqlite3.Connection) -> int:
        return database.execute("INSERT INTO meta VALUES ('good', '1')").rowcount

    def bad(database: sqlite3.Connection) -> None:
        database.execute("INSERT INTO meta VALUES ('half', '1')")
        raise ValueError("no")

    async def work() -> None:
        found = await asyncio.gather(store.write(good), store.write(bad), return_exceptions=True)
        assert found[0] == 1
        assert isinstance(found[1], ValueError)
        rows = await store.write(
            lambda database: database.execute("SELECT key FROM meta ORDER BY key").fetchall()
        )
        assert rows == [("good",), ("schema",)]

    run(work)


def test_the_log_is_written_back(store: Store, folder: Path) -> None:
    async def work() -> None:
        for number in range(50):
            await store.write(
                lambda database, n=number: database.execute("INSERT INTO meta VALUES (?, 'x')", (str(n),))
            )  # type: ignore[misc]
        log = folder / "state.db-wal"
        assert log.stat().st_size > 0
        Checkpoints(store).run()
        deadline = time.monotonic() + 10
        while log.stat().st_size > 10_000:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)

    run(work)


@pytest.mark.parametrize("damage", ["newer", "garbage", "folder is a file"])
def test_what_cannot_be_used_is_refused(folder: Path, damage: str) -> None:
    if damage == "folder is a file":
        folder.write_text("x")
    else:
        Store(str(folder), lambda *_: None).close()
        if damage == "newer":
            database = sqlite3.connect(folder / "state.db")
            database.execute("UPDATE meta SET value = ?", (str(VERSION + 1),))
            database.commit()
            database.close()
        else:
            (folder / "state.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError) as caught:
        Store(str(folder), lambda *_: None)
    assert str(folder) in caught.value.reason
    assert ("state_schema_newer" in caught.value.reason) == (damage == "newer")


def test_owners() -> None:
    assert not owner.is_gone(owner.me())
    assert owner.is_gone(owner.me().replace(f"/{os.getpid()}/", f"/{os.getpid()}/9"))  # another start time
    assert owner.is_gone("another-boot/1/1")
    child = subprocess.Popen(["true"])
    child.wait()
    boot, _, began = owner.me().split("/")
    assert owner.is_gone(f"{boot}/{child.pid}/{began}")
    assert not owner.is_gone("nonsense")


def test_bucket() -> None:
    bucket = Bucket(2, 0.5)
    assert [bucket.take(0.0), bucket.take(0.0)] == [0, 0]
    assert bucket.take(0.0) == 2000
    assert bucket.take(1.0) == 1000
    assert bucket.take(1.9999) == 1  # at least one
    assert bucket.take(2.0) == 0
    assert bucket.take(1.0) == 2000  # a clock that goes back gives nothing
    assert [bucket.take(1e9) for _ in range(3)] == [0, 0, 2000]


def test_bucket_does_not_drift() -> None:
    bucket = Bucket(1, 10.0)
    taken = sum(bucket.take(number / 1000) == 0 for number in range(100_000))
    assert taken in {999, 1000, 1001}
