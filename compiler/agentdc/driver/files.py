"""Reading and writing the user's files; every failure becomes a diagnostic, and nothing is left half-written.

What may be replaced is decided in `outputs`.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from agentdc.diagnostics import Diagnostic, SourceFile, code, error

LARGEST = 64 * 2**20  # bytes; a device that never ends must not fill the memory


class FileProblem(Exception):
    """A file that cannot be read or written; carries the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def read(path: str, what: str = "the workflow") -> bytes:
    """The bytes of a file; FileProblem `unreadable_file` when there are none to have."""
    try:
        return contents(path)
    except (OSError, ValueError) as problem:
        raise FileProblem(unreadable(path, what, problem)) from problem


def contents(path: str | Path) -> bytes:
    """The bytes of a file; OSError or ValueError, also when there are too many of them."""
    with Path(path).open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 2**20} MiB")
    return data


def read_source(path: str) -> SourceFile:
    """The workflow file as a source that diagnostics can point into."""
    return SourceFile(path, read(path))


def unreadable(path: str, what: str, problem: OSError | ValueError) -> Diagnostic:
    """A file that cannot be read, with the system's reason."""
    return error(code("unreadable_file"), f"cannot read {what} {path}: {reason(problem)}")


def unwritable(path: Path, problem: OSError) -> Diagnostic:
    """An output that cannot be written, with the system's reason."""
    return error(code("output_unwritable"), f"cannot write {path}: {reason(problem)}")


def exists(path: Path, why: str, *, forcible: bool = True) -> Diagnostic:
    """An output that would replace something that is not a former output."""
    helped = "name another output, or remove it"
    if forcible:
        helped = "name another output, remove it, or pass --force to replace it"
    return error(code("output_exists"), f"{path} exists and {why}", help=helped)


def reason(problem: OSError | ValueError) -> str:
    """The system's words, without numbers."""
    return getattr(problem, "strerror", None) or str(problem)


def write_file(path: Path, data: bytes, mode: int) -> None:
    """Replace one file as a whole: written beside it, then renamed. FileProblem when that fails."""
    if os.path.exists(path) and not path.is_file():  # noqa: PTH110 - neither a folder, nor a device or a pipe
        raise FileProblem(unwritable(path, OSError("it is not a file")))
    with _beside(path) as staged:
        with staged.open("xb") as file:
            file.write(data)
        staged.chmod(mode)
        staged.replace(path)


def write_tree(path: Path, files: Mapping[str, bytes]) -> None:
    """Replace one directory as a whole: written beside it, then renamed; a former one is removed afterwards."""
    with _beside(path) as staged:
        for name, data in files.items():
            target = staged / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        if not path.exists():
            staged.rename(path)
            return
        former = path.with_name(f".agentdc-{secrets.token_hex(8)}.old")
        path.rename(former)
        try:
            staged.rename(path)
        except OSError:
            former.rename(path)
            raise
        shutil.rmtree(former, ignore_errors=True)  # the new one is in place, whatever becomes of this


def make_parent(path: Path) -> None:
    """Make the folders above an output; FileProblem when that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise FileProblem(unwritable(path, problem)) from problem


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A free name beside `path`, gone again when the block fails."""
    staged = path.with_name(f".agentdc-{secrets.token_hex(8)}.new")
    make_parent(path)
    try:
        yield staged
    except OSError as problem:
        raise FileProblem(unwritable(path, problem)) from problem
    finally:
        with suppress(OSError):
            if staged.is_dir():
                shutil.rmtree(staged)
            else:
                staged.unlink(missing_ok=True)
