"""Where the tests are: the fixtures and scenarios that a command line means (spec 01 §10.1, §10.3).

A folder with a `fixture.toml` is a fixture, and nothing inside it is looked at. Every other `*.toml` below a folder
is a scenario, unless it is plainly something else (a workflow, a project file). Hidden folders are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentdc.diagnostics import SourceFile
from agentdc.driver import files
from agentdc.testing.decode import is_other

FIXTURE = "fixture.toml"
_SKIPPED = frozenset({"__pycache__", "node_modules", "build", "dist"})


@dataclass(frozen=True, slots=True)
class Found:
    """One test: its file, and what it is. `named`: the command line names it, so it must be one."""

    path: Path
    scenario: bool
    named: bool = False

    @property
    def place(self) -> str:
        """What it is called: a fixture's folder, a scenario's file."""
        return (self.path if self.scenario else self.path.parent).as_posix()


def find(paths: Sequence[str]) -> list[Found]:
    """Every test, once, sorted by place. FileProblem when a path is not there or cannot be read."""
    found: dict[str, Found] = {}
    for path in paths or [default()]:
        for each in _below(Path(path), path):
            found.setdefault(os.path.realpath(each.path), each)
    return sorted(found.values(), key=lambda each: each.place)


def default() -> str:
    """`tests` where there is such a folder, else the working directory."""
    return "tests" if Path("tests").is_dir() else "."


def _below(path: Path, written: str) -> Iterator[Found]:
    if path.is_dir():
        yield from _folder(path)
    elif path.name == FIXTURE and path.exists():
        yield Found(path, scenario=False, named=True)
    else:
        files.read(written, "the test")  # tells why it cannot be read
        yield Found(path, scenario=True, named=True)


def _folder(folder: Path) -> Iterator[Found]:
    if (folder / FIXTURE).is_file():
        yield Found(folder / FIXTURE, scenario=False)
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as problem:
        raise files.FileProblem(files.unreadable(str(folder), "the folder", problem)) from problem
    for each in entries:
        if each.name.startswith(".") or each.name in _SKIPPED:
            continue
        if each.is_dir() and not each.is_symlink():
            yield from _folder(each)
        elif each.suffix == ".toml" and each.is_file() and not _is_other(each):
            yield Found(each, scenario=True)


def _is_other(path: Path) -> bool:
    return is_other(SourceFile(str(path), files.read(str(path), "the test")))
