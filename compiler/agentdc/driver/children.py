"""Reading, decoding and checking a workflow together with the children that it names, each file once.

A child is looked for from the working directory, then beside the workflow that names it. Its own policy, budget,
secrets and servers do not count: those of the main workflow do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from agentdc.check import errors, machine
from agentdc.check.ceilings import answer_limits
from agentdc.check.children import Child, ends_without, pauses, touched, uses
from agentdc.check.ends import results
from agentdc.check.flow import Flow
from agentdc.check.schemas import Schemas, outputs
from agentdc.check.supported import check as unsupported_parts
from agentdc.check.validate import Checked, Options, check, denied, level, level_decoded
from agentdc.diagnostics import Diagnostic, SourceFile
from agentdc.driver.files import reason
from agentdc.driver.lock import Lock
from agentdc.driver.lock import read as read_lock
from agentdc.driver.schemas import load, load_answers, read_all
from agentdc.driver.sources import DISK, Files, Once, find
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import MODELS
from agentdc.nodes.spec import ChildUse
from agentdc.parse.decode import Decoded, decode

DEEPEST = 100  # workflows below one another; a run goes nowhere near as deep


@dataclass(slots=True)
class Member:
    """One workflow file of a family.

    `key`: its name in the app: the main one's base name, a child's path from the main one's folder. `chain`: what
    calls it, the main workflow first. `children`: by file name as written. `checked`: None while it is being
    checked, and when it did not decode. `schemas`: documents of the schema files that routes name, as written;
    `answers`: of those that nodes ask of models; `problems`: what is wrong with those files. `known`: every schema
    that it names. `as_called`: what is wrong with the input that its callers give it; `flows`: what holds in its
    runs, by what each of them gives.
    """

    key: str
    source: SourceFile
    decoded: Decoded
    chain: tuple[str, ...] = ()
    children: dict[str, Child] = field(default_factory=dict)
    checked: Checked | None = None
    unsupported: tuple[Diagnostic, ...] = ()
    recursion: tuple[Diagnostic, ...] = ()
    schemas: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    known: Schemas = field(default_factory=dict)
    as_called: list[Diagnostic] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    options: Options = field(default_factory=Options)

    @property
    def diagnostics(self) -> Iterator[Diagnostic]:
        """Findings about this file; those of a child say who calls it."""
        found = [*self.decoded.diagnostics, *(self.checked.diagnostics if self.checked else ())]
        note = f"called from {' → '.join(self.chain)}" if self.chain else None
        for diagnostic in denied((*found, *self.recursion, *self.problems), self.options):
            yield diagnostic if note is None else replace(diagnostic, notes=(*diagnostic.notes, note))
        yield from self.as_called

    @property
    def failed(self) -> bool:
        """True when the file has an error."""
        return self.decoded.workflow is None or any(each.is_error for each in self.diagnostics)


class Family:
    """A workflow and its children.

    `members`: by real path, in the order in which they are met. `tried`: every path at which a child or a lock was
    looked for. `lock`: of the main workflow, whose servers count in children too. `files`: where all of them come
    from.
    """

    def __init__(self, options: Options, files: Files = DISK) -> None:
        self.lock = Lock("")
        self.members: dict[str, Member] = {}
        self.tried: list[str] = []
        self._options = options
        self.files = Once(files)
        self._open: list[str] = []

    @property
    def main(self) -> Member:
        """The workflow that was asked for."""
        return next(iter(self.members.values()))

    @property
    def below(self) -> Sequence[Member]:
        """The children, in the order in which they are met."""
        return list(self.members.values())[1:]

    def add(self, source: SourceFile, decoded: Decoded, chain: tuple[str, ...] = ()) -> Member:
        """Check one file, its children first."""
        key = self._key(source.name).encode("utf-8", "backslashreplace").decode()  # names need not be UTF-8
        place = self.files.identity(source.name)
        member = self.members[place] = Member(key, source, decoded, chain, options=self._options)
        workflow = decoded.workflow
        if workflow is None:
            return member
        if not chain and workflow.mcp_servers:
            self.lock = read_lock(source.name, self.files)
            self.tried.append(self.lock.path)
        self._open.append(place)
        for index, use in uses(workflow):
            if use.workflow.strip() and use.workflow not in member.children:
                member.children[use.workflow] = self._child(member, workflow, index, use)
        self._open.pop()
        schemas = member.known = read_all(workflow, source.name, self.files)
        enforced = outputs(schemas, agentd_dialect=self._options.agentd_dialect)
        asked = load_answers(workflow, enforced, source.name, decoded.places, self.files)
        member.answers, problems = asked
        if not chain and not self._options.agentd_dialect:  # agentd enforces no schema of a route
            member.schemas, tried, more = load(workflow, schemas, source.name, decoded.places, self.files)
            problems += more
            self.tried += [each for each in tried if each not in self.tried]
        if not chain:
            problems += machine.check(workflow, self._there(workflow), decoded.places)
            problems += self.lock.problems(workflow, decoded.places)
        member.problems = list(level(problems, self._options))
        main = self.main.decoded.workflow
        member.checked = check(
            workflow,
            decoded.places,
            self._options,
            member.children,
            child=key if chain else "",
            answers=None if main is None else answer_limits(main),
            schemas=schemas,
            locked=self.lock.types() if workflow.mcp_servers else None,
        )
        member.unsupported = () if chain else tuple(unsupported_parts(workflow, decoded.places))
        return member

    def _there(self, workflow: Workflow) -> dict[str, bytes]:
        """What the app would read at its start, as far as it can be read here."""
        found = {}
        for _, path in machine.named(workflow):
            try:
                if self.files.is_plain(path):
                    found[path] = self.files.read(path)
            except (OSError, ValueError):
                continue
        return found

    def _child(self, parent: Member, workflow: Workflow, index: int, use: ChildUse) -> Child:
        path = find(self.files, use.workflow, parent.source.name)
        self.tried += [each for each in (use.workflow, path) if each not in self.tried]
        place = self.files.identity(path)
        chain = (*parent.chain, f'{parent.source.name} (node "{workflow.nodes[index].id}")')
        member = self.members.get(place)
        if place in self._open:
            return self._recursive(parent, workflow, index, use, place)
        if member is None and len(chain) > DEEPEST:
            return Child(use.workflow, problem=f"it is more than {DEEPEST} workflows deep")
        if member is None:
            try:
                source = SourceFile(path, self.files.read(path))
            except (OSError, ValueError) as problem:
                return Child(use.workflow, problem=reason(problem))
            decoded = decode(source, MODELS)
            decoded = replace(decoded, diagnostics=level_decoded(decoded.diagnostics, self._options))
            member = self.add(source, decoded, chain)
        return _seen(member)

    def _key(self, path: str) -> str:
        """A name that does not tell where the build was started or where the main workflow lies."""
        if not self.members:
            return PurePosixPath(path).name
        main = Path(self.main.source.name)
        if Path(path).is_absolute() and not main.is_absolute():
            return path
        key = os.path.relpath(path, main.parent)
        outside = key.startswith("..") and main.is_absolute()
        taken = {member.key for member in self.members.values()}
        return path if outside or key in taken else key

    def _recursive(self, parent: Member, workflow: Workflow, index: int, use: ChildUse, place: str) -> Child:
        names = [self.members[each].source.name for each in self._open[self._open.index(place) :]]
        node = workflow.nodes[index]
        start = workflow.start_nodes[0].entry_node if workflow.start_nodes else None
        always = not ends_without(workflow, start or workflow.nodes[0].id, {node.id})
        where = parent.decoded.places.value(("nodes", index, *use.field))
        found = errors.child_recursion([*names, names[0]], where, always=always)
        parent.recursion += level((found,), self._options)
        target = self.members[place]
        starts = target.decoded.workflow.start_nodes if target.decoded.workflow else ()
        return Child(target.key, tuple(each.name for each in starts))


def _seen(member: Member) -> Child:
    """What a checked file tells the workflows that name it."""
    workflow = member.decoded.workflow
    if workflow is None or member.checked is None or member.failed or member.checked.facts is None:
        count = sum(each.is_error for each in member.diagnostics)
        return Child(
            member.key, problem=f"it has {count} error{'s' if count > 1 else ''}, told with it", invalid=True
        )
    starts = tuple(start.name for start in workflow.start_nodes)
    facts = member.checked.facts
    touches = touched(workflow, member.children)
    effects, ceilings = member.checked.effects, member.checked.ceilings
    return Child(
        member.key, starts, results(facts.flow), touches, effects, ceilings, pauses=pauses(facts.flow)
    )
