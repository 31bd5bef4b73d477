"""Apps that serve: requests per second beside other Python servers, latency under half of that, start, memory, size.

Every server has one core to itself and the clients have the others. Requests per second come from `wrk`, a closed
loop on kept connections, in turns; latencies from `bench.openloop`, which does not slow down with the server.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from agentdc.diagnostics.render import text as shown
from agentdc.driver.build import BuildRequest, Format, build
from bench import workflows
from bench.effort import Effort
from bench.processes import environment
from bench.report import Row, Section
from bench.servers import Contender, app, cores, others, pinned, serving

CONNECTIONS = 32
OURS, GUARDED, UVICORN = "built app", "built app, HMAC and rate limit", "uvicorn, minimal ASGI app"
P99_MS = 1.0
QUANTILES = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
START_SECONDS = {"directory": 0.100, "binary": 0.250}
BINARY_BYTES, IDLE_BYTES = 12_000_000, 30 * 2**20
TITLE = "serve: requests per second"
NO_WRK = "skipped, there is no wrk (apt-get install wrk)"


@dataclass(frozen=True, slots=True)
class Load:
    """What an open loop found. `latencies`: microseconds, sorted; `late`: of the clients, in microseconds."""

    latencies: list[int]
    failed: int
    late: int

    def at(self, share: float) -> int:
        """The latency that this share of the requests did not exceed."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


def measure(effort: Effort) -> list[Section]:
    """Three sections: throughput, latency, start."""
    with tempfile.TemporaryDirectory(prefix="agentdc-bench-") as name:
        folder = Path(name)
        plain = _built(folder / "plain", guarded=False)
        guarded = _built(folder / "guarded", guarded=True)
        throughput = _throughput(folder, plain, guarded, effort)
        most = _rate(throughput.rows[0])
        return [throughput, _latency(plain, most, effort), _start(folder, plain, effort)]


def _built(folder: Path, *, guarded: bool, form: Format = Format.DIRECTORY) -> Path:
    folder.mkdir(exist_ok=True)
    source, output = folder / "hook.toml", folder / "app"
    source.write_text(workflows.hook(guarded=guarded))
    if form is Format.BINARY:
        output = folder / "agent"
    built = build(BuildRequest(str(source), str(output), form))
    if not built.ok:
        raise RuntimeError(shown.render(built.diagnostics))
    return output


# Requests per second.


def _throughput(folder: Path, plain: Path, guarded: Path, effort: Effort) -> Section:
    if shutil.which("wrk") is None:
        return Section(TITLE, "With wrk, which is not installed.", (Row(OURS, "-"),), (NO_WRK,))
    contenders, remarks = [app(OURS, plain)], []
    for each in others():
        if each.missing:
            names = ", ".join(each.missing)
            remarks.append(f"{each.name}: skipped, not installed: {names} (pip install -e '.[bench]')")
        else:
            contenders.append(each)
    contenders.append(app(GUARDED, guarded))
    seconds, rounds = effort.pick(1, 2, 3), effort.pick(1, 1, 3)
    script = _script(folder)
    rates: dict[str, list[float]] = {each.name: [] for each in contenders}
    with ExitStack() as stack:
        ports = {each.name: stack.enter_context(serving(each))[0] for each in contenders}
        for port in ports.values():
            _agree(port)
            _wrk(port, script, 1)
        for _ in range(rounds):
            for name, port in ports.items():
                rates[name].append(_wrk(port, script, seconds))
    about = (
        f"POST of an order, JSON in, three pure nodes, JSON out; {CONNECTIONS} kept connections, one core for the "
        f"server; median of {rounds} runs of {seconds} s in turns."
    )
    return Section(TITLE, about, tuple(_rate_rows(rates)), tuple(remarks))


def _rate_rows(rates: dict[str, list[float]]) -> Iterator[Row]:
    middle = {name: statistics.median(each) for name, each in rates.items()}
    for name, rate in middle.items():
        value = f"{rate:,.0f}/s (best {max(rates[name]):,.0f})"
        if name != OURS:
            yield Row(name, value, f"{rate / middle[OURS]:.2f}× built app")
        elif UVICORN in middle:
            ratio = rate / middle[UVICORN]
            yield Row(name, value, f"{ratio:.2f}× uvicorn", "≥ 1.0× uvicorn", ratio >= 1)
        else:
            yield Row(name, value)


def _rate(row: Row) -> float:
    """The number in a row; 0 where nothing was measured."""
    return float(row.value.partition("/")[0].replace(",", "").replace("-", "0"))


def _agree(port: int) -> None:
    """Every server answers the same, or the comparison means nothing."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/orders", json.dumps(workflows.ORDER).encode())
    request.add_header("Content-Type", "application/json")
    request.add_header("X-Agent-Signature", _signature(json.dumps(workflows.ORDER)))
    with urllib.request.urlopen(request, timeout=10) as answer:
        if json.load(answer) != {"greeting": "Hello, Ann Miller!"}:
            raise RuntimeError("a server answers something else than the others")


def _signature(body: str) -> str:
    key = workflows.HOOK_SECRET.encode()
    return f"sha256={hmac.new(key, body.encode(), hashlib.sha256).hexdigest()}"


def _script(folder: Path) -> Path:
    """What wrk sends: an order, signed, which those who do not look at the signature ignore."""
    body = json.dumps(workflows.ORDER)
    script = folder / "post.lua"
    script.write_text(
        f"wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] = 'application/json'\n"
        f"wrk.headers['X-Agent-Signature'] = '{_signature(body)}'\n"
    )
    return script


def _wrk(port: int, script: Path, seconds: int) -> float:
    """Requests per second; anything but answers of 200 is a mistake in this benchmark."""
    words = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", str(script)]
    command = pinned(",".join(cores()[1]), [*words, f"http://127.0.0.1:{port}/orders"])
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    found = re.search(r"Requests/sec:\s*([\d.]+)", said)
    if found is None or "Non-2xx" in said or re.search(r"(connect|read|write) [1-9]", said):
        raise RuntimeError(f"a load test went wrong:\n{said}")
    return float(found[1])


# Latency.


def _latency(plain: Path, most: float, effort: Effort) -> Section:
    rate = most / 2 or 1000.0
    seconds, runs = effort.pick(0.3, 2.0, 4.0), effort.pick(1, 1, 5)
    loads: list[Load] = []
    theirs: list[Load] = []
    with ExitStack() as stack:
        port, _, _ = stack.enter_context(serving(app(OURS, plain)))
        _load(port, rate, min(seconds, 1.0))
        beside = [each for each in others() if each.name == UVICORN and not each.missing]
        ports = [stack.enter_context(serving(each))[0] for each in beside]
        for _ in range(runs):  # in turns, so that what else the machine does meets both
            loads.append(_load(port, rate, seconds))
            theirs += [_load(each, rate, seconds) for each in ports]
    about = (
        f"Constant {rate:,.0f} requests/s from an open loop, {CONNECTIONS} connections, median of {runs} runs of "
        f"{seconds:.0f} s; latency counts from the time at which a request was meant to be sent."
    )
    rows = [_latency_row(name, share, loads, most) for name, share in QUANTILES]
    if theirs:
        rows += [_latency_row(f"{name}, uvicorn", share, theirs, 0) for name, share in QUANTILES]
    sent = sum(len(each.latencies) + each.failed for each in loads)
    rows.append(Row("failed", f"{sum(each.failed for each in loads)} of {sent:,}"))
    late = statistics.median(each.late for each in loads) / 1000
    remark = f"the clients came to 99 of 100 sends at most {late:.2f} ms late, which is part of the latencies"
    return Section("serve: latency at half of the built app's most", about, tuple(rows), (remark,))


def _latency_row(name: str, share: float, loads: list[Load], most: float) -> Row:
    found = [each.at(share) / 1000 for each in loads]
    middle, judged = statistics.median(found), name == "p99" and most > 0
    value = f"{middle:.2f} ms (best {min(found):.2f}, worst {max(found):.2f})"
    return Row(name, value, "", f"< {P99_MS:.0f} ms" if judged else "", middle < P99_MS if judged else None)


def _load(port: int, rate: float, seconds: float) -> Load:
    """Two clients on cores of their own, each with half of the rate; a fourth core is left to the machine."""
    clients = cores()[1][:2]
    arguments = [port, rate / len(clients), seconds, max(1, CONNECTIONS // len(clients))]
    words = [sys.executable, "-m", "bench.openloop", *map(str, arguments)]
    running = [
        subprocess.Popen(pinned(core, words), stdout=subprocess.PIPE, env=environment()) for core in clients
    ]
    found = [json.loads(each.communicate(timeout=seconds + 30)[0]) for each in running]
    latencies = sorted(each for one in found for each in one["latencies_us"])
    return Load(latencies, sum(one["failed"] for one in found), max(one["late_p99_us"] for one in found))


# Start, memory, size.


def _start(folder: Path, plain: Path, effort: Effort) -> Section:
    runs = effort.pick(1, 3, 15)
    rows = list(_start_rows("directory", app("directory", plain), runs))
    remarks = []
    if effort.freezes:
        binary = _built(folder / "frozen", guarded=False, form=Format.BINARY)
        rows += _start_rows("binary", app("binary", binary), runs)
        size = binary.stat().st_size
        rows.append(Row("binary, size", f"{size / 1e6:.2f} MB", "", "≤ 12 MB", size <= BINARY_BYTES))
    else:
        remarks.append("binary: left out of a quick run")
    about = "From the start of the process to its first answer of 200, and its resident memory a second later, idle."
    return Section("serve: start, memory, size", about, tuple(rows), tuple(remarks))


def _start_rows(name: str, contender: Contender, runs: int) -> Iterator[Row]:
    taken = []
    for _ in range(runs + 1):
        with serving(contender) as (_, process, seconds):
            taken.append(seconds)
            if len(taken) > runs:
                sleep(1)
                resident = _resident(process)
    taken = taken[1:]  # the first one warmed the caches
    middle, bar = statistics.median(taken), START_SECONDS[name]
    value = f"{middle * 1000:.0f} ms (best {min(taken) * 1000:.0f})"
    yield Row(f"{name}, first answer", value, "", f"≤ {bar * 1000:.0f} ms", middle <= bar)
    yield Row(f"{name}, idle", f"{resident / 2**20:.1f} MiB", "", "≤ 30 MiB", resident <= IDLE_BYTES)


def _resident(process: int) -> int:
    """Bytes of the process and of those that it started: a binary unpacks itself in one and runs in another."""
    status = Path(f"/proc/{process}/status").read_text()
    own = re.search(r"VmRSS:\s*(\d+) kB", status)
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return (int(own[1]) * 1024 if own else 0) + sum(_resident(int(each)) for each in children)
