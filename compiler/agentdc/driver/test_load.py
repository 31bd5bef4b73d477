"""Reading tests with the workflows they are about: each file once, checked as `agentdc check` does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic, SourceFile, in_order
from agentdc.driver import cassettes, files
from agentdc.driver.check import Report, check_source, failed
from agentdc.driver.children import Member
from agentdc.driver.schemas import read
from agentdc.driver.test_find import Found
from agentdc.testing import checks, errors
from agentdc.testing.cases import Case, load_error
from agentdc.testing.decode import decode
from agentdc.testing.models import Fixture, Scenario
from agentdc.testing.subject import Part, Subject

FOLDER = "${SCENARIO_DIR}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A test and the report on its workflow.

    `folder`: whose copy the run takes place in, or None. `cassette`: where answers of models are kept, or None.
    """

    case: Case
    report: Report | None = None
    folder: Path | None = None
    cassette: Path | None = None


@dataclass(slots=True)
class Loader:
    """Reads tests; a workflow that several of them name is checked once."""

    options: Options
    _checked: dict[str, tuple[Report, Subject | None, tuple[Diagnostic, ...]]] = field(default_factory=dict)

    def load(self, found: Found) -> Loaded:
        """One test; what keeps it from running is in its case."""
        try:
            source = SourceFile(str(found.path), files.read(str(found.path), "the test"))
            return self._scenario(found, source) if found.scenario else self._fixture(found, source)
        except files.FileProblem as problem:
            told = (problem.diagnostic,)
            return Loaded(Case(found.place, None, told, load_error(told), scenario=found.scenario))

    def _fixture(self, found: Found, source: SourceFile) -> Loaded:
        decoded = decode(source, Fixture, "the fixture", checks.FIXTURE)
        test = decoded.value
        case = Case(found.place, test, decoded.diagnostics, load_error(decoded.diagnostics))
        if test is None:
            return Loaded(case)
        folder = None
        if test.files is not None:
            folder = found.path.parent / test.files
            if not folder.is_dir():
                where = decoded.places.value(("files",))
                message = f'"files" must be a folder: there is none at {folder.as_posix()}'
                return Loaded(_refused(case, (errors.rule(checks.FIXTURE, message, where),)))
        report, subject, told = self._workflow(_beside(found.path, test.workflow))
        if subject is None:
            return Loaded(_refused(case, told))
        own = tuple(in_order(checks.fixture(test, decoded.places, subject)))
        tested = replace(_refused(case, own), subject=subject)
        return Loaded(tested, report, folder, found.path.parent / cassettes.NAME)

    def _scenario(self, found: Found, source: SourceFile) -> Loaded:
        decoded = decode(source, Scenario, "the scenario", checks.SCENARIO)
        test = decoded.value
        own = decoded.diagnostics if test is None else tuple(checks.alone(test, decoded.places))
        case = Case(found.place, test, own, load_error(own), scenario=True)
        if test is None or failed(own):
            return Loaded(case)
        if test.workflow.inline is not None:
            folder = found.path.parent.resolve().as_posix()
            text = test.workflow.inline.replace(FOLDER, folder)
            workflow = SourceFile(f"{found.path.as_posix()} (workflow.inline)", text.encode())
        else:
            workflow = _beside(found.path, str(test.workflow.path))
        report, subject, told = self._workflow(workflow)
        if subject is None:
            return Loaded(_refused(case, told))
        own = tuple(in_order(checks.scenario(test, decoded.places, subject)))
        return Loaded(replace(_refused(case, own), subject=subject), report)

    def _workflow(self, source: SourceFile) -> tuple[Report, Subject | None, tuple[Diagnostic, ...]]:
        """The report, the subject when it can be run, and the errors otherwise."""
        if source.name not in self._checked:
            # What it may touch is said by the test, not by the workflow's policy; the gate is asked in the run.
            options = replace(self.options, allow=self.options.allow | {"policy_denied"})
            report = check_source(source, options)
            found = list(report.diagnostics)
            subject = None
            if not failed(found):
                subject, more = _subject(report)
                found += more
            told = tuple(each for each in found if each.is_error)
            self._checked[source.name] = report, None if told else subject, told
        return self._checked[source.name]


def _refused(case: Case, found: tuple[Diagnostic, ...]) -> Case:
    return replace(case, diagnostics=(*case.diagnostics, *found), problem=case.problem or load_error(found))


def _beside(test: Path, workflow: str) -> SourceFile:
    """A workflow file as seen from a test; `a/../b` is told as `b`."""
    path = Path(workflow)
    if not path.is_absolute():
        path = _joined(test.parent, path)
    return files.read_source(path.as_posix())


def _joined(folder: Path, path: Path) -> Path:
    """`folder/path` without the folders that `..` takes back, as long as no link is among them."""
    plain = folder / path
    while path.parts[:1] == ("..",) and folder.name not in {"", ".."} and not folder.is_symlink():
        folder, path = folder.parent, Path(*path.parts[1:])
    return folder / path if (folder / path).exists() else plain


def _subject(report: Report) -> tuple[Subject, list[Diagnostic]]:
    """What tests see of a checked workflow, and what keeps it from running."""
    found: list[Diagnostic] = []
    parts = [_part(member, found) for member in report.members]
    return Subject(tuple(parts)), found


def _part(member: Member, found: list[Diagnostic]) -> Part:
    workflow, checked = member.decoded.workflow, member.checked
    assert workflow is not None
    assert checked is not None
    assert checked.facts is not None
    part = Part(
        member.key,
        member.source.name,
        sha256(member.source.data).hexdigest(),
        workflow,
        member.decoded.places,
        checked.facts,
    )
    return replace(part, schemas=dict(_schemas(part, member, found)))


def _schemas(part: Part, member: Member, found: list[Diagnostic]) -> Iterator[tuple[str, Any]]:
    """The `output_schema`s of a workflow; one that looks like a path must be readable."""
    for index, node in enumerate(part.workflow.nodes):
        name: str | None = getattr(node, "output_schema", None)
        schema, document = (None, None) if name is None else read(name, member.source.name)
        if name is None or schema is None:
            continue
        where = part.places.value(("nodes", index, "output_schema"))
        if schema.unreadable:
            found.append(errors.schema_unreadable(name, schema.unreadable, where))
        elif schema.invalid:
            found.append(errors.schema_invalid(name, schema.invalid, where))
        else:
            yield name, document
