"""The pages of `agentdc explain`: every code has one, and its examples are what they say they are."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from agentdc.check.validate import Options
from agentdc.diagnostics import CODES, Diagnostic, SourceFile
from agentdc.diagnostics.explanation import explanation
from agentdc.diagnostics.render import text
from agentdc.driver.check import check_source

EXAMPLE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
UNKNOWN = Options(explain_unknown=True)
# What the page says one has to ask for.
OPTIONS = {
    "extension": Options(agentd_dialect=True),
    **dict.fromkeys(("undecided_effect", "undecided_path", "unbounded_ceiling"), UNKNOWN),
}

# Pages whose wrong example is commands: the finding needs more than a text, which TOML examples could not show.
COMMANDS = {
    *("not_utf8", "signature_malformed", "signature_mismatch", "signature_no_pin", "signing_not_declared"),
    *("not_pure_python", "freeze_no_shared_python", "freeze_no_binutils", "freeze_failed"),
    *("freeze_does_not_start", "internal", "unreadable_file", "output_exists", "output_unwritable"),
    *(
        "unknown_code",
        "bad_certificate",
        "file_not_signed",
        "child_invalid",
        "nested_too_deep",
        "pause_in_child",
    ),
    *("fixture_invalid", "scenario_invalid", "impossible_mock", "unused_mock"),
    *("impossible_expectation", "baseline_invalid", "mcp_server_unavailable"),
    *("unknown_mcp_tool", "unlocked_mcp_server", "mcp_lock_invalid"),
    *("tool_arguments_rejected", "tool_arguments_doubtful"),
    *("mock_address", "mock_script_invalid", "cassette_invalid", "plan_failed"),
}


def _parts(slug: str) -> tuple[str, str, str]:
    """What it means, what is wrong, what is right."""
    meaning, _, rest = explanation(CODES[slug]).partition("\n## Wrong\n")
    wrong, _, right = rest.partition("\n## Right\n")
    return meaning, wrong, right


def _example(part: str, language: str) -> str | None:
    found = [each["text"] for each in EXAMPLE.finditer(part) if each["language"] == language]
    assert len(found) <= 1
    return found[0] if found else None


def _found(slug: str, example: str) -> list[Diagnostic]:
    source = SourceFile("workflow.toml", example.encode())
    return check_source(source, OPTIONS.get(slug, Options())).build_diagnostics


@pytest.mark.parametrize("slug", CODES)
def test_page(slug: str) -> None:
    meaning, wrong, right = _parts(slug)
    assert (
        len(meaning.split()) > 10
        and (meaning[0].isupper() or meaning[0] == "`")
        and meaning.rstrip().endswith(".")
    )
    for part in (wrong, right):
        assert _example(part, "toml") or _example(part, "console")
        assert len(EXAMPLE.findall(part)) == 1
    assert all(len(line) <= 100 for line in explanation(CODES[slug]).splitlines())


@pytest.mark.parametrize("slug", CODES)
def test_wrong_example_gives_the_code(slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where no signature and no key lies
    example = _example(_parts(slug)[1], "toml")
    assert (example is None) == (slug in COMMANDS)
    if example is not None:
        assert slug in {each.code.slug for each in _found(slug, example)}


@pytest.mark.parametrize("slug", CODES)
def test_right_example_is_right(slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example = _example(_parts(slug)[2], "toml")
    if example is not None:
        found = _found(slug, example)
        lacking = {"unsupported_feature", "child_unreadable"} - {slug}  # only this one file is there
        errors = [each for each in found if each.is_error and each.code.slug not in lacking]
        assert not errors and slug not in {each.code.slug for each in found}, text.render(found)


def test_no_page_without_a_code() -> None:
    pages = {page.name for page in files("agentdc.diagnostics").joinpath("explain").iterdir()}
    assert pages == {f"{slug}.md" for slug in CODES}


def test_policy_page_shows_every_section() -> None:
    right = _parts("policy_absent")[2]
    for section in ("fs", "env", "http", "shell", "mcp"):
        assert f"[policy.{section}]" in right
