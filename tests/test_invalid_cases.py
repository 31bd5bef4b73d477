"""Every file of `tests/cases/invalid/<slug>/` gives the diagnostics beside it, and `<slug>` is among them.

Options of a case, in its first line: `# options: {"strict": true, "allow": ["cycle"], "dialect": "agentd",
"required": true, "key_file": "key.pem", "build": true}`. `build` shows what `agentdc build` shows.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from runner import case_id, check_golden, find, options, orphans

from agentdc.check.validate import Options
from agentdc.diagnostics import CODES, Diagnostic, SourceFile
from agentdc.diagnostics.render import text
from agentdc.driver.check import Signing, check_source

ROOT = Path(__file__).parent / "cases" / "invalid"
CASES = find(ROOT, "*/*.toml")
BESIDE = re.compile(r".*\.(sig|pem|pub)\Z")  # signatures and public keys that cases name
KNOWN_OPTIONS = {"allow", "build", "dialect", "key_file", "required", "strict"}


def _golden(case: Path) -> Path:
    return case.with_suffix(".diag.txt")


def _found(case: Path) -> list[Diagnostic]:
    data = case.read_bytes()
    given = options(data.decode("utf-8", "replace"))
    assert given.keys() <= KNOWN_OPTIONS, given
    wanted = Options(
        allow=frozenset(given.get("allow", ())),
        agentd_dialect=given.get("dialect") == "agentd",
        strict=given.get("strict", False),
    )
    signing = Signing(required=given.get("required", False), key_file=given.get("key_file"))
    report = check_source(SourceFile(case.name, data), wanted, signing)
    return report.build_diagnostics if given.get("build") else report.diagnostics


@pytest.mark.parametrize("case", CASES, ids=lambda case: case_id(ROOT, case))
def test_diagnostics(case: Path, golden_update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.parent)  # names in a report are as the user wrote them: relative to where they are
    found = _found(case)
    assert case.parent.name in {each.code.slug for each in found}
    check_golden(_golden(case), text.render(found), golden_update)


def test_every_folder_is_a_code() -> None:
    assert {each.name for each in ROOT.iterdir()} <= CODES.keys()


def test_no_golden_without_a_case() -> None:
    beside = [each for each in ROOT.rglob("*") if BESIDE.match(each.name)]
    assert not orphans(ROOT, [*CASES, *map(_golden, CASES), *beside])
