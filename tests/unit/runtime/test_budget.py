"""Budgets: counters by table, limits of the system in real processes (spec 02 §8)."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agentdc_runtime.errors import ToolError
from agentdc_runtime.nodes import write_file
from agentdc_runtime.observe import log
from agentdc_runtime.policy import budget as module
from agentdc_runtime.policy.budget import MIB, Budget
from agentdc_runtime.policy.gate import Gate

ROOT = Path(module.__file__).parents[2]
SCRIPT = (
    "import json, resource, sys\n"
    "from agentdc_runtime.policy.budget import Budget\n"
    "events = []\n"
    "budget = Budget(json.loads(sys.argv[1]), lambda *event: events.append(event))\n"
    "budget.apply_limits()\n"
    "print(json.dumps(events), resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU))\n"
    "sys.stdout.flush()\n"
)


class Events(list[tuple[int, str, dict[str, Any]]]):
    def __call__(self, level: int, event: str, fields: dict[str, Any]) -> None:
        self.append((level, event, fields))


def started(
    settings: str, more: str = "", limits: dict[int, tuple[int, int]] | None = None
) -> subprocess.CompletedProcess[str]:
    """A process of its own that applies `settings`, its limits set before, and runs `more` then."""

    def before() -> None:
        for number, pair in (limits or {}).items():
            resource.setrlimit(number, pair)

    return subprocess.run(
        [sys.executable, "-S", "-c", SCRIPT + more, settings],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
        preexec_fn=before,
        timeout=30,
    )


def test_levels_are_those_of_the_log() -> None:
    assert (module.WARN, module.INFO) == (log.WARN, log.INFO)


# --- limits of the system -----------------------------------------------------------------------------------------


def test_limits_are_applied_and_inherited() -> None:
    child = (
        "import subprocess\n"
        "print(subprocess.run(['sh', '-c', 'ulimit -v; ulimit -t'], capture_output=True).stdout)\n"
    )
    done = started('{"max_memory_mb": 512, "max_cpu_secs": 7}', child)
    assert done.returncode == 0, done.stderr
    events = (
        '[[3, "budget.applied", {"kind": "memory_mb", "value": 512}], '
        '[3, "budget.applied", {"kind": "cpu_secs", "value": 7}]]'
    )
    size = 512 * MIB
    assert done.stdout.splitlines() == [f"{events} ({size}, {size}) (7, 7)", f"b'{size // 1024}\\n7\\n'"]


@pytest.mark.parametrize("settings", ["null", "{}", '{"max_memory_mb": null}'])
def test_nothing_is_set(settings: str) -> None:
    assert started(settings).stdout == "[] (-1, -1) (-1, -1)\n"


def test_zero_counts_as_not_set() -> None:
    done = started('{"max_memory_mb": 0, "max_cpu_secs": 0}')
    assert done.stdout == (
        '[[2, "budget.apply_failed", {"kind": "memory_mb", "value": 0, "reason": "0 counts as not set"}], '
        '[2, "budget.apply_failed", {"kind": "cpu_secs", "value": 0, "reason": "0 counts as not set"}]]'
        " (-1, -1) (-1, -1)\n"
    )


def test_memory_limit_holds() -> None:
    done = started('{"max_memory_mb": 128}', "bytearray(200 << 20)\n")
    assert done.returncode == 1 and "MemoryError" in done.stderr
    assert started('{"max_memory_mb": 128}', "bytearray(40 << 20)\n").returncode == 0


def test_processor_limit_holds() -> None:
    done = started('{"max_cpu_secs": 1}', "while True: pass\n")
    assert done.returncode in (-9, -24)  # SIGKILL or SIGXCPU


def test_a_limit_never_makes_room() -> None:
    """Also for root, who could."""
    tight = {resource.RLIMIT_AS: (300 * MIB, 300 * MIB), resource.RLIMIT_CPU: (5, 5)}
    done = started('{"max_memory_mb": 512, "max_cpu_secs": 7}', limits=tight)
    assert done.returncode == 0
    assert done.stdout.count('"budget.apply_failed"') == 2
    assert "the process has a lower limit already: 5" in done.stdout
    assert done.stdout.endswith(f"({300 * MIB}, {300 * MIB}) (5, 5)\n")
    done = started('{"max_memory_mb": 200, "max_cpu_secs": 3}', limits=tight)
    assert done.stdout.endswith(f"({200 * MIB}, {200 * MIB}) (3, 3)\n")


@pytest.mark.parametrize("value", [2**43, 2**63 - 1, 2**64])
def test_limits_beyond_the_system(value: int) -> None:
    done = started(f'{{"max_memory_mb": {value}}}')
    assert done.returncode == 0 and '"budget.apply_failed"' in done.stdout, done.stdout
    assert done.stdout.endswith("(-1, -1) (-1, -1)\n")


def test_system_without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    events = Events()
    monkeypatch.setitem(sys.modules, "resource", None)
    Budget({"max_memory_mb": 512}, events).apply_limits()
    fields = {"kind": "memory_mb", "value": 512, "reason": "this system has no such limit"}
    assert events == [(log.WARN, "budget.apply_failed", fields)]


# --- run time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "timeout", "effective"),
    [
        (None, 120, 120),
        ({}, 120, 120),
        ({"max_run_time_secs": 0}, 120, 120),
        ({"max_run_time_secs": 60}, 120, 60),
        ({"max_run_time_secs": 600}, 120, 120),
        ({"max_run_time_secs": 2**63 - 1}, 1, 1),
    ],
)
def test_run_time(settings: dict[str, Any] | None, timeout: float, effective: float) -> None:
    assert Budget(settings, Events()).run_time(timeout) == effective


# --- written bytes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [None, {}, {"max_fs_write_mb": 0}])
def test_no_bound_on_writing(settings: dict[str, Any] | None) -> None:
    budget = Budget(settings, Events())
    budget.reserve_write("a", 10**15)


def test_writing_up_to_the_limit() -> None:
    events = Events()
    budget = Budget({"max_fs_write_mb": 1}, events)
    budget.reserve_write("a", MIB - 1)
    with pytest.raises(ToolError) as caught:
        budget.reserve_write("b", 2)
    reason = "budget.fs_write: 2 bytes after 1048575 would be more than 1 MiB"
    assert caught.value.display == f"tool `write_file` failed: {reason}"
    assert events == [(log.WARN, "budget.fs_write_denied", {"path": "b", "bytes": 2, "reason": reason})]
    budget.reserve_write("c", 1)  # nothing was reserved by the refusal
    budget.reserve_write("d", 0)
    with pytest.raises(ToolError):
        budget.reserve_write("e", 1)


def test_write_file_reserves_before_it_writes(tmp_path: Path) -> None:
    events = Events()
    budget = Budget({"max_fs_write_mb": 1}, events)

    def write(name: str, size: int, *, dry_run: bool = False) -> Any:
        process = SimpleNamespace(budget=budget)
        run = SimpleNamespace(gate=Gate(None), process=process, dry_run=dry_run)
        return write_file.run(run, path=f"{tmp_path}/{name}", content=lambda: "é" * (size // 2))  # type: ignore[arg-type]

    write("a", 2 * MIB, dry_run=True)
    assert budget.written == 0
    write("a", MIB // 2)
    with pytest.raises(ToolError, match=r"budget\.fs_write"):
        write("below/b", MIB)
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolError, match="cannot write"):
        write("file/b", MIB // 4)
    assert budget.written == MIB * 3 // 4, "not given back when the write fails"
    assert [each[2]["path"] for each in events] == [f"{tmp_path}/below/b"]


# --- tokens -------------------------------------------------------------------------------------------------------


def test_tokens() -> None:
    events = Events()
    budget = Budget({"max_llm_tokens": 100}, events)
    budget.check_tokens()
    budget.add_tokens(99)
    budget.check_tokens()
    budget.add_tokens(500)  # one call may go beyond
    with pytest.raises(ToolError) as caught:
        budget.check_tokens("agent_loop")
    reason = "budget.max_llm_tokens: 599 of 100 tokens are used"
    assert caught.value.display == f"tool `agent_loop` failed: {reason}"
    assert events == [(log.WARN, "budget.llm_denied", {"used": 599, "limit": 100, "reason": reason})]


def test_tokens_at_the_edges() -> None:
    with pytest.raises(ToolError):
        Budget({"max_llm_tokens": 0}, Events()).check_tokens()
    free = Budget(None, Events())
    free.add_tokens(10**12)
    free.add_tokens(-(10**13))
    free.check_tokens()
    assert free.tokens == 10**12
