from __future__ import annotations

import hashlib
import importlib
import io
import marshal
import os
import shutil
import subprocess
import sys
import zipfile
import zipimport
from pathlib import Path

import pytest

from agentdc.link import zipapp

TREE: dict[str, bytes] = {
    "__main__.py": b"from greeter.main import main\n\nif __name__ == '__main__':\n    raise SystemExit(main())\n",
    "greeter/__init__.py": b'"""The greeter."""\n',
    "greeter/main.py": b'''"""Say hello."""
import json
import os
import sys

from agentdc_runtime.errors import Fault
from greeter import workflow


def data(name: str) -> bytes:
    return __loader__.get_data(os.path.join(os.path.dirname(__file__), name))


def main() -> int:
    if sys.argv[1:] == ["--boom"]:
        workflow.boom(Fault)
    print(json.dumps({"name": json.loads(data("manifest.json"))["name"], "kind": workflow.kind("beta")}))
    return 0
''',
    # sets, shared and nested constants, closures, characters that exist once per process
    "greeter/workflow.py": '''"""The graph."""
WORDS = frozenset({"os", "path", "success", "a b", "π", 1 << 40, 2.5, ("x", "y")})
SIGNS = {",": "/", "": " ", "é": "ü", "k": b"k"}


def kind(name: str) -> str:
    def inner(other: str) -> bool:
        return other in {"alpha", "beta", "gamma", "delta", "os", "sys", "success"} and name == other

    return "greek" if inner(name) else "none"


def boom(fault: type[Exception]) -> None:
    raise fault("boom")
'''.encode(),
    "greeter/manifest.json": b'{"name": "greeter"}\n',
    "agentdc_runtime/__init__.py": b"",
    "agentdc_runtime/errors.py": b"class Fault(Exception):\n    __slots__ = ()\n",
}


def interpreters() -> list[str]:
    names = [f"python3.{minor}" for minor in range(11, 16)]
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    beside = sorted(str(path) for name in names for path in root.glob(f"{name[6:]}.*/bin/{name}"))
    usual = [f"/usr/bin/{name}" for name in names if Path(f"/usr/bin/{name}").exists()]
    return [sys.executable, *beside, *usual]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "greeter.pyz"
    path.write_bytes(zipapp.pack(TREE))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("python", interpreters())
def test_runs_under(python: str, archive: Path, tmp_path: Path) -> None:
    cwd = tmp_path / "elsewhere"
    cwd.mkdir()
    (cwd / "json.py").write_text("raise SystemExit('the working directory got in')\n")
    done = subprocess.run(
        [python, "-I", "-S", str(archive)], cwd=cwd, env={}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"name": "greeter", "kind": "greek"}\n', "")


def test_runs_by_its_first_line(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    env = {"PATH": f"{folder}:/usr/bin:/bin", "PYTHONPATH": "/nonexistent", "PYTHONHOME": "/nonexistent"}
    done = subprocess.run([str(archive)], cwd="/", env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("python", interpreters())
def test_tracebacks_name_the_file_and_line(python: str, archive: Path) -> None:
    command = [python, "-I", "-S", str(archive), "--boom"]
    done = subprocess.run(command, cwd="/", env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'greeter/workflow.py", line 14, in boom' in done.stderr


def test_bytecode_is_what_loads_and_says_nothing_of_the_build_machine(archive: Path) -> None:
    code = zipimport.zipimporter(f"{archive}/greeter").get_code("main")
    assert code is not None
    assert code.co_filename == "greeter/main.py"
    assert str(Path.cwd()).encode() not in archive.read_bytes()


def test_another_magic_number_falls_back_to_source(archive: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pyz"
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, b"\0\0\r\n" + content[4:] if name.endswith(".pyc") else content)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(other)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


PROGRAM = """
import sys
exec(sys.argv[1])
sys.path.insert(0, sys.argv[2])
import test_zipapp
sys.stdout.write(test_zipapp.digest())
"""
HISTORIES = {
    "cold": "",
    "warm": "import asyncio, argparse, unittest, email.message, xml.dom.minidom, decimal, ctypes",
    "interned": "keep = [sys.intern(x) for x in (',', '/', ' ', '', 'a b', 'beta', 'gamma', 'success', 'greek')]",
    "compiled before": "import pathlib; kept = [compile(p.read_bytes(), str(p), 'exec') for p in "
    "pathlib.Path(sys.argv[2]).glob('test_z*.py')]",
}


def digest() -> str:
    return hashlib.sha256(zipapp.pack(TREE)).hexdigest()


@pytest.mark.parametrize("history", HISTORIES)
def test_same_bytes_in_every_process(history: str) -> None:
    here = str(Path(__file__).parent)
    seen = {digest()}
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, HISTORIES[history], here],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(done.stdout)
    assert len(seen) == 1


def test_order_of_the_files_does_not_matter() -> None:
    assert zipapp.pack(dict(reversed(TREE.items()))) == zipapp.pack(TREE)


def test_entries_are_sorted_stored_and_dateless() -> None:
    with zipfile.ZipFile(io.BytesIO(zipapp.pack(TREE))) as archive:
        infos = archive.infolist()
        assert archive.testzip() is None
    assert [info.filename for info in infos] == sorted(info.filename for info in infos)
    assert {(info.compress_type, info.date_time, info.external_attr >> 16) for info in infos} == {
        (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0), 0o100644)
    }
    assert {"greeter/main.py", "greeter/main.pyc", "greeter/manifest.json"} <= {
        info.filename for info in infos
    }


MODULES = [
    "_pydecimal",
    "argparse",
    "ast",
    "asyncio.base_events",
    "dataclasses",
    "enum",
    "html.entities",
    "typing",
]


@pytest.mark.parametrize("name", MODULES)
def test_canonical_bytecode_is_the_same_code(name: str) -> None:
    path = importlib.import_module(name).__file__
    assert path is not None
    code = compile(Path(path).read_bytes(), "module.py", "exec", dont_inherit=True)
    stream = zipapp.bytecode(marshal.dumps(code, 4))
    assert marshal.loads(stream) == code
    assert zipapp.bytecode(stream) == stream
    assert len(stream) <= len(marshal.dumps(code, 4))


@pytest.mark.parametrize(
    ("tree", "error"),
    [
        ({"greeter/main.py": b""}, ValueError),
        ({"__main__.py": b"", "/etc/x": b""}, ValueError),
        ({"__main__.py": b"", "../x": b""}, ValueError),
        ({"__main__.py": b"", "a//b": b""}, ValueError),
        ({"__main__.py": b"def"}, SyntaxError),
    ],
)
def test_refuses(tree: dict[str, bytes], error: type[Exception]) -> None:
    with pytest.raises(error):
        zipapp.pack(tree)


@pytest.mark.parametrize("stream", [b"", b"c", b"z\x05ab", b"?", b"\xa9\x01r\0\0\0\0"])
def test_refuses_a_broken_stream(stream: bytes) -> None:
    with pytest.raises(ValueError, match="marshalled"):
        zipapp.bytecode(stream)


def test_env_splits_the_first_line() -> None:
    assert shutil.which("env") is None or zipapp.SHEBANG.startswith(b"#!/usr/bin/env -S python3 ")
    assert len(zipapp.SHEBANG) < 127  # what older kernels read
