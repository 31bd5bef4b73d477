"""The parts of the store on their own (spec 04 §4): writing now, states, readers, upkeep."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from storing import Told, scalar, until

from agentdc.model.extensions import State
from agentdc_runtime.errors import ConfigError
from agentdc_runtime.state import database, fault
from agentdc_runtime.state.place import Lock, network_kind
from agentdc_runtime.state.reader import Reader
from agentdc_runtime.state.settings import Settings, default_folder, folder_of
from agentdc_runtime.state.status import CALM, Reserve, Status
from agentdc_runtime.state.store import Store, StoreError
from agentdc_runtime.state.upkeep import Upkeep


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


# Settings.


def test_the_defaults_are_those_of_the_dialect() -> None:
    model, ours = State(), Settings()
    for name in Settings.__slots__:
        if name != "given":
            assert getattr(ours, name) == getattr(model, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("busy_timeout_ms", each) for each in ("5", None, True, -1, 1.5)),
        ("durability", "half"),
        ("backup_dir", 5),
        ("allow_network_fs", 1),
    ],
)
def test_operands_that_were_edited(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"operands.json cannot be used: state.{name}"):
        Settings({name: value})


def test_where_the_state_is() -> None:
    home = {"HOME": "/h/a"}
    assert default_folder("Front Door!", home) == "/h/a/.local/state/agentdc/front-door-"
    assert default_folder("..x", {**home, "XDG_STATE_HOME": "/var/s"}) == "/var/s/agentdc/x"
    assert default_folder("x" * 99, {**home, "XDG_STATE_HOME": "here"}).endswith("/agentdc/" + "x" * 64)
    assert folder_of("d", {"state": {}}, "x", home) == "d"
    assert folder_of(None, {"state": {}}, "x", home) == "/h/a/.local/state/agentdc/x"
    assert folder_of(None, {}, "x", home) is None


def test_durability(tmp_path: Path, told: Told) -> None:
    for word, number in (("full", 2), ("normal", 1)):
        made = Store(str(tmp_path / word), told, {"durability": word, "reserve_mb": 0})
        assert made.write_now(lambda each: each.execute("PRAGMA synchronous").fetchone()[0]) == number
        made.close()
        assert not (tmp_path / word / "reserve").exists()


# Places.

MOUNTS = b"""\
/dev/sda1 / ext4 rw 0 0
server:/export /srv/data nfs4 rw 0 0
tmpfs /srv/data/fast tmpfs rw 0 0
sshfs /mnt/my\\040disk fuse.sshfs rw 0 0
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/var/lib/x", None),
        ("/srv/data", "nfs4"),
        ("/srv/data/a", "nfs4"),
        ("/srv/database", None),
        ("/srv/data/fast/a", None),
        ("/mnt/my disk/a", "fuse.sshfs"),
    ],
)
def test_network_file_systems(place: str, kind: str | None) -> None:
    assert network_kind(MOUNTS, place) == kind


def test_nothing_is_known_without_mounts() -> None:
    assert network_kind(b"", "/srv/data") is None


def test_an_old_sqlite_is_refused() -> None:
    database.check_library(sqlite3.sqlite_version_info)
    with pytest.raises(StoreError, match=r"SQLite 3\.37\.0 or newer is needed, and this is 3\.34\.1"):
        database.check_library((3, 34, 1))


def test_a_folder_of_somebody_else(folder: Path, told: Told) -> None:
    folder.mkdir(mode=0o700)
    try:
        os.chown(folder, 12345, -1)
    except PermissionError:
        pytest.skip("only root can give a folder away")
    with pytest.raises(StoreError, match="state_owner_mismatch"):
        Store(str(folder), told)


def test_who_must_be_alone_is(store: Store, folder: Path) -> None:
    with pytest.raises(StoreError, match="state_locked"):
        Lock(str(folder), exclusive=True)
    shared = Lock(str(folder))
    assert not shared.unclean
    shared.close()


def test_an_end_without_closing_is_noticed(folder: Path, told: Told) -> None:
    Store(str(folder), told, {"reserve_mb": 0}).close()
    lock = Lock(str(folder))
    assert not lock.unclean
    lock.share()
    lock.close()  # as if killed: the mark stays
    again = Lock(str(folder))
    assert again.unclean
    again.close()


# Writing.


def test_writing_now(store: Store) -> None:
    assert store.write_now(lambda each: each.execute("INSERT INTO meta VALUES ('a', '1')").rowcount) == 1

    def bad(each: sqlite3.Connection) -> None:
        each.execute("INSERT INTO meta VALUES ('b', '1')")
        each.execute("INSERT INTO meta VALUES ('a', '2')")

    with pytest.raises(sqlite3.IntegrityError):
        store.write_now(bad)
    assert scalar(store, "SELECT count(*) FROM meta WHERE key IN ('a', 'b')") == 1


def test_writing_now_from_many_threads(store: Store) -> None:
    def work() -> None:
        for _ in range(50):
            store.write_now(
                lambda each: each.execute(
                    "INSERT INTO meta VALUES ('n', '1') ON CONFLICT DO UPDATE SET value = value + 1"
                )
            )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert scalar(store, "SELECT value FROM meta WHERE key = 'n'") == "200"


def test_a_closed_store_writes_nothing(folder: Path, told: Told) -> None:
    made = Store(str(folder), told)
    made.close()
    with pytest.raises(StoreError, match="closed"):
        made.write_now(lambda each: each.execute("SELECT 1"))


def test_a_write_that_another_holds_up(folder: Path, told: Told) -> None:
    made = Store(str(folder), told, {"busy_timeout_ms": 10, "reserve_mb": 0})
    holder = sqlite3.connect(folder / "state.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(StoreError, match="state_busy") as caught:
        made.write_now(lambda each: each.execute("SELECT 1"))
    assert time.monotonic() - began >= 0.35
    assert caught.value.transient
    holder.execute("ROLLBACK")
    holder.close()
    assert made.status.name == "ok"
    made.close()


# States.


def test_states_and_their_order(told: Told) -> None:
    clock = Clock()
    status = Status("d", told, clock)
    assert (status.refuses, status.refusal()) == (False, None)
    assert status.fall("degraded", "slow")
    assert not status.refuses
    clock.now += CALM - 1
    status.calm()
    assert status.name == "degraded"
    assert not status.fall("degraded", "slow again")
    clock.now += CALM - 1
    status.calm()
    assert status.name == "degraded"
    clock.now += 1
    status.calm()
    assert status.name == "ok"
    assert status.fall("full", "no room")
    assert not status.fall("degraded", "slow")
    assert status.name == "full"
    refusal = status.refusal()
    assert refusal is not None
    assert refusal.code == "state_full"
    status.rise()
    status.fall("corrupt", "bad page")
    status.rise()
    assert not status.fall("full", "no room")
    assert status.name == "corrupt"
    names = ["state.degraded", "state.recovered", "state.full", "state.recovered_space", "state.corrupt"]
    assert told.names() == names


@pytest.mark.parametrize(
    ("number", "name"),
    [(5, "busy"), (6, "busy"), (8, "readonly"), (11, "corrupt"), (13, "full"), (26, "corrupt"), (19, None)],
)
def test_what_errors_of_sqlite_mean(tmp_path: Path, number: int, name: str | None) -> None:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = number | 3 << 8
    assert fault.fault_of(error, str(tmp_path)) == name


def test_a_doubtful_error_asks_the_disk(tmp_path: Path) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = 10
    assert fault.fault_of(error, str(tmp_path)) == "unusable"
    assert list(tmp_path.iterdir()) == []
    assert fault.fault_of(error, "/proc/1") in {"readonly", "unusable"}
    assert fault.fault_of(sqlite3.ProgrammingError("no code"), str(tmp_path)) is None


def test_the_reserve_holds_blocks(tmp_path: Path) -> None:
    reserve = Reserve(str(tmp_path), 2**20)
    assert reserve.make() is None
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 2**20
    assert reserve.held() == 2**20
    assert reserve.make() is None
    reserve.release()
    reserve.release()
    assert list(tmp_path.iterdir()) == []


# Readers.


def test_a_reader_sees_one_moment(store: Store) -> None:
    with store.reading() as reader:
        before = reader.all("SELECT count(*) FROM meta")
        store.write_now(lambda each: each.execute("INSERT INTO meta VALUES ('late', '1')"))
        assert reader.all("SELECT count(*) FROM meta") == before
    assert store.readers == set()


def test_a_reader_that_is_forgotten_is_closed(store: Store, folder: Path, told: Told) -> None:
    clock = Clock()
    path = str(folder / "state.db")
    reader = Reader(database.connect(path, store.settings), store.readers, clock).__enter__()
    reader.all("SELECT 1 FROM meta")
    upkeep = Upkeep(store, look=0.01)
    clock.now += 29
    store.write_now(lambda each: each.execute("INSERT INTO meta VALUES ('x', '1')"))
    assert reader.all("SELECT 1")
    clock.now += 2
    until(lambda: "state.long_reader" in told.names())
    with pytest.raises(StoreError, match="state_long_reader"):
        reader.all("SELECT 1")
    reader.__exit__()
    upkeep.close()


def test_a_long_question_is_cut_off(store: Store) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    ended: list[str] = []

    def ask() -> None:
        try:
            with store.reading() as reader:
                reader.all(endless)
        except sqlite3.OperationalError as error:
            ended.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: store.readers)
    # The question may not have begun yet, and what is not running cannot be interrupted.
    until(lambda: any(each.end(0.2) for each in tuple(store.readers)) or ended)
    asking.join(10)
    assert ended == ["interrupted"]


# Upkeep.


def test_the_log_is_written_back_in_time(store: Store, folder: Path) -> None:
    store.settings.checkpoint_interval_secs = 1
    store.write_now(lambda each: each.execute("INSERT INTO meta VALUES ('x', '1')"))
    upkeep = Upkeep(store)
    log = folder / "state.db-wal"
    until(lambda: log.stat().st_size == 0)
    store.write_now(lambda each: each.execute("INSERT INTO meta VALUES ('y', '1')"))
    until(lambda: log.stat().st_size == 0)
    upkeep.close()


def test_a_checkpoint_can_be_left_to_others(store: Store, folder: Path) -> None:
    store.settings.checkpoint_interval_secs = 0
    store.write_now(lambda each: each.execute("INSERT INTO meta VALUES ('x', '1')"))
    upkeep = Upkeep(store, look=0.01)
    time.sleep(0.1)
    assert upkeep.snapshot()["checkpoints"] == {"ok": 0, "busy": 0, "error": 0}
    assert (folder / "state.db-wal").stat().st_size > 0
    upkeep.close()


def test_a_busy_checkpoint_is_repeated(store: Store, folder: Path, told: Told) -> None:
    holder = sqlite3.connect(folder / "state.db", isolation_level=None)
    holder.execute("BEGIN")
    holder.execute("SELECT 1 FROM meta").fetchone()
    store.write_now(lambda each: each.execute("INSERT INTO meta VALUES ('x', '1')"))
    upkeep = Upkeep(store, retries=(0.01, 0.01, 0.01))
    until(lambda: upkeep.checkpoints.counts["busy"] == 4)
    assert told.names().count("state.checkpoint_busy") == 1
    upkeep.close()
    holder.close()
    assert upkeep.checkpoints.counts == {"ok": 0, "busy": 4, "error": 0}


def test_a_full_store_is_well_again_when_there_is_room(store: Store, folder: Path, told: Told) -> None:
    store.status.fall("full", "somebody else took the space")
    store.reserve.release()
    with pytest.raises(StoreError, match="state_full"):
        store.admit()
    upkeep = Upkeep(store, look=0.01)
    until(lambda: store.status.name == "ok")
    assert (folder / "reserve").stat().st_size == 2**20
    upkeep.close()
    assert "state.recovered_space" in told.names()


def test_nothing_overtakes(tmp_path: Path) -> None:
    """What is asked for at once comes after what was asked for before, which nobody waits for."""
    store, seen = Store(str(tmp_path / "state"), Told()), list[int]()
    try:
        for number in range(300):
            store.write_soon(lambda _, n=number: seen.append(n), lambda _: None)  # type: ignore[misc]
            if number % 7 == 0:
                store.write_now(lambda _, n=number: seen.append(-n))  # type: ignore[misc]
                assert seen[-2:] == [number, -number]
    finally:
        store.close()
    assert [each for each in seen if each > 0] == list(range(1, 300))
