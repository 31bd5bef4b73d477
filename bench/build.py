"""`agentdc build` without freezing: how long it takes, and that equal input gives equal bytes."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from bench import workflows
from bench.check import agentdc
from bench.effort import Effort
from bench.processes import Timing, environment, timed
from bench.report import Row, Section

NODES, BAR = 50, 1.5
SEEDS = ("0", "4242")


def measure(effort: Effort) -> list[Section]:
    """One section: a directory and an archive, and the comparison of two builds of each format."""
    with tempfile.TemporaryDirectory(prefix="agentdc-bench-") as folder:
        return [_section(Path(folder), effort)]


def _section(folder: Path, effort: Effort) -> Section:
    workflow = folder / "workflow.toml"
    nodes = effort.pick(4, NODES, NODES)
    workflow.write_text(workflows.chain(nodes))
    words = [*agentdc(), "build", workflow, "-o"]
    commands: dict[str, list[str | Path]] = {
        f"agentdc build to a .pyz, {nodes} nodes": [*words, folder / "timed.pyz"],
    }
    if effort is not Effort.SMOKE:
        commands[f"agentdc build to a directory, {nodes} nodes"] = [*words, f"{folder}/timed/"]
    times = timed(commands, effort.pick(0, 2, 10))
    rows = [_row(name, each) for name, each in times.items()]
    outputs = effort.pick(["app/"], ["app/", "app.pyz"], ["app/", "app.pyz", "agent"])
    rows += [_same(folder, each) for each in outputs]
    remarks = ("binary: left out of a quick run",) if not effort.freezes else ()
    about = "Wall time of the whole process; the comparison builds in two folders under two hash seeds."
    return Section("agentdc build without freezing", about, tuple(rows), remarks)


def _row(name: str, time: Timing) -> Row:
    return Row(name, str(time), "", f"≤ {BAR * 1000:,.0f} ms", time.middle <= BAR)


def _same(folder: Path, output: str) -> Row:
    """One workflow built twice: other folder, other hash seed."""
    kind = {"app/": "a directory", "app.pyz": "a .pyz"}.get(output, "a binary")
    trees = []
    for seed in SEEDS:
        place = folder / f"seed-{seed}"
        place.mkdir(exist_ok=True)
        workflow = place / "workflow.toml"
        workflow.write_text(workflows.branching(workflows.BRANCH_GROUPS))
        variables = {**environment(), "PYTHONHASHSEED": seed}
        words = [*agentdc(), "build", "workflow.toml", "-o", output]
        subprocess.run(words, cwd=place, env=variables, check=True, capture_output=True)
        made = place / output
        assert made.is_dir() == output.endswith("/")  # a name that is taken by a folder would be built as one
        trees.append(_contents(made))
    differing = sorted(name for name in {*trees[0], *trees[1]} if trees[0].get(name) != trees[1].get(name))
    size = sum(len(data) for data in trees[0].values())
    value = f"{len(trees[0])} files, {size:,} bytes"
    compared = "differ: " + ", ".join(differing) if differing else "identical"
    return Row(f"two builds of {kind}", value, compared, "byte-identical", not differing)


def _contents(output: Path) -> dict[str, bytes]:
    if output.is_file():
        return {output.name: output.read_bytes()}
    found = (Path(folder) / name for folder, _, names in os.walk(output) for name in names)
    return {str(each.relative_to(output)): each.read_bytes() for each in found}
