"""Freezing for real (marked `freeze`), and the ways it fails that need no real build."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from agentdc.freeze import pyinstaller, supervise
from agentdc.freeze.plan import Plan
from agentdc.freeze.preflight import inspect_host, preflight

MAIN = b"""from greeter.main import main

if __name__ == "__main__":
    raise SystemExit(main())
"""
APP = b'''"""Say hello, and what the app sees."""
import json
import os
import re
import signal
import sys
import time

KINDS = {"alpha", "beta", "gamma", "delta"}


def main() -> int:
    manifest = json.loads(__loader__.get_data(os.path.join(os.path.dirname(__file__), "manifest.json")))
    if "--wait" in sys.argv:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        print("ready", flush=True)
        time.sleep(30)
    environment = sorted(name for name in os.environ if re.match("LD_|_PYI|PYI|_MEI", name))
    print(json.dumps([manifest["name"], sys.flags.utf8_mode, environment, "beta" in KINDS]))
    return 0
'''
TREE = {
    "__main__.py": MAIN,
    "greeter/__init__.py": b"",
    "greeter/main.py": APP,
    "greeter/manifest.json": b'{"name": "gr\xc3\xa4ter"}',
}
SEEN = '["gr\\u00e4ter", 1, [], true]\n'

can_freeze = pytest.mark.skipif(bool(preflight(inspect_host())), reason="this host cannot freeze")


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def frozen(folder: Path, files: dict[str, bytes]) -> tuple[pyinstaller.FreezeResult, Path]:
    tree = lay(folder / "tree", files)
    output = folder / "app"
    return pyinstaller.freeze(tree, output, pyinstaller.plan_for(files)), output


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    phases: list[str] = []
    folder = tmp_path_factory.mktemp("frozen")
    tree = lay(folder / "tree", TREE)
    output = folder / "greeter"
    result = pyinstaller.freeze(tree, output, pyinstaller.plan_for(TREE), phases.append)
    assert result.diagnostics == ()
    assert phases[0] == "reading imports"
    assert phases[-1] == "starting it once"
    assert result.size == output.stat().st_size <= 8_000_000
    assert sorted(path.name for path in folder.iterdir()) == ["greeter", "tree"]
    return output


@pytest.mark.freeze
@can_freeze
def test_starts_anywhere(binary: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE(binary.stat().st_mode) == 0o755
    folder = tmp_path / "read only"
    folder.mkdir(mode=0o555)
    (tmp_path / "json.py").write_text("raise SystemExit('the working directory got in')")
    for cwd, env in (
        (folder, {}),
        (tmp_path, {"PATH": "/nonexistent", "PYTHONHOME": "/x", "TMPDIR": "/nonexistent"}),
    ):
        done = subprocess.run([str(binary)], cwd=cwd, env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, SEEN, "")


@pytest.mark.freeze
@can_freeze
def test_start_time(binary: Path) -> None:
    def once() -> float:
        began = time.perf_counter()
        subprocess.run([str(binary)], env={}, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - began

    assert min(once() for _ in range(10)) <= 0.130


@pytest.mark.freeze
@can_freeze
def test_signals_and_exit_codes_pass(binary: Path) -> None:
    with subprocess.Popen([str(binary), "--wait"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143


REPEAT = """
import sys
from pathlib import Path
from agentdc.freeze import pyinstaller
import test_freeze_binary as here
result, _ = here.frozen(Path(sys.argv[1]), here.TREE)
raise SystemExit(len(result.diagnostics))
"""


@pytest.mark.freeze
@can_freeze
def test_byte_identical(binary: Path, tmp_path: Path) -> None:
    for seed, name in (("1", "one"), ("77", "another folder/with a longer name")):
        folder = tmp_path / name
        temporary = folder / "temporary"
        temporary.mkdir(parents=True)
        env = os.environ | {
            "PYTHONHASHSEED": seed,
            "TMPDIR": str(temporary),
            "TZ": "Asia/Tokyo",
            "LC_ALL": "C",
        }
        subprocess.run(
            [sys.executable, "-c", REPEAT, str(folder)], cwd=Path(__file__).parent, env=env, check=True
        )
        assert (folder / "app").read_bytes() == binary.read_bytes()
        assert list(temporary.iterdir()) == []


@pytest.mark.freeze
@can_freeze
def test_binary_that_does_not_start_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "app").write_text("the old one")
    result, output = frozen(
        tmp_path, TREE | {"greeter/main.py": b"def main():\n    raise KeyError('gone')\n"}
    )
    (found,) = result.diagnostics
    assert found.code.slug == "freeze_does_not_start"
    assert "exit code 1" in found.message
    assert any("KeyError: 'gone'" in note for note in found.notes)
    assert output.read_text() == "the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app", "tree"]


@pytest.mark.freeze
@can_freeze
def test_failure_of_the_build_is_one_line_and_a_log(tmp_path: Path) -> None:
    result, output = frozen(tmp_path, TREE | {"__main__.py": b"def"})
    (found,) = result.diagnostics
    assert (found.code.slug, found.message) == (
        "freeze_failed",
        "freezing failed: PyInstaller ended with exit code 1",
    )
    assert found.notes[0].startswith("Syntax error in tree/__main__.py")
    log = output.with_name("app.freeze.log")
    assert found.notes[1] == f"the full log is in {log}"
    assert "PyInstaller" in log.read_text()
    assert (result.size, output.exists()) == (0, False)


@can_freeze
def test_no_end_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    result = pyinstaller.freeze(
        lay(tmp_path / "tree", TREE), tmp_path / "app", Plan((), ()), build_seconds=0.05
    )
    (found,) = result.diagnostics
    assert found.message == "freezing failed: PyInstaller did not end within 0.05 s"
    assert list(temporary.iterdir()) == []


@can_freeze
def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    output = tmp_path / "missing" / "app"
    result = pyinstaller.freeze(lay(tmp_path / "tree", TREE), output, Plan((), ()))
    (found,) = result.diagnostics
    assert (found.code.slug, result.ok) == ("output_unwritable", False)
    assert found.message == f"cannot write {output}: no such file or directory"


@can_freeze
def test_tree_that_is_not_there(tmp_path: Path) -> None:
    (found,) = pyinstaller.freeze(tmp_path / "missing", tmp_path / "app", Plan((), ())).diagnostics
    assert found.code.slug == "freeze_failed"


@pytest.mark.parametrize(
    ("program", "seconds", "described"),
    [
        ("pass", 20.0, "ended with exit code 0"),
        ("raise SystemExit(3)", 20.0, "ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", 20.0, "was ended by SIGKILL"),
        (
            "import os; print('x', flush=True); os.fork(); os.read(0, 1); import time; time.sleep(60)",
            0.5,
            "did not end within 0.5 s",
        ),
    ],
)
def test_supervised(program: str, seconds: float, described: str, tmp_path: Path) -> None:
    lines: list[str] = []
    began = time.monotonic()
    ended = supervise.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={}, seconds=seconds, on_line=lines.append
    )
    assert ended.describe(seconds) == described
    assert time.monotonic() - began < 15
