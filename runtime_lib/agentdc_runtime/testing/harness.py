"""Runs the test cases of one app in one process (spec 01 §10). Links `json`, and what the app itself links.

Standard input holds one document: the world (`backends`, `servers`) and `cases`. Standard output gets one
JSON object per case and trial, in order, as soon as it is known:

    {"id", "trial", "load_error"}                                          the case cannot be run at all
    {"id", "trial", "status", "reason", "error", "last_node", "path", "seconds", "counters", "tail", "trail", "seen",
     "unused"}                                                             how the run went

What is expected of a run is not known here. Whatever a node writes to standard output goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from time import monotonic

from agentdc_runtime.core.process import Process
from agentdc_runtime.core.report import counters
from agentdc_runtime.core.run import Run
from agentdc_runtime.errors import AgentError
from agentdc_runtime.jsontext import compact, loads
from agentdc_runtime.testing.mocks import KEPT, Mocks, Servers
from agentdc_runtime.testing.scripted import Player, Recorder, Scripted
from agentdc_runtime.testing.watch import Seen, visited

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from agentdc_runtime.core.run import Ending
    from agentdc_runtime.host.app import App

    Json: TypeAlias = Any

TAIL = 5  # trace entries that a result shows
SHOWN = 200  # characters of an output


def main(package: str) -> int:
    """Run every case of standard input against the app in `package`; the exit status."""
    answers = os.dup(1)
    os.dup2(2, 1)
    suite = json.loads(sys.stdin.buffer.read())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    app: App = import_module(f"{package}.main").APP
    before, folder = dict(os.environ), os.getcwd()
    for case in suite["cases"]:
        os.environ.update(case["env"])
        try:
            os.chdir(case["folder"] or folder)
            for trial in range(case["trials"]):
                answer = {"id": case["id"], "trial": trial, **attempt(app, suite, case, trial)}
                _write(answers, json.dumps(answer).encode() + b"\n")
        finally:
            os.chdir(folder)
            for name in case["env"]:
                os.environ.pop(name)
                if name in before:
                    os.environ[name] = before[name]
    return 0


def attempt(app: App, suite: Json, case: Json, trial: int) -> dict[str, Json]:
    """One trial of one case: a process and a run of its own."""
    seen = Seen()
    mocks = Mocks(suite, case["mocks"], trial)
    started = app.program.starts.get(case["start"])
    if started is None:
        return {"load_error": f"the workflow has no start node `{case['start']}`"}
    try:
        process = _process(app, case, seen)
        process.kept[KEPT] = mocks
        models = _models(app, process, case, mocks)
        process.models = models
        if app.mcp is not None:
            process.kept["mcp"] = Servers(mocks)
        trigger = case["trigger"]
        run = Run(
            app.program,
            process,
            trigger["kind"],
            trigger["payload"],
            deadline=monotonic() + case["timeout_secs"],
            dry_run=case["dry_run"],
        )
        began = monotonic()
        ending = app.drive(run, started[1])
    except AgentError as problem:  # before the walk: a policy or a secret that cannot be used
        return {"load_error": problem.display}
    seconds = monotonic() - began
    process.count(counters(ending, run))
    seen.add(run, ending)
    told = {"seconds": seconds, "seen": seen.by_file(), "unused": mocks.unused()}
    if isinstance(models, Recorder):
        told["cassette"] = models.entries
    return {**_ended(run, ending), **told}


def _keys(settings: list[Json]) -> list[str]:
    return [each["api_key_env"] for each in settings if each.get("api_key_env")]


class _Options:
    """What the command line of an app would say of models."""

    def __init__(self, case: Json) -> None:
        self.timeout_secs = case["timeout_secs"]
        self.intel_unix = os.environ.get("AGENTD_INTEL_UNIX") or None
        self.intel_http = os.environ.get("AGENTD_INTEL_HTTP") or None
        self.intel_http_bearer_file = os.environ.get("AGENTD_INTEL_HTTP_BEARER_FILE") or None


def _models(app: App, process: Process, case: Json, mocks: Mocks) -> Any:
    """Who answers for models: the script, a cassette, the models themselves to be recorded, or nobody."""
    if mocks.scripted:
        return Scripted(mocks)
    if case["cassette"] is None or app.models is None:
        return None
    operands = loads(app.read_data("operands.json").decode())
    settings = operands.get("models") or []
    if (
        process.secrets is not None
    ):  # what is known is left out of cassettes, and of the keys of their answers
        for name in (*(each["name"] for each in operands["secrets"]), *_keys(settings)):
            process.secrets.at_once(name)
    real = app.models(settings, _Options(case), process)  # type: ignore[arg-type]  # the part that they read
    if case["cassette"]["record"]:
        real.begin(settings)
        return Recorder(real, process)
    return Player(real, process, case["cassette"]["entries"])


def _process(app: App, case: Json, seen: Seen) -> Process:
    """What the runs of one case share: the policy that the case is under, no budget, no log."""
    secrets = None
    if app.secrets is not None:
        declared = loads(app.read_data("operands.json").decode())["secrets"]
        secrets = app.secrets(declared, os.environ, _untold)
    gate = None if app.gate is None else app.gate(case["policy"])
    journal: Any = seen.watch
    return Process("test", gate=gate, secrets=secrets, journal=journal)


def _untold(_level: int, _event: str, _fields: Any) -> None:
    """Tests write no audit log."""


def _ended(run: Run, ending: Ending) -> dict[str, Json]:
    error = ending.error
    return {
        "status": ending.status,
        "reason": ending.reason if ending.status == "failed" else None,
        "error": None if error is None else error.display,
        "last_node": ending.last_node,
        "path": [node.id for node in visited(run, ending)],
        "counters": run.process.counters,
        "tail": [
            {"node": node.id, "kind": node.kind, "branch": branch, "output": _shown(output)}
            for node, branch, output, _ in run.trace[-TAIL:]
        ],
        "trail": []
        if error is None
        else [[each.file, each.line, each.id, each.kind] for each in error.trail],
    }


def _shown(output: Json) -> str:
    text = compact(output)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
