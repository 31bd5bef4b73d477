"""The output is a pure function of the input: no clock, no folder, no hash seed, no order of a set shows in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from compiled import checked_file, supported_workflows

# Compiles each `<folder>/<case>/workflow.toml` as a command would: by its path, and in a process of its own.
PROGRAM = """
import hashlib, json, sys
from pathlib import Path
from agentdc.check.validate import Options
from agentdc.diagnostics.render import json as as_json, text
from agentdc.driver.check import check_source
from agentdc.driver.compile import Trust, compile_workflow
from agentdc.driver.files import read_source

digests = {}
for case in sorted(Path(sys.argv[1]).iterdir()):
    report = check_source(read_source(str(case / "workflow.toml")), Options())
    app = compile_workflow(report, Trust())
    said = text.render(report.build_diagnostics).replace(sys.argv[1], "")
    files = {name: hashlib.sha256(data).hexdigest() for name, data in app.files.items()}
    digests[case.name] = {"order": list(files), "files": files, "said": said}
print(json.dumps(digests))
"""


def _started(folder: Path, seed: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, cwd=folder)


def test_two_folders_and_two_hash_seeds_give_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "a much longer name of a folder"]
    for folder in folders:
        for case in supported_workflows():
            place = folder / f"{case.parent.parent.name}-{case.parent.name}"
            place.mkdir(parents=True)
            for member in checked_file(case).members:  # with the children
                file = place / member.key
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(member.source.data)
    running = [_started(folder, seed) for folder, seed in zip(folders, ("0", "4711"), strict=True)]
    outputs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    first, second = (json.loads(output) for output in outputs)
    assert len(first) == len(supported_workflows())
    for case in first:
        assert first[case] == second[case], case
