"""Cases as files: find them, compare with their goldens, rewrite the goldens, tell goldens that no case uses.

Knows files and texts, and nothing about what the compiler makes of a case. A test module says what its cases are
and what becomes of one:

    CASES = find(ROOT, "*/*.toml")

    @pytest.mark.parametrize("case", CASES, ids=lambda case: case_id(ROOT, case))
    def test_case(case: Path, golden_update: bool) -> None:
        check_golden(case.with_suffix(".diag.txt"), text_of(case), golden_update)

    def test_no_orphans() -> None:
        assert not orphans(ROOT, [*CASES, *(case.with_suffix(".diag.txt") for case in CASES)])

What belongs to a case is computed from its source, never collected while tests run, so that selecting one test or
spreading the tests over processes changes nothing.
"""

from __future__ import annotations

import difflib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

OPTIONS = "# options:"


def find(root: Path, pattern: str) -> list[Path]:
    """The case sources below `root` that match the glob `pattern`, sorted."""
    return sorted(root.glob(pattern))


def case_id(root: Path, case: Path) -> str:
    """How a case is called in a test report: its path below `root`, without a suffix."""
    return case.relative_to(root).with_suffix("").as_posix()


def options(source: str) -> dict[str, Any]:
    """The JSON object of a first line `# options: {…}`; empty when the first line is none."""
    first = source.partition("\n")[0]
    if not first.startswith(OPTIONS):
        return {}
    found = json.loads(first.removeprefix(OPTIONS))
    assert isinstance(found, dict), f"{first}: an object is needed"
    return found


def check_golden(path: Path, text: str, update: bool) -> None:
    """Fails with a diff when the golden differs from `text`; with `update` the golden is rewritten instead."""
    check_golden_bytes(path, text.encode(), update)


def check_golden_bytes(path: Path, data: bytes, update: bool) -> None:
    """As `check_golden`, for a golden that need not be text."""
    if update:
        _write(path, data)
        return
    assert path.exists(), f"{path} is missing; `pytest --golden-update` writes it"
    expected = path.read_bytes()
    assert expected == data, difference(path, expected, data)


def check_tree(root: Path, files: Mapping[str, bytes], update: bool) -> None:
    """Compares a whole golden folder, by relative path with `/`; with `update` the folder is replaced."""
    if update:
        shutil.rmtree(root, ignore_errors=True)
        for name, data in files.items():
            _write(root / name, data)
        return
    for name in sorted(files):
        check_golden_bytes(root / name, files[name], update=False)
    extra = [each.relative_to(root).as_posix() for each in orphans(root, (root / name for name in files))]
    assert not extra, f"expected in {root}, and not made: {extra}"


def orphans(root: Path, used: Iterable[Path]) -> list[Path]:
    """Files below `root` that are not in `used`, sorted: goldens and sources that no case uses."""
    wanted = set(used)
    return sorted(each for each in root.rglob("*") if each.is_file() and each not in wanted)


def difference(path: Path, expected: bytes, data: bytes) -> str:
    """A unified diff from the golden to what was made, with the way to accept it."""
    lines = difflib.unified_diff(
        expected.decode("utf-8", "backslashreplace").splitlines(),
        data.decode("utf-8", "backslashreplace").splitlines(),
        f"{path} (expected)",
        "made now",
        lineterm="",
    )
    shown = list(lines)[:400] or [f"{path}: only line ends differ"]
    return "\n".join([*shown, "right as it is now? `pytest --golden-update` writes it"])


def _write(path: Path, data: bytes) -> None:
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
