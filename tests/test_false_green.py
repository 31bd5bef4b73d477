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

import pytest
from claimed import EXCLUDED, LEFT
from compiled import TESTS
from dying import App, Death, app
from excuses import left_of, lie_of
from runner import case_id, find, orphans
from typed_inputs import beginnings

from agentdc.check.validate import Options
from agentdc.diagnostics import CODES, SourceFile
from agentdc.driver.check import Report, check_source

ROOT = TESTS / "false_green"
CASES = find(ROOT, "*/workflow.toml")
EXAMPLES = 30


@dataclass(frozen=True, slots=True)
class Truth:
    """What a case says of itself. `codes`: (slug, level); `green`: a cause that is left to the run, or empty."""

    codes: tuple[tuple[str, str], ...]
    green: str


def truth(case: Path) -> Truth:
    codes: list[tuple[str, str]] = []
    green = ""
    for line in case.with_name("truth.txt").read_text("utf-8").splitlines():
        if found := re.fullmatch(r"code (\w+) (error|warning)", line):
            codes.append((found[1], found[2]))
        else:
            said = re.fullmatch(r"green ([\w ]+): .{10,}", line)
            assert said, f"{case_id(ROOT, case)}: cannot read {line!r}"
            green = said[1]
            assert green in {each.cause for each in LEFT}, line
    assert bool(codes) != bool(green), "either codes or green"
    assert {slug for slug, _ in codes} <= CODES.keys()
    return Truth(tuple(codes), green)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.parent.name)
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
    for start, kind, value in beginnings(report, EXAMPLES):
        death = built.run(start, value, kind).death
        if death is not None:
            deaths.setdefault((death.file, death.node, death.cause), death)
    return deaths


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


def test_the_page_says_the_same() -> None:
    """The tables of docs/check.md and those of `claimed`."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (TESTS.parent / "docs" / "check.md").read_text("utf-8").splitlines()
        if line.startswith("| ")
    ]
    told = {row[0]: tuple(re.findall(r"`(\w+)`", cell) for cell in row[2:]) for row in rows if len(row) == 5}
    left = {row[0]: re.findall(r"`(\w+)`", row[1]) for row in rows if len(row) == 3}
    for each in EXCLUDED:
        assert told[each.cause] == (list(each.classes), list(each.errors), list(each.warnings))
    for other in LEFT:
        assert left[other.cause] == list(other.classes)
    assert len([row for row in rows if len(row) == 5]) == len(EXCLUDED) + 1
