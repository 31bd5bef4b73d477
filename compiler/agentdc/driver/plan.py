"""`agentdc plan`: a task in words and a base to a workflow, by asking a model; nothing of the plan is ever run.

The model is asked by an app that this module builds: one `llm_infer` node with the backends and secrets of the base.
So a plan is asked for as an app asks, with the same providers, keys and refusals.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic, SourceFile, code, error
from agentdc.driver import files, run
from agentdc.driver.check import check_source
from agentdc.driver.compile import Trust, compile_workflow
from agentdc.planning import catalogue, merge, toml
from agentdc.planning.review import review

MOST_TOKENS = 8192
_PLANNER = {
    "name": "planner",
    "start_nodes": [{"name": "plan", "source": "manual", "entry_node": "plan"}],
    "policy": {},
}


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is asked for. `backend`: who plans; `flags`: of the command line, for `default`. `replans`: repairs."""

    task: str
    base: str
    name: str = "plan.toml"
    backend: str | None = None
    flags: tuple[str, ...] = ()
    replans: int = 2
    timeout_secs: int = 120


@dataclass(frozen=True, slots=True)
class Planned:
    """How it went. `text`: the TOML, None when no attempt can be used; `diagnostics`: of the last one."""

    text: str | None
    review: str = ""
    dropped: tuple[str, ...] = ()
    attempts: int = 0
    diagnostics: tuple[Diagnostic, ...] = ()


def plan(request: PlanRequest, options: Options, progress: Callable[[str], None]) -> Planned:
    """Ask until an answer checks without an error. FileProblem for an unusable base or a model that is silent."""
    base = _base(request.base)
    backend = request.backend or _first(base, request.flags)
    answer = ""
    problems: list[str] = []
    found: tuple[Diagnostic, ...] = ()
    with tempfile.TemporaryDirectory(prefix="agentdc-plan-") as scratch:
        app = _planner(base, backend, Path(scratch))
        for attempt in range(1, request.replans + 2):
            progress(f"asking {backend}, attempt {attempt} of {request.replans + 1}")
            answer = _ask(app, catalogue.prompt(request.task, base, answer, problems), request)
            proposed = merge.read(answer)
            if proposed.problem:
                problems, found = [proposed.problem], ()
                continue
            text = toml.write({**proposed.graph, **merge.rest(base)})
            report = check_source(SourceFile(request.name, text.encode()), options)
            found = tuple(each for each in report.build_diagnostics if each.is_error)
            withheld = _withheld(proposed.graph)
            if not found and not withheld and report.workflow is not None:
                return Planned(text, review(report.workflow), proposed.dropped, attempt)
            problems = withheld + [f"[{each.code.slug}] {each.message}" for each in found]
    last = error(
        code("plan_failed"), f"no plan after {request.replans + 1} attempts: {'; '.join(problems[:3])}"
    )
    return Planned(None, attempts=request.replans + 1, diagnostics=(last, *found))


def _withheld(graph: Mapping[str, Any]) -> list[str]:
    nodes = graph.get("nodes")
    kinds = (
        {each.get("type") for each in nodes if isinstance(each, dict)} if isinstance(nodes, list) else set()
    )
    return [f"nodes of type {kind} are not offered" for kind in sorted(catalogue.WITHHELD & kinds)]


def _base(path: str) -> dict[str, Any]:
    try:
        return tomli.loads(files.read(path, "the base").decode())
    except (tomli.TOMLDecodeError, UnicodeDecodeError, RecursionError) as problem:
        message = f"cannot use the base {path}: it is not TOML: {problem}"
        raise files.FileProblem(error(code("unreadable_file"), message)) from problem


def _first(base: Mapping[str, Any], flags: tuple[str, ...]) -> str:
    """Who plans when nobody is named: the model of the command line, else the first of the base."""
    names = [str(each.get("name")) for each in catalogue.backends(base)]
    if flags or not names:
        return "default"
    return names[0]


def _planner(base: Mapping[str, Any], backend: str, folder: Path) -> Path:
    """The app that asks."""
    node = {
        "id": "plan",
        "type": "llm_infer",
        "backend": backend,
        "prompt": "{{prompt}}",
        "input_from": "trigger",
        "max_tokens": MOST_TOKENS,
    }
    kept = {key: base[key] for key in ("intelligence", "secrets") if key in base}
    text = toml.write({**_PLANNER, "nodes": [node], **kept})
    report = check_source(SourceFile("planner.toml", text.encode()), Options())
    found = [each for each in report.build_diagnostics if each.is_error]
    if found:
        raise files.FileProblem(found[0])
    app = folder / "app"
    files.write_tree(app, compile_workflow(report, Trust()).files)
    return app


def _ask(app: Path, prompt: str, request: PlanRequest) -> str:
    words = (
        "--mode",
        "once",
        "--input",
        "-",
        "--quiet",
        "--timeout-secs",
        str(request.timeout_secs),
        *request.flags,
    )
    done = subprocess.run(  # noqa: S603 - our own app
        run.command(app, words),
        input=json.dumps({"prompt": prompt}).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0].removeprefix("app: ")
        raise files.FileProblem(error(code("plan_failed"), f"the model gave no plan: {said}"))
    return str(json.loads(done.stdout)["final_value"]["content"])
