"""`agentdc mcp`: asks the servers of a workflow what they offer; writes `agentdc.lock`, or says what changed.

The servers are asked by the client that apps have, as a program of its own: what it is told here is what an app is
told. Their commands are run from the working directory, as an app's would be.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic, code, error
from agentdc.driver import files, lock
from agentdc.driver.check import Report, check_source
from agentdc.link.closure import reachable_modules
from agentdc.link.library import module_path, module_source
from agentdc.lower.operands import operands
from agentdc.model.workflow import Workflow
from agentdc.version import VERSION

LISTING = "agentdc_runtime.mcp.listing"
SECONDS = 60  # for the lists of one server, once it has answered
_START = f"from {LISTING} import main\n\nraise SystemExit(main())\n"
_LISTS = ("tools", "resources", "templates")


@dataclass(frozen=True, slots=True)
class Asked:
    """What servers said. `report`: of the workflow. `said`: by server; `problems`: about those that said nothing."""

    report: Report
    said: Mapping[str, Any]
    problems: tuple[Diagnostic, ...] = ()


def ask(workflow: str, options: Options) -> Asked:
    """Ask every declared server; FileProblem when the workflow cannot be read. Nothing is written."""
    report = check_source(files.read_source(workflow), options)
    if report.workflow is None or not report.workflow.mcp_servers:
        return Asked(report, {})
    said = _listed(report.workflow)
    problems = tuple(_silent(name, each["error"]) for name, each in said.items() if "error" in each)
    return Asked(report, said, problems)


def write(workflow: str, asked: Asked) -> tuple[str, list[str]]:
    """Write the lock file; its path, and what changed in it. Servers of other workflows of the folder are kept."""
    before = lock.read(workflow)
    servers = {name: lock.entry(each) for name, each in asked.said.items()}
    kept = {name: each for name, each in before.servers.items() if name not in servers}
    text = lock.text({**kept, **servers})
    files.write_file(Path(before.path), text.encode(), 0o644)
    return before.path, list(changes(before.servers, servers))


def differences(workflow: str, asked: Asked) -> list[str]:
    """What servers say now against what is locked, as lines; FileProblem without a lock that can be used."""
    before = lock.read(workflow)
    if not before.present or before.problem:
        why = FileNotFoundError(2, os.strerror(2)) if not before.present else ValueError(before.problem)
        raise files.FileProblem(files.unreadable(before.path, "the lock file", why))
    return list(changes(before.servers, {name: lock.entry(each) for name, each in asked.said.items()}))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """One line for each difference, with the differing lines of what is described below it."""
    for name in sorted(after):
        if name not in before:
            yield f"+ server {name}: {len(after[name]['tools'])} tools"
            continue
        for kind in _LISTS:
            yield from _list(f"{name}: {kind[:-1]}", before[name].get(kind) or {}, after[name][kind])


def _list(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if name not in before:
            yield f"+ {what} {name}"
        elif name not in after:
            yield f"- {what} {name}"
        elif before[name] != after[name]:
            words = before[name].get("sha256") == after[name].get("sha256")
            yield f"~ {what} {name}{' (its words only)' if words and 'sha256' in after[name] else ''}"
            pair = [
                json.dumps(_described(each), indent=2, sort_keys=True) for each in (before[name], after[name])
            ]
            lines = unified_diff(pair[0].splitlines(), pair[1].splitlines(), lineterm="", n=2)
            yield from (f"    {line}" for line in list(lines)[3:])


def _described(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if not key.endswith("sha256")}


def _listed(workflow: Workflow) -> dict[str, Any]:
    """What the listing program says; a failure of that program itself is a mistake of ours."""
    document = operands(workflow, "", mcp=True)
    given = {
        "mcp_servers": document["mcp_servers"],
        "secrets": document["secrets"],
        "seconds": SECONDS,
        "version": VERSION,
    }
    modules = reachable_modules([f"import {LISTING}"], module_source).modules
    tree = {module_path(name): text.encode() for name, text in modules.items()} | {
        "__main__.py": _START.encode()
    }
    with tempfile.TemporaryDirectory(prefix="agentdc-mcp-") as folder:
        place = Path(folder) / "listing"
        files.write_tree(place, tree)
        command = [sys.executable, "-I", str(place)]
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=json.dumps(given).encode(), stdout=subprocess.PIPE, check=True
        )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _silent(name: str, why: str) -> Diagnostic:
    return error(code("mcp_server_unavailable"), f'the MCP server "{name}" cannot be asked: {why}')
