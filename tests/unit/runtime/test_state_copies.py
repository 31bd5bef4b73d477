"""What a store forgets, and copies of it (spec 04 §4.1, §4.5): retention, backups, restoring."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from storing import Told, scalar, until

from agentdc_runtime.state import copies
from agentdc_runtime.state.prune import prune_all
from agentdc_runtime.state.settings import DAY_MS
from agentdc_runtime.state.store import Store, StoreError
from agentdc_runtime.state.upkeep import Upkeep

# Retention.


def run_rows(store: Store, rows: list[tuple[str, int | None]]) -> None:
    def put(each: sqlite3.Connection) -> None:
        each.executemany(
            "INSERT INTO runs (run_id, workflow, build_id, start_node, trigger_kind, trigger_input, status,"
            " started_at, ended_at) VALUES (?, 'w', 'b', 's', 'manual', 'null', 'completed', 1, ?)",
            rows,
        )
        for name, _ in rows:
            each.execute(
                "INSERT INTO run_nodes VALUES (?, 1, 'n', 'respond', 'ok', NULL, NULL, 1)",
                (name,),
            )

    store.write_now(put)


def test_what_is_forgotten(store: Store) -> None:
    """Old runs, and the oldest of too many; never one that may still go on."""
    now = int(time.time() * 1000)
    old = now - 3 * DAY_MS
    run_rows(store, [("old", old), ("paused", old), ("leased", old), ("running", None)])
    run_rows(store, [(f"new-{number}", now - number) for number in range(5)])

    def hold(each: sqlite3.Connection) -> None:
        each.execute(
            "INSERT INTO checkpoints (run_id, workflow, start_node, trigger_kind, trigger_input, node_outputs,"
            " paused_at, awaiting_approval, created_at) VALUES ('paused', 'w', 's', 'manual', '{}', '{}', 'n', 1, 1)"
        )
        each.execute("INSERT INTO leases VALUES ('leased', 'me', 1)")

    store.write_now(hold)
    assert prune_all(store)["runs"] == 3
    with store.reading() as reader:
        kept = {row[0] for row in reader.all("SELECT run_id FROM runs")}
        nodes = {row[0] for row in reader.all("SELECT run_id FROM run_nodes")}
    assert kept == nodes == {"paused", "leased", "running", "new-0", "new-1", "new-2"}
    assert sum(prune_all(store).values()) == 0


def test_a_clock_that_is_set_back_forgets_nothing(store: Store) -> None:
    later = int(time.time() * 1000) + 10 * DAY_MS
    run_rows(store, [("from the future", later)])
    assert prune_all(store)["runs"] == 0


def test_many_runs_are_forgotten_in_pieces(store: Store) -> None:
    run_rows(store, [(f"run-{number}", 1) for number in range(1201)])
    assert prune_all(store)["runs"] == 1201


# Copies.


def test_backups_rotate_and_the_newest_stays(store: Store, folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    for second in range(9):
        copies.rotate(str(folder / "state.db"), str(place), 1_700_000_000 + second)
    made = sorted(each.name for each in place.iterdir())
    assert len(made) == copies.KEPT
    assert made[-1] == "state-20231114T221328Z.db"
    earlier = copies.rotate(str(folder / "state.db"), str(place), 1_600_000_000)  # the clock was set back
    assert Path(earlier).exists()
    assert len(list(place.iterdir())) == copies.KEPT
    again = copies.rotate(str(folder / "state.db"), str(place), 1_600_000_000)
    assert again != earlier
    assert oct(Path(again).stat().st_mode & 0o777) == "0o600"


def test_backups_are_made_in_time(folder: Path, tmp_path: Path, told: Told) -> None:
    given = {"reserve_mb": 0, "backup_dir": str(tmp_path / "b"), "backup_interval_secs": 1}
    made = Store(str(folder), told, given)
    upkeep = Upkeep(made)
    until(lambda: told.names().count("state.backup") == 2)
    upkeep.close()
    made.close()
    assert len(list((tmp_path / "b").iterdir())) == 2


def test_a_backup_that_cannot_be_made_is_told(folder: Path, tmp_path: Path, told: Told) -> None:
    (tmp_path / "b").write_text("a file")
    given = {"reserve_mb": 0, "backup_dir": str(tmp_path / "b"), "backup_interval_secs": 1}
    made = Store(str(folder), told, given)
    upkeep = Upkeep(made)
    until(lambda: "state.backup_failed" in told.names())
    upkeep.close()
    made.close()


def test_a_copy_of_what_is_in_use_is_whole(store: Store, folder: Path, tmp_path: Path) -> None:
    """Made while others write, it holds one moment: of two rows that belong together both or none."""
    over = threading.Event()

    def work() -> None:
        number = 0
        while not over.is_set():
            pair = [(f"{side}-{number}", "x" * 500) for side in "ab"]
            store.write_now(lambda each, pair=pair: each.executemany("INSERT INTO meta VALUES (?, ?)", pair))  # type: ignore[misc]
            number += 1

    writing = threading.Thread(target=work)
    writing.start()
    try:
        for number in range(5):
            target = tmp_path / f"{number}.db"
            copies.backup(str(folder / "state.db"), str(target))
            copy = sqlite3.connect(target)
            counts = [
                copy.execute("SELECT count(*) FROM meta WHERE key LIKE ?", (f"{side}-%",)).fetchone()
                for side in "ab"
            ]
            assert counts[0] == counts[1]
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            copy.close()
    finally:
        over.set()
        writing.join()
    with pytest.raises(StoreError, match="overwrites nothing"):
        copies.backup(str(folder / "state.db"), str(tmp_path / "0.db"))


def test_a_restore_takes_the_log_away(folder: Path, tmp_path: Path, told: Told) -> None:
    """What was written after the backup is not in it, and must not come back from an old log."""
    made = Store(str(folder), told, {"reserve_mb": 0})
    copies.backup(str(folder / "state.db"), str(tmp_path / "copy.db"))
    made.write_now(lambda each: each.execute("INSERT INTO meta VALUES ('later', '1')"))
    log = (folder / "state.db-wal").read_bytes()
    made.close()
    (folder / "state.db-wal").write_bytes(log)
    aside = copies.restore(str(folder), str(tmp_path / "copy.db"), 1_700_000_000)
    assert aside is not None
    assert (Path(aside) / "state.db").exists()
    again = Store(str(folder), told, {"reserve_mb": 0})
    assert scalar(again, "SELECT count(*) FROM meta WHERE key = 'later'") == 0
    again.close()


@pytest.mark.parametrize("content", [b"", b"no database" * 500])
def test_what_is_no_backup_is_refused(folder: Path, tmp_path: Path, told: Told, content: bytes) -> None:
    Store(str(folder), told, {"reserve_mb": 0}).close()
    before = (folder / "state.db").read_bytes()
    (tmp_path / "copy.db").write_bytes(content)
    with pytest.raises(StoreError, match="state_corrupt"):
        copies.restore(str(folder), str(tmp_path / "copy.db"), 1_700_000_000)
    assert (folder / "state.db").read_bytes() == before
    assert not (folder / "state.db.restoring").exists()
