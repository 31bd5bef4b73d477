"""Start of a pure one-shot app: process start to process end, with the 20-node chain and its input.

The measure for the archive is an interpreter that imports `json` and ends; the same interpreter runs the archive. The
binary is frozen by the compiler itself, which needs PyInstaller and about a minute, and is left out of a quick run.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from agentdc.diagnostics.render import text as shown
from agentdc.driver.build import BuildRequest, Format, build
from bench import workflows
from bench.effort import Effort
from bench.processes import Timing, timed
from bench.report import Row, Section

PYZ_BAR = 1.5
BINARY_SECONDS, BINARY_BYTES = 0.130, 8_000_000

BARE_PYTHON, JSON, PYZ = "python -S -I -c pass", 'python -S -I -c "import json"', "python -S -I app.pyz"
FOLDER, BINARY, REFERENCE = "python -S -I app/", "binary", "reference binary"


def measure(effort: Effort) -> list[Section]:
    """One section: archive, directory, binary and the reference binary where there is one."""
    with tempfile.TemporaryDirectory(prefix="agentdc-bench-") as folder:
        return [_section(Path(folder), effort)]


def _section(folder: Path, effort: Effort) -> Section:
    workflow, given = folder / "workflow.toml", folder / "input.json"
    workflow.write_text(workflows.chain(workflows.CHAIN_NODES))
    given.write_text(json.dumps(workflows.INPUT))
    pyz, app = _built(workflow, folder / "app.pyz"), _built(workflow, folder / "app", Format.DIRECTORY)
    python: list[str | Path] = [sys.executable, "-S", "-I"]
    arguments: list[str | Path] = ["--input", given]
    commands: dict[str, list[str | Path]] = {
        BARE_PYTHON: [*python, "-c", "pass"],
        JSON: [*python, "-c", "import json"],
        PYZ: [*python, pyz, *arguments],
        FOLDER: [*python, app, *arguments],
    }
    size, remarks = 0, []
    if not effort.freezes:
        remarks.append("binary: left out of a quick run")
    else:
        binary = _built(workflow, folder / "agent", Format.BINARY)
        commands[BINARY] = [binary, *arguments]
        size = binary.stat().st_size
    reference = os.environ.get("AGENTD_BIN")
    if reference:
        commands[REFERENCE] = [reference, "--config", workflow, *arguments]
    times = timed(commands, effort.pick(0, 5, 40))
    about = (
        "Wall time of a whole process that reads its input, walks the 20-node chain and prints the outcome."
    )
    return Section("start of a one-shot app", about, tuple(_rows(times, size)), tuple(remarks))


def _built(workflow: Path, output: Path, form: Format = Format.ZIPAPP) -> Path:
    built = build(BuildRequest(str(workflow), str(output), form))
    if not built.ok:
        raise RuntimeError(shown.render(built.diagnostics))
    return output


def _rows(times: dict[str, Timing], size: int) -> list[Row]:
    return [_row(name, each, times[JSON], size) for name, each in times.items()]


def _row(name: str, time: Timing, json_start: Timing, size: int) -> Row:
    ratio = time.middle / json_start.middle
    compared = f"{ratio:.2f}× import json"
    if name == PYZ:
        return Row(name, str(time), compared, f"≤ {PYZ_BAR}× import json", ratio <= PYZ_BAR)
    if name == BINARY:
        met = time.middle <= BINARY_SECONDS and size <= BINARY_BYTES
        value = f"{time}, {size / 1e6:.2f} MB"
        return Row(name, value, compared, "≤ 130 ms, ≤ 8 MB", met)
    return Row(name, str(time), "" if name == JSON else compared)
