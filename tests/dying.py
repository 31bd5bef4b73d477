"""Apps run in this process, and what their runs die of: the cause, by the table in `claimed`.

The cause is found from the trace and the declaration of the node's kind alone: neither from the text of the error nor
from what the checker said. A child's error is the error of the child's node.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from answering import Answering
from compiled import write
from typed_inputs import keys_of

from agentdc.codegen.package import Extras, Header, generate, package_name
from agentdc.driver.check import Report
from agentdc.driver.children import Member
from agentdc.driver.compile import lower_family
from agentdc.lower.operands import operands
from agentdc.model.node import NodeModel
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Needs
from agentdc.passes.pipeline import run_passes
from agentdc_runtime.core import drive, drive_async
from agentdc_runtime.core.process import Process
from agentdc_runtime.core.run import MAX_VISITS, Ending, Program, Run, flattened
from agentdc_runtime.errors import AgentError, ToolError, WorkflowError
from agentdc_runtime.jsontext import JsonError, loads
from agentdc_runtime.policy.gate import Gate
from agentdc_runtime.values import MISSING, walk

BY_CLASS = {
    "policy": "policy",
    "intelligence": "model",
    "mcp": "tool server",
    "schema": "model",
    "timeout": "time",
    "capability": "model",
}
BY_KIND = {
    "read_file": "file",
    "write_file": "file",
    "create_dir": "file",
    "read_env": "text",
    "shell_run": "command",
    "map": "count",
    "pause_for_approval": "approval",
}
SECONDS = 20


@dataclass(frozen=True, slots=True)
class Death:
    """A run that ended with an error. `node`: in the workflow file `file`, whose facts are those of `member`.

    `path`: the context path that it is about. `most`: how many items the node takes, if it says so.
    """

    file: str
    node: str
    cause: str
    category: str
    path: str
    shown: str
    member: Member
    most: int = 0


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: the walk of the main workflow, how it ended, what it died of."""

    run: Run
    ending: Ending
    death: Death | None


class App:
    """The app of a report without errors."""

    def __init__(self, report: Report, folder: Path, programs: dict[str, Any], awaits: bool) -> None:
        self._members = {each.source.name: each for each in report.members}
        self._keys = {each.key: each for each in report.members}
        self._models = Answering(keys_of(report))
        self._folder = folder
        self._program: Program = programs["PROGRAM"]
        self._policy = programs["policy"]
        self._walk = drive_async.drive if awaits else drive.drive

    @property
    def starts(self) -> list[str]:
        """The start nodes."""
        return list(self._program.starts)

    def run(self, start: str, value: Any, kind: str = "manual") -> Ran:
        """One run in the app's own folder, which is empty before."""
        runs: list[Run] = []

        class Seen:
            def __init__(self, run: Run, *_: object) -> None:
                runs.append(run)

            def started(self) -> None:
                pass

        process = Process("exec-1-1", gate=Gate(self._policy), journal=Seen)  # type: ignore[arg-type]
        process.models = self._models  # type: ignore[assignment]  # a stand-in
        run = Run(self._program, process, kind, value, deadline=monotonic() + SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        with chdir(self._folder):
            ending = self._walk(run, self._program.starts[start][1])
        if ending.error is None:
            return Ran(run, ending, None)
        return Ran(run, ending, self._death([run, *runs], ending.error, kind))

    def _death(self, runs: list[Run], error: AgentError, kind: str) -> Death:
        place = error.trail[0]
        member = self._members.get(place.file) or self._keys[place.file]
        (died, *_) = [run for run in reversed(runs) if run.node is place]
        outputs = {"trigger": flattened(kind if died.parent is None else "manual", died.input)}
        outputs |= {node.id: output for node, _, output, _ in died.trace}
        assert member.decoded.workflow is not None
        node = next(each for each in member.decoded.workflow.nodes if each.id == place.id)
        cause, path = _cause(node, outputs, died, error)
        most = getattr(node, "max_items", 0)
        return Death(place.file, place.id, cause, error.category, path, error.display, member, most)


def _cause(node: NodeModel, outputs: dict[str, Any], run: Run, error: AgentError) -> tuple[str, str]:
    """(cause, context path that it is about)."""
    if not isinstance(error, ToolError | WorkflowError):
        return BY_CLASS.get(error.category, "no cause that is known"), ""
    if SPECS[node.type].end == "pause":
        return BY_KIND[node.type], ""
    if run.at_edge:
        return ("visits" if run.visits >= MAX_VISITS else "ambiguous edges"), ""
    if isinstance(error, WorkflowError) and run.depth >= 8 and SPECS[node.type].children(node):
        return "too deep", ""
    return cause_in(node, outputs)


def cause_in(node: NodeModel, outputs: dict[str, Any]) -> tuple[str, str]:
    """(cause, context path) of an error inside a node that ran with these outputs."""
    spec = SPECS[node.type]
    texts = []
    for _, field, path in spec.paths_of(node):
        value = walk(outputs, tuple(path.split(".")))
        if value is MISSING and field.missing == "error":
            return ("key not there" if path.split(".")[0] in outputs else "output not there"), path
        if value is not MISSING and not _fits(value, field.needs, nullable=field.missing == "null"):
            return "wrong kind", path
        if field.needs == "string":
            texts.append((path, value))
    for path, value in texts:
        if _wrong_text(node.type, value):
            return "text", path
    if node.type == "http_request":
        return "network", ""
    about = next((path for _, field, path in spec.paths_of(node) if field.needs == "array"), "")
    return BY_KIND.get(node.type, "no cause that is known"), about


def _fits(value: Any, needs: Needs, *, nullable: bool) -> bool:
    if nullable and value is None:
        return True
    match needs:
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "strings":
            return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return True


def _wrong_text(kind: str, value: str) -> bool:
    """Whether the text alone is reason enough for the node to error."""
    if kind == "parse_json":
        try:
            loads(value)
        except JsonError:
            return True
        return False
    if kind == "http_request":
        try:
            return urlsplit(value).scheme.lower() not in {"http", "https"} or not urlsplit(value).hostname
        except ValueError:
            return True
    return kind in {"read_file", "write_file", "create_dir"} and (not value or "\0" in value)


@contextmanager
def app(report: Report, root: Path) -> Iterator[App]:
    """The programs of an app, importable, and their runs in a folder of their own, both below `root`.

    Nothing is linked: the runtime library of this process will do.
    """
    assert report.family is not None
    assert report.workflow is not None
    bundle = run_passes(lower_family(report.family))
    texts = generate(bundle, Header("", "", {member.key: "" for member in report.members}), Extras())
    write({name: text.encode() for name, text in texts.items()}, root / "app")
    package = package_name(report.workflow.name)
    policy = operands(report.workflow, "")["policy"]
    sys.path.insert(0, str(root / "app"))
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(f"{package}.workflow")
        names = {"PROGRAM": module.PROGRAM, "policy": policy}
        yield App(report, root / "work", names, awaits=bundle.awaits)
    finally:
        sys.path.remove(str(root / "app"))
        for name in [each for each in sys.modules if each.partition(".")[0] == package]:
            del sys.modules[name]
