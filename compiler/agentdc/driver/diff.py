"""`agentdc diff`: reads two workflows, builds or revisions, and compares what they may touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentdc.check.capabilities import Statement
from agentdc.check.facts import Facts
from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic, SourceFile, code, error
from agentdc.diffing.compare import Difference, compare
from agentdc.driver import capabilities, files, revisions
from agentdc.driver.children import Family
from agentdc.driver.sources import DISK, Files, Given, nothing
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import MODELS
from agentdc.parse.decode import decode

CARRIED = "workflow.toml"  # as a build holds it


class Incomparable(Exception):
    """One of the two sides cannot be stated; carries the findings, which say which one."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics[0].message)
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True)
class Compared:
    """Both statements and their differences, the gravest first."""

    old: Statement
    new: Statement
    differences: tuple[Difference, ...]


def diff(old: str, new: str) -> Compared:
    """Compare two versions. Each: a workflow file, a built app, or `git:REV:path`. Incomparable."""
    before, after = statement(old), statement(new)
    return Compared(before, after, tuple(compare(before, after)))


def statement(text: str) -> Statement:
    """What one side may touch; Incomparable when it cannot be told."""
    try:
        if not text.startswith(revisions.PREFIX) and capabilities.is_artefact(text):
            return capabilities.carried(text)
    except capabilities.NoStatement as problem:
        raise Incomparable([_unusable(text, str(problem))]) from problem
    except (OSError, ValueError) as problem:
        raise Incomparable([_unusable(text, files.reason(problem))]) from problem
    family = version(text)
    try:
        return capabilities.statement_of(family)
    except capabilities.NoStatement as problem:
        raise Incomparable([_unusable(text, str(problem)), *_errors(family)]) from problem


def version(text: str) -> Family:
    """A workflow as one side gives it: a file, `git:REV:path`, or a built app, whose children and schemas it lacks.

    Its findings do not matter. Incomparable when there is none to be had.
    """
    try:
        if text.startswith(revisions.PREFIX):
            name, path = revisions.split(text)
            revision = revisions.revision(name)
            return _checked(revision.name(path), Given(revision.read))
        if capabilities.is_artefact(text):
            data = capabilities.member(text, CARRIED)
            return _checked(CARRIED, Given(lambda path: data if path == CARRIED else nothing(path)))
        return _checked(text, DISK)
    except (revisions.NoRevision, capabilities.NoStatement) as problem:
        raise Incomparable([_unusable(text, str(problem))]) from problem
    except (OSError, ValueError) as problem:
        raise Incomparable([_unusable(text, files.reason(problem))]) from problem


def facts_of(text: str) -> tuple[Workflow, Facts]:
    """The workflow of a side, and what holds in its runs; Incomparable when its graph is not known."""
    family = version(text)
    workflow, checked = family.main.decoded.workflow, family.main.checked
    if workflow is None or checked is None or checked.facts is None:
        raise Incomparable([_unusable(text, "it has errors"), *_errors(family)])
    return workflow, checked.facts


def _checked(name: str, tree: Files) -> Family:
    source = SourceFile(name, tree.read(name))
    family = Family(Options(), tree)
    family.add(source, decode(source, MODELS))
    return family


def _errors(family: Family) -> list[Diagnostic]:
    return [each for member in family.members.values() for each in member.diagnostics if each.is_error]


def _unusable(text: str, why: str) -> Diagnostic:
    return error(code("unreadable_file"), f"cannot compare {text}: {why}")
