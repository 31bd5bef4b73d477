"""Generated code fits the runtime library: mypy agrees, strictly, about every app of every case.

All packages are checked in one run, each from the root it was written to; hence their names must differ.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from compiled import RUNTIME, TESTS, compiled_file, supported_workflows

LIBRARY = TESTS.parent / "runtime_lib"


def test_every_generated_app_type_checks(tmp_path: Path) -> None:
    packages: dict[str, Path] = {}
    for case in supported_workflows():
        app = compiled_file(case)
        assert app.package not in packages, (
            f"{case} has the package of {packages[app.package]}; rename its workflow"
        )
        packages[app.package] = case
        for name, data in app.files.items():
            if name.startswith(f"{app.package}/") and not name.startswith(RUNTIME):
                target = tmp_path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
    wanted = [word for package in sorted(packages) for word in ("-p", package)]
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unreachable", "--config-file=", *wanted]
    environment = {
        **os.environ,
        "MYPYPATH": f"{tmp_path}:{LIBRARY}",
        "MYPY_CACHE_DIR": str(TESTS.parent / ".mypy_cache"),
    }
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    modules = len(list(tmp_path.glob("*/*.py")))
    assert modules > 3 * len(packages)  # some have children
    assert f"no issues found in {modules} source files" in done.stdout
