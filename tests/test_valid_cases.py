"""Every folder of `tests/cases/valid/` compiles to what is beside it: the program, the app's text, linked modules.

Three goldens, because they change for different reasons: `ir.txt` (meaning), `expected/` (shape of the code),
`link.txt` (size of the product). Left out of `expected/`: the runtime library, the copy of the workflow, the readme,
and the manifest, which is digests of the others.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from compiled import RUNTIME, TESTS, checked_file, compiled_file
from runner import case_id, check_golden, check_tree, find, orphans

from agentdc.ir.pprint import bundle_text

ROOT = TESTS / "cases" / "valid"
CASES = find(ROOT, "*/workflow.toml")
NOT_GOLDEN = {"README.md", "capabilities.json", "manifest.json", "workflow.toml"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case_id(ROOT, case.parent))
def test_case(case: Path, golden_update: bool) -> None:
    app = compiled_file(case)
    check_golden(case.with_name("ir.txt"), bundle_text(app.bundle), golden_update)
    check_golden(
        case.with_name("link.txt"), "".join(f"{each}\n" for each in app.closure.modules), golden_update
    )
    generated = {
        name: data
        for name, data in app.files.items()
        if not name.startswith(RUNTIME) and name.rpartition("/")[2] not in NOT_GOLDEN
    }
    check_tree(case.with_name("expected"), generated, golden_update)


def test_no_golden_without_a_case() -> None:
    folders = [case.parent for case in CASES]
    used = [folder / name for folder in folders for name in ("workflow.toml", "ir.txt", "link.txt")]
    used += [each for folder in folders for each in (folder / "expected").rglob("*")]
    used += [
        case.parent / member.key for case in CASES for member in checked_file(case).members
    ]  # the children
    assert not orphans(ROOT, used)
