"""What a build may replace: its own former output, or, when forced, another thing of the same sort.

Reads what stands at the output's place; writes nothing.
"""

from __future__ import annotations

import json
import mmap
import os
import zipfile
import zlib
from collections.abc import Collection
from fnmatch import fnmatch
from pathlib import Path

from agentdc.diagnostics import Diagnostic
from agentdc.driver.files import exists

MANIFEST = "manifest.json"
_ELF = b"\x7fELF"
_FROZEN = (
    b"MEI\x0c\x0b\x0a\x0b\x0e",
    b"agentdc_runtime",
    MANIFEST.encode(),
)  # the first ends every frozen app


def place_of(output: str, *, directory: bool) -> Path:
    """Where the output goes; a link stands for the directory that it leads to, and is kept."""
    path = Path(output)
    if directory and (path.is_symlink() or path.name in {"", ".."}):
        return Path(os.path.realpath(output))
    return path


def refusal(path: Path, source: str, tree: Collection[str] | None, *, force: bool) -> Diagnostic | None:
    """Why what stands at `path` must not be replaced, or None when it may be.

    `source`: the workflow file. `tree`: names at the top of the new directory; None for an output that is a file.
    """
    if not os.path.lexists(path):
        return None
    if tree is None and not path.is_file():
        return exists(path, "is not a file", forcible=False)
    if tree is not None and not path.is_dir():
        return exists(path, "is not a directory", forcible=False)
    for each, what in ((source, "the workflow"), (".", "the working directory")):
        if _holds(path, each):
            return exists(path, f"is or holds {what}", forcible=False)
    if force:
        return None
    return _foreign_file(path) if tree is None else _foreign_directory(path, tree)


def _holds(path: Path, inner: str) -> bool:
    return Path(os.path.realpath(inner)).is_relative_to(os.path.realpath(path))


def _foreign_file(path: Path) -> Diagnostic | None:
    try:
        ours = _is_zipapp(path) or _is_binary(path)
    except OSError as problem:
        return exists(path, f"cannot be read: {problem.strerror}")
    return None if ours else exists(path, "is not an app that agentdc built")


def _is_zipapp(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            manifests = [each for each in archive.namelist() if fnmatch(each, f"*/{MANIFEST}")]
            return any(_is_manifest(archive.read(each)) for each in manifests)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError):
        return False


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(4) != _ELF:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return all(data.rfind(mark) >= 0 for mark in _FROZEN)


def _foreign_directory(path: Path, tree: Collection[str]) -> Diagnostic | None:
    """A former output holds a package with our manifest, and otherwise nothing that the new one would not hold."""
    try:
        names = {each.name for each in path.iterdir()} - {"__pycache__"}
        packages = {each for each in names if _is_package(path / each)}
    except OSError as problem:
        return exists(path, f"cannot be read: {problem.strerror}")
    if names and not packages:
        return exists(path, "is not an app that agentdc built")
    foreign = sorted(names - packages - set(tree))
    return exists(path, f"holds what agentdc did not put there: {foreign[0]}") if foreign else None


def _is_package(path: Path) -> bool:
    try:
        return _is_manifest((path / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_manifest(data: bytes) -> bool:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return False
    compiler = document.get("compiler") if isinstance(document, dict) else None
    return isinstance(compiler, dict) and compiler.get("name") == "agentdc"
