"""Every `tests/false_green/<name>/` is wrong in a way that stands in its files, and a green check must not hide it.

`truth.txt` beside each `workflow.toml` says what the check must report, one line each: `code <slug> <error|warning>`.
`green <cause>: <why>` says that the fault is of a kind that no check excludes; `<cause>` is one of `claimed.LEFT`.
Whatever has no error is compiled and run with generated inputs of the types that the file declares. A run that dies
must die of something that the check did not exclude.
"""

from __future__ import annotations

import re
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from claimed import EXCLUDED, LEFT
from compiled import TESTS
from dying import App, Death, app
from excuses import left_of, lie_of
from runner import case_id, find, orphans
from typed_values import drawn, values

from agentdc.check.starts import inputs
from agentdc.check.validate import Options
from agentdc.diagnostics import CODES, SourceFile
from agentdc.driver.check import Report, check_source
from agentdc.driver.schemas import read, read_all
from agentdc.nodes.registry import SPECS
from agentdc.testing.schemas import violation

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

ROOT = TESTS / "false_green"
CASES = find(ROOT, "*/workflow.toml")
PRINCIPAL = {"kind": "anonymous", "name": ""}
EXAMPLES = 30


@dataclass(frozen=True, slots=True)
class Truth:
    """What a case says of itself. `codes`: (slug, level); `green`: a cause that is left to the run, or empty."""

    codes: tuple[tuple[str, str], ...]
    green: str
    xfail: str = ""


def truth(case: Path) -> Truth:
    codes: list[tuple[str, str]] = []
    green = xfail = ""
    for line in case.with_name("truth.txt").read_text("utf-8").splitlines():
        if found := re.fullmatch(r"code (\w+) (error|warning)", line):
            codes.append((found[1], found[2]))
        elif line.startswith("xfail: "):
            xfail = line.removeprefix("xfail: ")
        else:
            said = re.fullmatch(r"green ([\w ]+): .{10,}", line)
            assert said, f"{case_id(ROOT, case)}: cannot read {line!r}"
            green = said[1]
            assert green in {each.cause for each in LEFT}, line
    assert bool(codes) != bool(green), "either codes or green"
    missing = sorted({slug for slug, _ in codes} - CODES.keys())
    return Truth(tuple(codes), green, xfail or (f"no code {', '.join(missing)} yet" if missing else ""))


def cases() -> list[ParameterSet]:
    """The cases; one that is known to be wrong still is expected to fail, and strictly so."""
    marks = [(case, truth(case).xfail) for case in CASES]
    return [
        pytest.param(case, marks=[pytest.mark.xfail(reason=why)] if why else [], id=case.parent.name)
        for case, why in marks
    ]


@pytest.mark.parametrize("case", cases())
def test_no_green_check_lies(case: Path, tmp_path: Path) -> None:
    said = truth(case)
    report, deaths = lived(case, tmp_path, Options())
    found = {(each.code.slug, each.severity.value) for each in report.diagnostics}
    assert set(said.codes) <= found, f"check says {sorted(found)}"
    assert not (said.green and any(each.is_error for each in report.diagnostics)), "told: correct truth.txt"
    assert not [lie for each in deaths or () if (lie := lie_of(each, report))]
    if said.green and deaths is not None:
        died = {left_of(each, report) for each in deaths}
        assert said.green in died, f"truth.txt says {said.green}, and runs die of {died}"


@pytest.mark.parametrize(
    "name", ["branch_sets_it", "text_is_not_json", "two_edges_at_once", "child_gets_a_number"]
)
def test_a_lie_is_noticed(name: str, tmp_path: Path) -> None:
    """With its errors taken for warnings, a check is one that lies."""
    case = ROOT / name / "workflow.toml"
    slugs = frozenset(slug for slug, level in truth(case).codes if level == "error")
    report, deaths = lived(case, tmp_path, Options(allow=slugs))
    assert deaths
    assert [lie for each in deaths if (lie := lie_of(each, report))]


def lived(case: Path, folder: Path, options: Options) -> tuple[Report, list[Death] | None]:
    """What check says of a case, and what its runs die of; None for one that cannot be built."""
    with chdir(case.parent):
        report = check_source(SourceFile(case.name, case.read_bytes()), options)
        if any(each.is_error for each in report.build_diagnostics):
            return report, None
        with app(report, folder) as built:
            return report, list(_tried(built, report).values())


def _tried(built: App, report: Report) -> dict[tuple[str, str, str], Death]:
    """What runs of all starts die of, one of each kind."""
    deaths: dict[tuple[str, str, str], Death] = {}
    workflow = report.workflow
    assert workflow is not None
    known = {name: each.type for name, each in read_all(workflow, report.source.name).items()}
    for start, given_to in inputs(workflow, known).items():
        ways = _leads(report, start)
        for value in drawn(values(given_to.raw, _keys(report)), EXAMPLES):
            way = next((each for each in ways if each.lets_in(value)), None)
            if way is None:
                continue
            ran = built.run(start, value, way.kind)
            if ran.death is not None:
                deaths.setdefault((ran.death.file, ran.death.node, ran.death.cause), ran.death)
    return deaths


@dataclass(frozen=True, slots=True)
class Way:
    """What leads to a start: the kind of its runs, and the schema that a route enforces, or None."""

    kind: str
    schema: Any = None

    def lets_in(self, value: Any) -> bool:
        if self.schema is None:
            return True
        body = (
            {key: each for key, each in value.items() if key != "principal"}
            if isinstance(value, dict)
            else value
        )
        return violation(self.schema, body) is None


def _leads(report: Report, start: str) -> list[Way]:
    workflow = report.workflow
    assert workflow is not None
    found = []
    for route in workflow.http_routes:
        if route.start_node == start:
            schema = None if route.input_schema is None else read(route.input_schema, report.source.name)[1]
            found.append(Way("http", schema))
    others = any(each.start_node == start for each in workflow.triggers)
    by_hand = next(each for each in workflow.start_nodes if each.name == start).source == "manual"
    return [*found, Way("manual")] if others or by_hand or not found else found


def _keys(report: Report) -> list[str]:
    """Keys that some path of the workflow names."""
    assert report.workflow is not None
    paths = [path for node in report.workflow.nodes for _, _, path in SPECS[node.type].paths_of(node)]
    return sorted({part for path in paths for part in path.split(".")[1:]} - {"principal"})[:6] or ["a"]


def test_there_are_enough_cases_and_no_strangers() -> None:
    assert len(CASES) >= 60
    used = [
        each for case in CASES for each in case.parent.rglob("*") if each.suffix in {".toml", ".txt", ".json"}
    ]
    assert not orphans(ROOT, used)


def test_every_way_to_be_excluded_has_a_case() -> None:
    slugs = {slug for case in CASES for slug, _ in truth(case).codes}
    for row in EXCLUDED:
        assert slugs & {*row.errors}, row
