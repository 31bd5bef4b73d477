"""`make new-node` on a copy of the tree: what it writes imports, type-checks, lints, compiles and runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from exchange import play

ROOT = Path(__file__).resolve().parents[2]
PARTS = (".ci", "compiler", "runtime_lib", "templates", "pyproject.toml", "README.md")
NODES = "compiler/agentdc/nodes"
HANDLERS = "runtime_lib/agentdc_runtime/nodes"

# A plain name, a keyword, a built-in, a family with a keyword in it, and one whose class would hide an import.
KINDS = {
    "text_upper": "text_upper.py",
    "assert": "assert_.py",
    "filter": "filter.py",
    "memory.del": "memory/del_.py",
    "memory.get": "memory/get.py",
    "call2": "call2.py",
    "load": "load.py",
}

REFUSED = {
    "": "is no name for a kind",
    "Upper": "is no name for a kind",
    "two words": "is no name for a kind",
    "9lives": "is no name for a kind",
    "a__b": "is no name for a kind",
    "../escape": "is no name for a kind",
    "ends.": "is no name for a kind",
    "größe": "is no name for a kind",
    "a" * 41: "is no name for a kind",
    "read_file": 'there is a kind "read_file"',
    "agent_loop": 'there is a kind "agent_loop"',
    "find": "a meaning of its own in generated code",
    "memory.now": "a meaning of its own in generated code",
    "cache.call": "a handler of the same name",
    "call.back": "call cannot be a family",
    "template": "template.py is there",
    "registry": "registry.py is there",
}


def _copy(target: Path) -> Path:
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / part)
    return target


def _run(tree: Path, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    roots = os.pathsep.join(str(tree / root) for root in ("compiler", "runtime_lib", "templates"))
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd or tree,
        env={**os.environ, "PYTHONPATH": roots, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def _passes(tree: Path, *command: str) -> str:
    done = _run(tree, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with every kind of `KINDS`, added out of order."""
    copy = _copy(tmp_path_factory.mktemp("new_node"))
    for kind, path in KINDS.items():
        written = _passes(copy, ".ci/new_node.py", kind)
        assert f"{NODES}/{path}\n" in written
    return copy


def _texts(tree: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(tree)): path.read_bytes()
        for part in ("compiler", "runtime_lib", "tests")
        for path in (tree / part).rglob("*")
        if path.is_file()
    }


def test_every_part_is_there(tree: Path) -> None:
    for kind, path in KINDS.items():
        for part in (f"{NODES}/{path}", f"{HANDLERS}/{path}"):
            assert (tree / part).is_file()
        for name in ("workflow.toml", "exchange.txt"):
            assert (tree / "tests/nodes" / kind / name).is_file()


def test_the_registry_imports_and_is_in_order(tree: Path) -> None:
    program = "from agentdc.nodes.registry import SPECS; print(*(each.kind for each in SPECS.values()))"
    kinds = _passes(tree, "-c", program).split()
    assert set(KINDS) < set(kinds)
    modules = [kind.replace(".", "_") for kind in kinds]
    assert modules == sorted(modules)


def test_what_is_written_is_in_style(tree: Path) -> None:
    _passes(tree, "-m", "ruff", "check", "--no-cache", NODES, HANDLERS)
    _passes(tree, "-m", "ruff", "format", "--no-cache", "--check", NODES, HANDLERS)


def test_what_is_written_type_checks(tree: Path) -> None:
    files = [f"{place}/{path}" for path in KINDS.values() for place in (NODES, HANDLERS)]
    _passes(tree, "-m", "mypy", f"{NODES}/registry.py", *files)


@pytest.mark.parametrize("kind", KINDS)
def test_a_workflow_with_the_kind_compiles_and_runs(tree: Path, kind: str, tmp_path: Path) -> None:
    case = tree / "tests" / "nodes" / kind
    found = _passes(tree, "-m", "agentdc", "check", str(case / "workflow.toml"))
    assert found == f"{kind} node: no errors\n"
    app = tmp_path / "app"
    _passes(tree, "-m", "agentdc", "build", str(case / "workflow.toml"), "-o", f"{app}/")
    exchange = (case / "exchange.txt").read_text()
    folder = tmp_path / "cwd"
    folder.mkdir()
    assert play(exchange, app, folder) == exchange


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(tree: Path, kind: str) -> None:
    before = _texts(tree)
    done = _run(tree, ".ci/new_node.py", kind)
    assert done.returncode == 2
    assert REFUSED[kind] in done.stderr
    assert done.stdout == ""
    assert _texts(tree) == before


def test_a_kind_is_made_once(tree: Path) -> None:
    done = _run(tree, ".ci/new_node.py", "text_upper")
    assert (done.returncode, done.stderr) == (2, 'new-node: there is a kind "text_upper"\n')


def test_what_is_there_is_not_overwritten(tree: Path) -> None:
    place = tree / "tests/nodes/text_lower/workflow.toml"
    place.parent.mkdir()
    place.write_text("mine")
    done = _run(tree, ".ci/new_node.py", "text_lower")
    assert (done.returncode, done.stderr) == (2, "new-node: tests/nodes/text_lower/workflow.toml is there\n")
    assert place.read_text() == "mine"
    assert not (tree / NODES / "text_lower.py").exists()


def test_usage(tree: Path) -> None:
    for words in ((), ("a", "b")):
        done = _run(tree, ".ci/new_node.py", *words)
        assert (done.returncode, done.stderr) == (2, "usage: make new-node KIND=<kind>\n")
