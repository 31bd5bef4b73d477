"""What a start is made of: the modules that a process imports and their own time, from `-X importtime`.

The switch itself costs time at each import, so the sums are above what a start takes; their order is what counts.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench import workflows
from bench.apps import compiled
from bench.effort import Effort
from bench.processes import environment
from bench.report import Row, Section

LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
SHOWN = 12


def measure(effort: Effort) -> list[Section]:
    """A section for a built app and one for `agentdc check`."""
    runs = effort.pick(1, 1, 5)
    with tempfile.TemporaryDirectory(prefix="agentdc-bench-") as folder:
        root = Path(folder)
        text = workflows.chain(workflows.CHAIN_NODES)
        workflow, given = root / "workflow.toml", root / "input.json"
        workflow.write_text(text)
        given.write_text(json.dumps(workflows.INPUT))
        for name, data in compiled(text).files.items():
            (root / "app" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "app" / name).write_bytes(data)
        app: list[str | Path] = ["-S", "-I", root / "app", "--input", given]
        check: list[str | Path] = ["-m", "agentdc", "check", workflow]
        return [
            _section("imports of a one-shot app, as a directory", app, runs, depth=9),
            _section("imports of agentdc check", check, runs, depth=2),
        ]


def _section(title: str, words: Sequence[str | Path], runs: int, depth: int) -> Section:
    samples = [own_times(words) for _ in range(runs + 1)][1:]  # the first one writes the bytecode
    modules = {name: min(each.get(name, 0) for each in samples) for name in samples[0]}
    groups: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for name, spent in modules.items():
        group = _group(name, depth)
        groups[group] += spent
        sizes[group] += 1
    rows = [_row(name, spent, sizes[name]) for name, spent in groups.most_common(SHOWN)]
    rest = sum(groups.values()) - sum(spent for _, spent in groups.most_common(SHOWN))
    rows.append(_row("everything else", rest, len(modules) - sum(sizes[row.what] for row in rows)))
    rows.append(_row("all", sum(groups.values()), len(modules)))
    about = "Own time of modules, without what they import; the best of the samples, largest first."
    return Section(title, about, tuple(rows))


def own_times(words: Sequence[str | Path]) -> dict[str, int]:
    """Module to its own import time in microseconds."""
    command = [sys.executable, "-X", "importtime", *words]
    done = subprocess.run(command, env=environment(), capture_output=True, check=True)
    found = (LINE.match(line) for line in done.stderr.decode(errors="replace").splitlines())
    return {match[2]: int(match[1]) for match in found if match}


def _group(name: str, depth: int) -> str:
    """Our modules by package, others by distribution."""
    parts = name.split(".")
    return ".".join(parts[:depth]) if parts[0].startswith("agentdc") else parts[0]


def _row(name: str, spent: int, modules: int) -> Row:
    return Row(name, f"{spent / 1000:.2f} ms", f"{modules} module{'s' if modules != 1 else ''}")
