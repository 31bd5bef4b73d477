"""Waits on a model: ten thousand `llm_infer` nodes in flight at once in one process, and what they take of memory.

The model is `agentdc mock-llm` in a process of its own, which answers after some seconds and writes down when it was
asked, so that the number of those who waited at the same moment is counted. They are the children of one `map`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from agentdc.diagnostics.render import text as shown
from agentdc.driver.build import BuildRequest, Format, build
from bench.effort import Effort
from bench.processes import environment
from bench.report import Row, Section

WAITS = (1000, 10_000)
LATENCY_MS = 30_000  # longer than it takes to ask ten thousand times
PEAK_BYTES = 2**30
BYTES_A_WAIT = 96 * 2**10
START = '[[start_nodes]]\nname = "go"\nsource = "manual"\n'
CHILD = (
    f'name = "ask"\n{START}'
    '[[nodes]]\nid = "ask"\ntype = "llm_infer"\nbackend = "house"\nprompt = "{{input}}"\ninput_from = "trigger"\n'
    '[[nodes]]\nid = "end"\ntype = "terminate"\n[[edges]]\nfrom = "ask"\nto = "end"\n'
)
SCRIPT = '[[rules]]\nreplies = ["fine"]\nlatency_ms = {latency}\n'


@dataclass(frozen=True, slots=True)
class Ran:
    """Seconds of the whole app, the most questions that waited at once, and the process's peak memory in bytes."""

    seconds: float
    at_once: int
    peak: int


def measure(effort: Effort) -> list[Section]:
    """One section: so many waits at once."""
    latency = effort.pick(1000, 4000, LATENCY_MS)
    rows = []
    base = _run(1, 1).peak
    for waits in (effort.pick(100, 1000, number) for number in WAITS):
        ran = _run(waits, latency)
        each = (ran.peak - base) / waits
        value = f"{ran.at_once:,} at once, {ran.seconds:.1f} s, peak {ran.peak / 2**20:.0f} MiB"
        met = ran.at_once == waits and ran.peak <= PEAK_BYTES and each <= BYTES_A_WAIT
        told = f"{each / 1024:.0f} KiB a wait"
        rows.append(Row(f"{waits:,} waits", value, told, f"≤ {BYTES_A_WAIT >> 10} KiB, ≤ 1 GiB", met))
    about = f"llm_infer in one process, each waiting {latency / 1000:g} s on a scripted model; one run."
    return [Section("models: waits in flight", about, tuple(rows))]


def _run(waits: int, latency: int) -> Ran:
    with tempfile.TemporaryDirectory(prefix="agentdc-bench-") as name:
        folder = Path(name)
        with _model(folder, latency) as (url, log):
            app = _app(folder, url, waits)
            (folder / "input.json").write_text(json.dumps({"items": list(range(waits))}))
            began = perf_counter()
            peak = _peak([sys.executable, "-I", str(app), "--input", str(folder / "input.json")], folder)
            seconds = perf_counter() - began
            return Ran(seconds, _at_once([json.loads(line)["at_ms"] for line in log.open()], latency), peak)


def _at_once(asked: list[int], latency: int) -> int:
    """How many waited at the same moment at most, each for so many milliseconds from when it asked."""
    most = first = 0
    for last, now in enumerate(asked):
        while asked[first] <= now - latency:
            first += 1
        most = max(most, last - first + 1)
    return most


def _app(folder: Path, url: str, waits: int) -> Path:
    """A map over so many children that each ask once."""
    (folder / "ask.toml").write_text(CHILD)
    backend = f'provider = "openai-compatible"\nmodel = "m"\nbase_url = "{url}"\n'
    (folder / "workflow.toml").write_text(
        f'name = "many"\n[[intelligence.backends]]\nname = "house"\n{backend}{START}'
        f'[[nodes]]\nid = "each"\ntype = "map"\nitems_from = "trigger.items"\nworkflow = "{folder / "ask.toml"}"\n'
        f"max_items = {waits}\nmax_concurrent = {waits}\n"
        '[[nodes]]\nid = "end"\ntype = "terminate"\n[[nodes]]\nid = "sorry"\ntype = "fail"\n'
        '[[edges]]\nfrom = "each"\nto = "end"\n[[edges]]\nfrom = "each"\nto = "sorry"\nwhen = "error"\n'
    )
    output = folder / "app"
    built = build(BuildRequest(str(folder / "workflow.toml"), str(output), Format.DIRECTORY))
    if not built.ok:
        raise RuntimeError(shown.render(built.diagnostics))
    return output


def _peak(command: list[str], folder: Path) -> int:
    """The peak memory of a command that must succeed, in bytes."""
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError((folder / "said").read_text(errors="replace")[-2000:])
    return usage.ru_maxrss * 1024


@contextmanager
def _model(folder: Path, latency: int) -> Iterator[tuple[str, Path]]:
    """A scripted model: its URL, and the file with a line for each question."""
    script, log = folder / "mock.toml", folder / "asked.jsonl"
    script.write_text(SCRIPT.format(latency=latency))
    command = [sys.executable, "-m", "agentdc", "mock-llm", str(script), "--bind", "127.0.0.1:0"]
    with subprocess.Popen([*command, "--requests", str(log)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        try:
            yield first.removeprefix("listening on ").strip(), log
        finally:
            process.terminate()
