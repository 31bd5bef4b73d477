"""`agentdc test`: find, load, compile, run, judge. Nothing is printed; progress is told through a callback."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentdc.check.validate import Options
from agentdc.driver import cassettes, files, test_app
from agentdc.driver.check import Report
from agentdc.driver.test_find import find
from agentdc.driver.test_load import Loaded, Loader
from agentdc.lower.operands import operands
from agentdc.testing import baseline as baselines
from agentdc.testing import cases, errors, results
from agentdc.testing.coverage import Tally
from agentdc.testing.models import Fixture
from agentdc.testing.results import Result, Trial
from agentdc.testing.subject import Subject
from agentdc.testing.suite import Suite

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TestRequest:
    """Which tests to run: `paths` as written, none = those of the working directory.

    `record`: ask the models that no mock scripts, and keep what they answer. `replay`: ask none, and miss none.
    """

    __test__ = False  # not a test itself, whatever its name says to test runners

    paths: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    record: bool = False
    replay: bool = False


@dataclass(slots=True)
class _Group:
    """The tests of one app. `numbers`: their places in the suite."""

    report: Report
    subject: Subject
    numbers: list[int] = field(default_factory=list)


def run_tests(request: TestRequest, on_progress: Progress = lambda _name: None) -> Suite:
    """Run every test that the paths mean. FileProblem when a path cannot be read."""
    began = time.perf_counter()
    on_progress("looking for tests")
    found = find(request.paths)
    loader = Loader(request.options)
    loaded: list[Loaded] = []
    for each in found:
        on_progress(f"loading {len(loaded) + 1}/{len(found)} {each.place}")
        loaded.append(loader.load(each))
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="agentdc-test-") as scratch:
        trials = _run(request, loaded, tally, Path(scratch), on_progress)
    if request.record:
        _keep(loaded, trials)
    told = tuple(_concluded(each, trials.get(number, [])) for number, each in enumerate(loaded))
    return Suite(told, tally.coverage(), time.perf_counter() - began)


def read_baseline(path: str) -> baselines.Baseline:
    """A baseline file. FileProblem when it cannot be read or is none."""
    try:
        return baselines.read(files.read(path, "the baseline").decode("utf-8", "replace"))
    except baselines.BadBaseline as problem:
        raise files.FileProblem(errors.bad_baseline(path, str(problem))) from problem


def _run(
    request: TestRequest, loaded: Sequence[Loaded], tally: Tally, scratch: Path, on_progress: Progress
) -> dict[int, list[dict[str, Any]]]:
    """The harness's answers for every test that can be run, by its place in the suite."""
    answered: dict[int, list[dict[str, Any]]] = {}
    for group in _groups(loaded, tally):
        first = loaded[group.numbers[0]].case
        on_progress(f"compiling {len(answered)}/{len(loaded)} {first.place}")
        app = test_app.app_of(group.report, scratch)
        documents = [_document(request, number, loaded[number], scratch) for number in group.numbers]
        for answer in test_app.answers(app, cases.world(group.subject), documents):
            number = answer["id"]
            answered.setdefault(number, []).append(answer)
            tally.add(group.subject, answer.get("seen", {}))
            on_progress(f"running {len(answered)}/{len(loaded)} {loaded[number].case.place}")
    return answered


def _groups(loaded: Sequence[Loaded], tally: Tally) -> list[_Group]:
    """Tests by what has to be compiled, in the order of their first one."""
    groups: dict[tuple[bytes, ...], _Group] = {}
    for number, each in enumerate(loaded):
        subject = each.case.subject
        if subject is None or each.report is None:
            continue
        tally.expect(subject)
        if not each.case.problem:
            schemas = json.dumps([dict(part.schemas) for part in subject.parts], sort_keys=True)
            key = (*test_app.key(each.report), schemas.encode())
            group = groups.setdefault(key, _Group(each.report, subject))
            group.numbers.append(number)
    return list(groups.values())


def _keep(loaded: Sequence[Loaded], trials: dict[int, list[dict[str, Any]]]) -> None:
    """Write the cassette of every fixture that was recorded."""
    for number, answered in trials.items():
        place = loaded[number].cassette
        for answer in answered:
            if place is not None and answer.get("cassette"):
                cassettes.write(place, answer["cassette"])


def _document(request: TestRequest, number: int, each: Loaded, scratch: Path) -> dict[str, Any]:
    assert each.case.subject is not None
    folder = None
    if each.folder is not None:
        folder = scratch / f"files-{number}"
        try:
            shutil.copytree(each.folder, folder, symlinks=True)
        except (OSError, shutil.Error) as problem:
            raise files.FileProblem(files.unwritable(folder, OSError(str(problem)))) from problem
    policy = operands(each.case.subject.main.workflow, "")["policy"]
    cassette, test = None, each.case.test
    if each.cassette is not None and isinstance(test, Fixture) and cassettes.applies(test, each.case.subject):
        cassette = cassettes.document(each.cassette, record=request.record, replay=request.replay)
    return cases.document(number, each.case, policy, None if folder is None else str(folder), cassette)


def _concluded(each: Loaded, answered: Sequence[dict[str, Any]]) -> Result:
    case = each.case
    if case.problem:
        return Result(case, case.problem)
    problem = next((answer["load_error"] for answer in answered if "load_error" in answer), None)
    trials: list[Trial] = [
        results.judged(case, results.read(answer)) for answer in answered if "load_error" not in answer
    ]
    return results.concluded(case, tuple(trials), problem)
