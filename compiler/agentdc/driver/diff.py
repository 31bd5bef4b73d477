"""`agentdc diff`: reads two workflows, builds or revisions, and compares what they may touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentdc.check.capabilities import Statement
from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic, SourceFile, code, error
from agentdc.diffing.compare import Difference, compare
from agentdc.driver import capabilities, files, revisions
from agentdc.driver.children import Family
from agentdc.driver.sources import DISK, Files, Given
from agentdc.nodes.registry import MODELS
from agentdc.parse.decode import decode


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
        if text.startswith(revisions.PREFIX):
            name, path = revisions.split(text)
            revision = revisions.revision(name)
            return _of_source(text, revision.name(path), Given(revision.read))
        if capabilities.is_artefact(text):
            return capabilities.carried(text)
        return _of_source(text, text, DISK)
    except (revisions.NoRevision, capabilities.NoStatement) as problem:
        raise Incomparable([_unusable(text, str(problem))]) from problem
    except (OSError, ValueError) as problem:
        raise Incomparable([_unusable(text, files.reason(problem))]) from problem


def _of_source(text: str, name: str, tree: Files) -> Statement:
    """The statement of a workflow text. Its findings do not matter, as long as its graph is known."""
    source = SourceFile(name, tree.read(name))
    family = Family(Options(), tree)
    family.add(source, decode(source, MODELS))
    try:
        return capabilities.statement_of(family)
    except capabilities.NoStatement as problem:
        told = [each for member in family.members.values() for each in member.diagnostics if each.is_error]
        raise Incomparable([_unusable(text, str(problem)), *told]) from problem


def _unusable(text: str, why: str) -> Diagnostic:
    return error(code("unreadable_file"), f"cannot compare {text}: {why}")
