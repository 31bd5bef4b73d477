"""`agentdc check` as its users meet it: the whole process, from the shell to the exit status."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from bench import workflows
from bench.effort import Effort
from bench.processes import Timing, timed
from bench.report import Row, Section

BARS: dict[int, float | None] = {20: 0.250, 500: None, 1000: None, 2000: 2.0, 4000: None}
EMPTY = 'python -c "import pydantic"'


def agentdc() -> list[str | Path]:
    """The command as it is installed beside the interpreter, else as a module."""
    script = Path(sys.executable).with_name("agentdc")
    return [script] if script.exists() else [sys.executable, "-m", "agentdc"]


def measure(effort: Effort) -> list[Section]:
    """One section: small and large workflows."""
    with tempfile.TemporaryDirectory(prefix="agentdc-bench-") as folder:
        return [_section(Path(folder), effort)]


def _section(folder: Path, effort: Effort) -> Section:
    commands: dict[str, list[str | Path]] = {EMPTY: [sys.executable, "-c", "import pydantic"]}
    bars: dict[str, float | None] = {}
    for shape, make in (("chain", workflows.chain), ("branching", _branching)):
        for nodes, bar in list(BARS.items())[: effort.pick(1, 5, 5)]:
            name = f"agentdc check, {nodes:,} nodes, {shape}"
            workflow = folder / f"{shape}-{nodes}.toml"
            workflow.write_text(make(nodes))
            commands[name] = [*agentdc(), "check", workflow]
            bars[name] = bar
            reference = os.environ.get("AGENTD_BIN")
            if reference:
                commands[f"reference --validate-only, {nodes:,} nodes, {shape}"] = [
                    reference,
                    "--config",
                    workflow,
                    "--validate-only",
                ]
    times = timed(commands, effort.pick(0, 3, 20))
    rows = tuple(_row(name, each, bars.get(name)) for name, each in times.items())
    return Section("agentdc check", "Wall time of the whole process, bytecode cached.", rows)


def _branching(nodes: int) -> str:
    return workflows.branching(max(1, nodes // workflows.BRANCH_GROUP_NODES))


def _row(name: str, time: Timing, bar: float | None) -> Row:
    if bar is None:
        return Row(name, str(time))
    return Row(name, str(time), "", f"≤ {bar * 1000:,.0f} ms", time.middle <= bar)
