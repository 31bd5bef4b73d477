"""What a store does when the disk is full, read-only, damaged, or in use by others (spec 04 §4.4, §13)."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from command import app, make
from disks import breakable_disk, fill, small_disk
from killing import LOAD, asking, integrity
from serving import Answer, Server, serving, start, until

from agentdc_runtime.state.schema import MIGRATIONS

# As the load of the kill matrix, with a route that needs no key and an endpoint that says whether new runs begin.
TEXT = f"""{LOAD}
[server]
readyz = true
[[http_routes]]
method = "POST"
path = "/plain"
start_node = "go"
"""
REPLAYED = "x-agentd-idempotent-replay"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(TEXT, tmp_path_factory.mktemp("faults"))


@contextlib.contextmanager
def kept_in(state: Path, built: Path, folder: Path, *flags: str) -> Iterator[Server]:
    with serving("", folder, "--state-dir", str(state), "--log-level", "info", *flags, app=built) as server:
        yield server


def status(server: Server) -> str:
    """The state that the metrics name."""
    text = server.ask("GET", "/metrics").body.decode()
    found = re.findall(r'^agentd_state_status\{[^}]*state="(\w+)"\} 1$', text, re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def events(server: Server, name: str) -> int:
    return server.said.count(f'event="{name}"')


def ask(server: Server, key: str, path: str = "/once") -> Answer:
    return server.ask("POST", path, asking(key))


def slow(key: str) -> str:
    line = f"while [ ! -e go ]; do sleep 0.05; done; echo {key} >> effects.txt; wc -l < effects.txt"
    return json.dumps({"id": key, "args": ["-c", line]})


def refused(answer: Answer, code: str) -> None:
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert answer.json["error"].startswith(f"{code}: ")


def test_a_full_disk(built: Path, tmp_path: Path) -> None:
    """What runs is finished and kept, what is new is refused, what was answered is answered; then space returns."""
    with small_disk(tmp_path / "disk", 8) as disk, kept_in(disk / "state", built, tmp_path) as server:
        assert ask(server, "before").body == b"1\n"
        reserve = disk / "state" / "reserve"
        assert reserve.stat().st_size == 2**20
        answers: list[Answer] = []
        caller = threading.Thread(target=lambda: answers.append(server.ask("POST", "/once", slow("running"))))
        caller.start()
        until(lambda: server.metric("agentdc_inflight_runs") == 1)
        until(lambda: (disk / "state" / "state.db-wal").stat().st_size == 0)
        ballast = fill(disk)
        (tmp_path / "go").touch()
        caller.join()
        assert answers[0].status == 201
        assert status(server) == "full"
        assert not reserve.exists()
        refused(ask(server, "new"), "state_full")
        refused(ask(server, "new", "/plain"), "state_full")
        assert (server.ask("GET", "/readyz").status, server.ask("GET", "/healthz").status) == (503, 200)
        for key, body in (("before", b"1\n"), ("running", b"2\n")):
            again = ask(server, key)
            assert (again.status, again.body, again.headers[REPLAYED]) == (201, body, "true")
        ballast.unlink()
        until(lambda: status(server) == "ok", 30)
        assert reserve.stat().st_size == 2**20
        assert ask(server, "new").body == b"3\n"
        assert server.ask("GET", "/readyz").status == 200
        assert (events(server, "state.full"), events(server, "state.recovered_space")) == (1, 1)
        assert integrity(disk / "state", tmp_path) == "ok"


def test_a_disk_that_is_full_at_the_start(built: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2) as disk:
        fill(disk)
        server = start(built, tmp_path, "--state-dir", str(disk / "state"))
        assert server.process.wait(10) == 5
        assert "state_full" in server.said


def test_a_disk_that_turns_read_only(built: Path, tmp_path: Path) -> None:
    with (
        breakable_disk(tmp_path / "disk") as (disk, trigger),
        kept_in(disk / "state", built, tmp_path) as server,
    ):
        assert ask(server, "before").body == b"1\n"
        with contextlib.suppress(OSError):
            trigger.write_text("1")
        assert ask(server, "new").status in {400, 503}
        assert status(server) == "readonly"
        refused(ask(server, "other"), "state_readonly")
        refused(ask(server, "other", "/plain"), "state_readonly")
        assert server.ask("GET", "/healthz").status == 200
        assert ask(server, "before").headers[REPLAYED] == "true"
        assert events(server, "state.readonly") == 1
        server.end()
        again = start(built, tmp_path, "--state-dir", str(disk / "state"))
        assert again.process.wait(10) == 5
        assert "state_readonly" in again.said


def rows(state: Path, number: int) -> None:
    """Many answers that were given, all in the main file of the database."""
    keys = [f"row-{each:06d}" for each in range(number)]
    database = sqlite3.connect(state / "state.db")
    with database:
        database.executemany(
            "INSERT INTO idempotency VALUES"
            " ('POST|/once', ?, ?, 'done', 201, 'text/plain', ?, NULL, 'me', 1, 9000000000000)",
            ((key, sha256(key.encode()).hexdigest(), bytes(1000)) for key in keys),
        )
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def damage(path: Path, first: int, last: int) -> None:
    """Overwrite some pages of 4 KiB."""
    with path.open("r+b") as file:
        file.seek(first * 4096)
        file.write(b"\xa5" * 4096 * (last - first))


def test_damage_found_in_use(built: Path, tmp_path: Path) -> None:
    """The process stays up for those who watch it, and begins nothing."""
    state = tmp_path / "state"
    with kept_in(state, built, tmp_path) as server:
        assert ask(server, "before").status == 201
    rows(state, 5000)
    with kept_in(state, built, tmp_path) as server:
        damage(state / "state.db", 20, 1200)
        answers = [ask(server, f"row-{each:06d}") for each in range(0, 5000, 500)]
        assert {each.status for each in answers} <= {201, 400, 503}
        assert status(server) == "corrupt"
        refused(ask(server, "new", "/plain"), "state_corrupt")
        assert (server.ask("GET", "/readyz").status, server.ask("GET", "/healthz").status) == (503, 200)
        assert events(server, "state.corrupt") == 1
        server.end()
        again = start(built, tmp_path, "--state-dir", "state")
        assert again.process.wait(10) == 5
        assert "state_corrupt" in again.said
        assert "state recover" in again.said


def killed_with_rows(built: Path, folder: Path, number: int) -> Path:
    """A database that was not closed, with everything in its main file."""
    state = folder / "state"
    with kept_in(state, built, folder) as server:
        assert ask(server, "before").status == 201
        rows(state, number)
        server.process.kill()
        server.process.wait()
    return state


def test_damage_found_at_the_start_and_what_recover_saves(built: Path, tmp_path: Path) -> None:
    state = killed_with_rows(built, tmp_path, 3000)
    damage(state / "state.db", 300, 320)
    before = (state / "state.db").read_bytes()
    server = start(built, tmp_path, "--state-dir", "state")
    assert server.process.wait(10) == 5
    assert "state_corrupt" in server.said
    verified = app(built, "state", "verify", "--state-dir", "state", "--json", cwd=tmp_path)
    assert (verified.returncode, json.loads(verified.stdout)["ok"]) == (5, False)
    done = app(built, "state", "recover", "--state-dir", "state", "--json", cwd=tmp_path)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["lost_tables"] == []
    assert found["damaged_tables"] == ["idempotency"]
    assert 1000 < found["recovered"]["idempotency"] < 3001
    assert (Path(tmp_path / found["original"]) / "state.db").read_bytes() == before
    assert app(built, "state", "verify", "--full", "--state-dir", "state", cwd=tmp_path).returncode == 0
    with kept_in(state, built, tmp_path) as again:
        assert ask(again, "new").status == 201


@pytest.mark.parametrize("how", ["header", "cut", "empty", "no log"])
def test_other_damage(built: Path, tmp_path: Path, how: str) -> None:
    """A header of zeroes, half a file, none of it; without a log only what was not yet written back is gone."""
    state = killed_with_rows(built, tmp_path, 500)
    path = state / "state.db"
    match how:
        case "header":
            path.write_bytes(bytes(100) + path.read_bytes()[100:])
        case "cut":
            path.write_bytes(path.read_bytes()[: 4096 * 40])
        case "empty":
            path.write_bytes(b"")
        case "no log":
            (state / "state.db-wal").unlink()
    if how in ("header", "cut"):
        server = start(built, tmp_path, "--state-dir", "state")
        assert server.process.wait(10) == 5
        assert "state_corrupt" in server.said
        done = app(built, "state", "recover", "--state-dir", "state", "--json", cwd=tmp_path)
        assert done.returncode == 0
        assert Path(tmp_path / json.loads(done.stdout)["original"]).is_dir()
    with kept_in(state, built, tmp_path) as again:
        assert ask(again, "new").status == 201
        if how == "no log":
            assert ask(again, "row-000007").status == 201


def test_a_newer_schema(built: Path, tmp_path: Path) -> None:
    with kept_in(tmp_path / "state", built, tmp_path):
        pass
    database = sqlite3.connect(tmp_path / "state" / "state.db")
    with database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    database.close()
    server = start(built, tmp_path, "--state-dir", "state")
    assert server.process.wait(10) == 5
    assert "state_schema_newer" in server.said
    told = app(built, "state", "info", "--state-dir", "state", "--json", cwd=tmp_path)
    assert json.loads(told.stdout)["schema"] == 99
    copy = app(built, "state", "backup", "copy.db", "--state-dir", "state", cwd=tmp_path)
    assert copy.returncode == 0
    back = app(built, "state", "restore", "copy.db", "--state-dir", "other", cwd=tmp_path)
    assert (back.returncode, "state_schema_newer" in back.stderr) == (5, True)


def test_two_processes_on_one_directory(built: Path, tmp_path: Path) -> None:
    """They share it: a key that both are asked for has one effect, and each gives the answer of the other."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    (two / "effects.txt").symlink_to(one / "effects.txt")
    state = tmp_path / "state"
    with kept_in(state, built, one) as first, kept_in(state, built, two) as second:
        bodies: dict[str, set[bytes]] = {}

        def call(server: Server, key: str) -> None:
            while (answer := ask(server, key)).status == 409:
                pass
            assert answer.status == 201
            bodies.setdefault(key, set()).add(answer.body)

        for number in range(40):
            both = [threading.Thread(target=call, args=(each, f"k{number}")) for each in (first, second)]
            for each in both:
                each.start()
            for each in both:
                each.join()
        assert all(len(each) == 1 for each in bodies.values())
        assert (one / "effects.txt").read_text().count("k") == 40
        locked = app(built, "state", "recover", "--state-dir", str(state), "--json", cwd=tmp_path)
        assert (locked.returncode, json.loads(locked.stdout)["error"]["code"]) == (8, "state_locked")


def test_a_reader_in_the_way_of_the_checkpoint(built: Path, tmp_path: Path) -> None:
    """It is told once, writes go on, and when the reader is gone the log is written back."""
    state = tmp_path / "state"
    with kept_in(state, built, tmp_path) as server:
        reader = sqlite3.connect(state / "state.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM idempotency").fetchone()
        for number in range(5):
            assert ask(server, f"k{number}").status == 201
        until(lambda: events(server, "state.checkpoint_busy") == 1)
        until(lambda: server.metric("agentd_state_checkpoints_total") >= 4)
        busy = app(
            built, "state", "checkpoint", "--state-dir", "state", "--timeout", "1", "--json", cwd=tmp_path
        )
        assert (busy.returncode, json.loads(busy.stdout)["result"]) == (8, "busy")
        reader.close()
        until(lambda: (state / "state.db-wal").stat().st_size == 0, 20)
        assert events(server, "state.checkpoint_busy") == 1
        assert status(server) == "ok"


def test_a_log_that_grows_too_far(tmp_path: Path) -> None:
    """A reader of another process cannot be closed from here: the store says that it is in trouble, and works."""
    text = TEXT.replace("reserve_mb = 1", "reserve_mb = 1\nwal_warn_mb = 1\nwal_max_mb = 1")
    built, state = make(text, tmp_path / "built"), tmp_path / "state"
    with kept_in(state, built, tmp_path) as server:
        reader = sqlite3.connect(state / "state.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM idempotency").fetchone()
        writer = sqlite3.connect(state / "state.db")
        with writer:
            writer.executemany(
                "INSERT INTO meta VALUES (?, ?)", ((f"k{each}", "x" * 1000) for each in range(3000))
            )
        until(lambda: status(server) == "degraded", 20)
        assert ask(server, "still").status == 201
        writer.close()
        reader.close()
        until(lambda: (state / "state.db-wal").stat().st_size == 0, 30)


def test_a_database_that_somebody_holds(tmp_path: Path) -> None:
    """A write waits, tries again, and then says that it could not; the next one works."""
    text = TEXT.replace("reserve_mb = 1", "reserve_mb = 1\nbusy_timeout_ms = 100")
    built, state = make(text, tmp_path / "built"), tmp_path / "state"
    with kept_in(state, built, tmp_path) as server:
        holder = sqlite3.connect(state / "state.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        answer = ask(server, "k")
        assert (answer.status, answer.json["error"]) == (400, "the idempotency store is unavailable")
        holder.execute("ROLLBACK")
        holder.close()
        assert ask(server, "k").status == 201
        assert status(server) == "ok"


def test_folders_that_others_may_enter_or_own(built: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o777)
    state.chmod(0o777)
    with kept_in(state, built, tmp_path) as server:
        assert state.stat().st_mode & 0o777 == 0o700
        assert events(server, "state.permissions_fixed") == 1
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    server = start(built, tmp_path, "--state-dir", "shared")
    assert server.process.wait(10) == 5
    assert "everybody shares" in server.said


def test_migrations_from_every_released_schema(built: Path, tmp_path: Path) -> None:
    """Databases as earlier versions wrote them, from SQL that is kept as it was."""
    fixtures = sorted((Path(__file__).parent / "cases" / "state").glob("schema-*.sql"))
    assert len(fixtures) == len(MIGRATIONS) - 1
    for fixture in fixtures:
        state = tmp_path / fixture.stem
        state.mkdir(mode=0o700)
        database = sqlite3.connect(state / "state.db")
        database.executescript(fixture.read_text())
        database.close()
        with kept_in(state, built, tmp_path / f"run-{fixture.stem}") as server:
            assert events(server, "state.migrated") == len(MIGRATIONS) - int(fixture.stem.partition("-")[2])
            replay = ask(server, "kept")
            assert (replay.status, replay.body, replay.headers[REPLAYED]) == (201, b"as it was\n", "true")
            assert ask(server, "new").status == 201
        told = app(built, "state", "verify", "--full", "--state-dir", str(state), cwd=tmp_path)
        assert told.returncode == 0


def test_the_port_is_not_taken_when_the_store_is_refused(built: Path, tmp_path: Path) -> None:
    """Everything that can be wrong is found before anybody is accepted."""
    (tmp_path / "state").write_text("a file")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = start(built, tmp_path, "--state-dir", "state")
        assert server.process.wait(10) == 5
    assert "state directory" in server.said
