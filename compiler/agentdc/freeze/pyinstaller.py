"""The slow step: an app tree and its plan to one executable file, through a PyInstaller subprocess.

Knows how to run it apart from the user's machine (own working directory and environment), how to read its failures,
and how to put the result in place: copied and started beside the output, then renamed over it, so that the output is
always either the old file or a new one that starts. Nothing is left behind but the log of a failed build.

What a user of the binary may meet, in the bootloader's own words and before any code of ours: without a writable
directory in TMPDIR, /tmp or /var/tmp `Could not create temporary directory!` (exit 255), on a full one `Failed to
extract …` (255), on one mounted noexec `failed to map segment from shared object` (127); each is cured by TMPDIR.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from agentdc.diagnostics.diagnostic import Diagnostic
from agentdc.freeze import errors, supervise
from agentdc.freeze.plan import RUNTIME_HOOK, Plan, arguments, environment, plan, spec_text
from agentdc.freeze.preflight import inspect_host, preflight, runs_on
from agentdc.freeze.reach import needed_modules

BUILD_SECONDS = 600.0
START_SECONDS = 30.0

# What a line of PyInstaller's log says about where it is, in the order of a build.
_PHASES = (
    ("Initializing module dependency graph", "reading imports"),
    ("Looking for dynamic libraries", "collecting libraries"),
    ("Building PYZ", "packing modules"),
    ("Building PKG", "writing the binary"),
)
_LOG_PREFIX = re.compile(r"^\d+ (?:ERROR|CRITICAL): ")
_SAYS_NOTHING = re.compile(r"^\d+ (?:TRACE|DEBUG|INFO|DEPRECATION|WARNING): |^\s|^$|^Traceback ")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FreezeResult:
    """What came of it. `size`: bytes, 0 without a binary. `seconds`: the whole step. `runs_on`: one line to print."""

    diagnostics: tuple[Diagnostic, ...]
    size: int
    seconds: float
    runs_on: str

    @property
    def ok(self) -> bool:
        """True when the binary is in place."""
        return not any(each.is_error for each in self.diagnostics)


class _Failed(Exception):
    """Ends the step with one finding."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def plan_for(files: Mapping[str, bytes], packages: Iterable[str] = ()) -> Plan:
    """The plan for an app tree on this host.

    `files`: path with `/` to content. `packages`: import names of every third-party package that is linked, their own
    dependencies included.
    """
    linked = frozenset(packages)
    installed = frozenset(metadata.packages_distributions())
    return plan(files, needed_modules(files, linked), packages=linked, installed=installed)


def freeze(
    tree: Path,
    output: Path,
    plan: Plan,
    on_progress: Progress = lambda _phase: None,
    *,
    build_seconds: float = BUILD_SECONDS,
    start_seconds: float = START_SECONDS,
) -> FreezeResult:
    """Freeze the app tree in directory `tree` into the executable `output` (mode 0755, replaced atomically).

    `on_progress` gets the name of each phase as it begins. Every failure is a diagnostic in the result; then
    `output` is as it was, and `<output>.freeze.log` holds the full log if PyInstaller is what failed.
    """
    began = time.monotonic()
    host = inspect_host()
    found = preflight(host)
    size = 0
    if not found:
        try:
            with _staged(output) as staged, _working_directory(tree, plan) as work:
                _build(work, output, on_progress, build_seconds)
                on_progress("starting it once")
                _copy(work / "dist" / "app", staged)
                _start_once(staged, work, start_seconds)
                size = _put_in_place(staged, output)
        except _Failed as failure:
            found = [failure.diagnostic]
    return FreezeResult(tuple(found), size, time.monotonic() - began, runs_on(host))


@contextlib.contextmanager
def _staged(output: Path) -> Iterator[Path]:
    """An empty file beside the output, gone at the end unless renamed; tells early that nothing can be written."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    except OSError as problem:
        raise _Failed(errors.unwritable(str(output), _reason(problem))) from None
    os.close(handle)
    staged = Path(name)
    try:
        yield staged
    finally:
        staged.unlink(missing_ok=True)


@contextlib.contextmanager
def _working_directory(tree: Path, plan: Plan) -> Iterator[Path]:
    """A directory with the same names for every build: `tree/`, `app.spec`, `hook.py`; later `build/`, `dist/`."""
    try:
        with tempfile.TemporaryDirectory(prefix="agentdc-freeze-", ignore_cleanup_errors=True) as name:
            work = Path(name).resolve()
            shutil.copytree(tree, work / "tree", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
            (work / "app.spec").write_text(spec_text(plan), encoding="utf-8")
            (work / "hook.py").write_text(RUNTIME_HOOK, encoding="utf-8")
            yield work
    except shutil.Error as problem:
        raise _Failed(errors.failed(f"the app tree cannot be copied: {problem.args[0][0][2]}")) from None
    except OSError as problem:
        raise _Failed(_disk_failure(problem.errno, _reason(problem))) from None


def _build(work: Path, output: Path, on_progress: Progress, seconds: float) -> None:
    log: list[str] = []
    phases = deque(_PHASES)

    def on_line(line: str) -> None:
        log.append(line)
        if phases and phases[0][0] in line:
            on_progress(phases.popleft()[1])

    kept = _log_path(output)
    command = [sys.executable, *arguments("app.spec")]
    env = environment(os.environ, str(work))
    ended = supervise.run(command, cwd=work, env=env, seconds=seconds, on_line=on_line)
    if ended.ok and (work / "dist" / "app").is_file():
        with contextlib.suppress(OSError):
            kept.unlink()  # of an earlier failure
        return
    notes = [*(line.replace(f"{work}/", "") for line in _last_words(log)), *_keep(log, kept)]
    if any("No space left on device" in line for line in log):
        raise _Failed(_disk_failure(errno.ENOSPC, "no space left on device", notes))
    how = ended.describe(seconds)
    cure = "the machine may be short of memory" if how.endswith("SIGKILL") else None
    raise _Failed(errors.failed(f"PyInstaller {how}", notes, cure))


def _last_words(log: Iterable[str]) -> list[str]:
    """The last line that says what went wrong, if any does."""
    telling = [line for line in log if not _SAYS_NOTHING.match(line)]
    return [_LOG_PREFIX.sub("", telling[-1])] if telling else []


def _keep(log: Iterable[str], path: Path) -> list[str]:
    try:
        path.write_text("".join(f"{line}\n" for line in log), encoding="utf-8")
    except OSError:
        return []  # a full disk is reported as such; there is nowhere to put the log
    return [f"the full log is in {path}"]


def _copy(built: Path, staged: Path) -> None:
    try:
        shutil.copyfile(built, staged)
        staged.chmod(0o755)
    except OSError as problem:
        raise _Failed(errors.unwritable(str(staged.parent), _reason(problem))) from None


def _start_once(binary: Path, work: Path, seconds: float) -> None:
    """Start it as a stranger would: no environment, elsewhere. TMPDIR is there so that, if it is killed, what it
    unpacked goes with the working directory.
    """
    elsewhere = work / "elsewhere"
    elsewhere.mkdir()
    said: deque[str] = deque(maxlen=12)
    try:
        ended = supervise.run(
            [str(binary.resolve()), "--version"],
            cwd=elsewhere,
            env={"TMPDIR": str(work)},
            seconds=seconds,
            on_line=said.append,
            stdout=False,
        )
    except OSError as problem:
        raise _Failed(errors.does_not_start(_reason(problem), ())) from None
    if not ended.ok:
        raise _Failed(errors.does_not_start(ended.describe(seconds), said))


def _put_in_place(staged: Path, output: Path) -> int:
    try:
        size = staged.stat().st_size
        staged.replace(output)
    except OSError as problem:
        raise _Failed(errors.unwritable(str(output), _reason(problem))) from None
    return size


def _log_path(output: Path) -> Path:
    return output.with_name(f"{output.name}.freeze.log")


def _reason(problem: OSError) -> str:
    return (problem.strerror or str(problem)).lower()


def _disk_failure(number: int | None, reason: str, notes: Iterable[str] = ()) -> Diagnostic:
    folder = tempfile.gettempdir()
    cure = (
        f"free some space in {folder}, or name another directory in TMPDIR"
        if number == errno.ENOSPC
        else None
    )
    return errors.failed(f"{reason} (in {folder})", notes, cure)
