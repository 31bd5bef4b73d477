"""Test apps: a workflow compiled with stand-ins for models and servers, and the harness in place of the host.

Apps are kept in the cache of `agentdc run`, keyed by everything that decides what they are. An app runs all cases of
its workflow in one process; when that process dies or hangs, the case it was at is told so, and the others go on
in a new one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import TIMEOUT_MAX, Timer
from typing import IO, TYPE_CHECKING, Any

from agentdc.driver import files
from agentdc.driver import run as cache
from agentdc.driver.check import Report
from agentdc.link.closure import reachable_modules
from agentdc.link.library import module_path, module_source
from agentdc.testing.stand_ins import STAND_INS

if TYPE_CHECKING:  # the compiling half of the compiler is loaded only when the cache does not have the app
    from agentdc.driver.compile import Compiled

HARNESS = "agentdc_runtime.testing.harness"
GRACE = 60.0  # seconds beyond a case's own limit: nodes end by limits of their own
_START = '''\
"""Runs test cases against this app."""
{site}
from {harness} import main

raise SystemExit(main("{package}"))
'''
_SITE = """
import site

site.main()  # for packages that are not part of the app
"""


def key(report: Report) -> tuple[bytes, ...]:
    """Everything of a workflow and its children that decides what the app is."""
    return tuple(part for member in report.members for part in (member.key.encode(), member.source.data))


def app_of(report: Report, scratch: Path) -> Path:
    """The test app of a workflow, compiled unless the cache has it; `scratch`: where it goes without a cache."""
    parts = (b"test", *key(report))
    try:
        place = cache.entry(cache.cache_directory(), report.members[0].key, parts)
    except (OSError, cache.UnsafeCache):
        place = Path(tempfile.mkdtemp(dir=scratch))
    app = place / "app"
    if not app.is_dir():
        from agentdc.driver.compile import Trust, compile_workflow

        tree = _tree(compile_workflow(report, Trust(), STAND_INS))
        try:
            files.write_tree(app, tree)
        except files.FileProblem:
            if not app.is_dir():  # else somebody else was faster
                app = Path(tempfile.mkdtemp(dir=scratch)) / "app"
                files.write_tree(app, tree)
    return app


def answers(
    app: Path, world: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """What the harness says of every case and trial, in order (see `agentdc_runtime.testing.harness`)."""
    left = list(cases)
    while left:
        owed = [(case["id"], trial) for case in left for trial in range(case["trials"])]
        limits = {case["id"]: case["timeout_secs"] + GRACE for case in left}
        said = ""
        with tempfile.TemporaryFile() as errors:
            for answer in _process(
                app, {**world, "cases": left}, [limits[number] for number, _ in owed], errors
            ):
                owed.pop(0)
                yield answer
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip()
        if not owed:
            return
        number, trial = owed[0]
        why = said.rpartition("\n")[2] or f"no answer within {limits[number]:g} s"
        yield {"id": number, "trial": trial, "load_error": f"the test process ended in this case: {why}"}
        left = [case for case in left if case["id"] > number]


def _process(
    app: Path, suite: Mapping[str, Any], limits: Sequence[float], errors: IO[bytes]
) -> Iterator[dict[str, Any]]:
    """The lines of one harness process; ends early when it dies, or takes longer than a limit for a line."""
    command = [sys.executable, "-I", "-S", str(app)]
    with subprocess.Popen(  # noqa: S603 - our own app
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(suite).encode())
                process.stdin.close()
            for limit in limits:
                watch = Timer(min(limit, TIMEOUT_MAX), process.kill)
                watch.start()
                try:
                    line = process.stdout.readline()
                finally:
                    watch.cancel()
                if not line.endswith(b"\n"):
                    return
                yield json.loads(line)
        finally:
            process.kill()


def _tree(compiled: Compiled) -> dict[str, bytes]:
    """The app's files with the harness linked and started."""
    foreign = compiled.closure.others - sys.stdlib_module_names - {compiled.package, "agentdc_runtime"}
    site = _SITE if foreign else ""
    modules = reachable_modules([f"import {HARNESS}"], module_source).modules
    start = _START.format(site=site, harness=HARNESS, package=compiled.package)
    tree = dict(compiled.files) | {module_path(name): text.encode() for name, text in modules.items()}
    return tree | {"__main__.py": start.encode()}
