"""`map` over elements that each wait on HTTP: wall time against the time that the waves take at least.

The peer is a process of its own and answers after 100 ms. Elements run in waves of `max_concurrent`; the ideal is the
number of waves times the wait. Memory is the peak of the whole app process.
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

ELEMENTS, WAIT, BAR = 1000, 0.1, 3.0
WAVES = (100, 250, 1000)
PEAK_BYTES = 256 * 2**20
START = '[[start_nodes]]\nname = "go"\nsource = "manual"\n'
CHILD = (
    f'name = "fetch"\n{START}'
    '[[nodes]]\nid = "get"\ntype = "http_request"\nmethod = "GET"\nurl_from = "trigger.url"\n'
    '[[nodes]]\nid = "end"\ntype = "terminate"\n[[edges]]\nfrom = "get"\nto = "end"\n'
)


@dataclass(frozen=True, slots=True)
class Ran:
    """Seconds of the `map` node by the app's own record, and the process's peak memory in bytes."""

    seconds: float
    peak: int


def measure(effort: Effort) -> list[Section]:
    """One section: the same elements in waves of different sizes."""
    elements = effort.pick(20, 200, ELEMENTS)
    with tempfile.TemporaryDirectory(prefix="agentdc-bench-") as folder, _peer() as port:
        rows = [_row(_run(Path(folder), port, elements, wave), elements, wave) for wave in WAVES]
    about = f"{elements:,} elements that each wait {WAIT * 1000:.0f} ms on a real HTTP server; best of 3."
    return [Section("fan-out: map over HTTP", about, tuple(rows))]


def _row(ran: Ran, elements: int, wave: int) -> Row:
    ideal = -(-elements // wave) * WAIT
    ratio = ran.seconds / ideal
    value = f"{ran.seconds:.2f} s, peak {ran.peak / 2**20:.0f} MiB"
    met = ratio <= BAR and ran.peak <= PEAK_BYTES
    return Row(f"waves of {wave}", value, f"{ratio:.2f}× ideal ({ideal:.1f} s)", f"≤ {BAR:.0f}× ideal", met)


def _run(folder: Path, port: int, elements: int, wave: int) -> Ran:
    (folder / "fetch.toml").write_text(CHILD)
    source, given = folder / "main.toml", folder / "input.json"
    source.write_text(
        f'name = "fan"\n{START}[[nodes]]\nid = "all"\ntype = "map"\nitems_from = "trigger.items"\n'
        f'workflow = "fetch.toml"\nmax_items = {elements}\nmax_concurrent = {wave}\n'
    )
    url = f"http://127.0.0.1:{port}/x"
    given.write_text(json.dumps({"items": [{"url": url}] * elements}))
    built = build(BuildRequest(str(source), str(folder / "app"), Format.DIRECTORY))
    if not built.ok:
        raise RuntimeError(shown.render(built.diagnostics))
    return min((_once(folder, given) for _ in range(3)), key=lambda ran: ran.seconds)


def _once(folder: Path, given: Path) -> Ran:
    record = folder / "record.json"
    command = [sys.executable, str(folder / "app"), "--input", str(given), "--record", str(record)]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    entry = json.loads(record.read_text())["trace"]["entries"][0]
    if process.returncode or entry["branch"] is not None:
        raise RuntimeError(f"a fan-out failed with status {process.returncode}")
    return Ran(entry["elapsed_ms"] / 1000, usage.ru_maxrss * 1024)


@contextmanager
def _peer() -> Iterator[int]:
    command = [sys.executable, "-m", "bench.peer", str(WAIT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        began = perf_counter()
        try:
            yield int(process.stdout.readline())
        finally:
            process.communicate("", timeout=max(10.0, perf_counter() - began))
