"""What the checker says of `[logging]`; of a level it must doubt what the app doubts at its start (spec 03 §2.2)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import GREET, app, make
from compiled import checked

from agentdc.check import logs
from agentdc.check.validate import Options
from agentdc_runtime.observe import log
from agentdc_runtime.observe.level import WORDS, parse


def found(text: str, **options: bool) -> list[tuple[str, bool]]:
    report = checked(f"{GREET}\n[logging]\n{text}\n", options=Options(**options))  # type: ignore[arg-type]
    return [(each.code.slug, each.is_error) for each in report.diagnostics]


SOUND = ["", " ", ",", "warn", "WARN", "5", "0", "agentd::audit=info,warn", "agentd", "agentd::audit::x"]
SOUND += ["agentd::triggers", "=info", "agentd::audit=", "a=info,b=debug", " warn , agentd::audit = info "]
DOUBTFUL = [
    "verbose",
    "warning",
    "6",
    "info,verbose",
    "agentd::audit=loud",
    "agentd[run]=info",
    "a[b,c]=info",
]
DOUBTFUL += ["agentd::runner", "loud=loud,verbose", "verbose,chatty", "-1", "warn;info", "[x{y=1,z=2}]"]


@pytest.mark.parametrize("text", SOUND + DOUBTFUL)
def test_check_and_app_doubt_the_same(text: str) -> None:
    doubted = [part for part, _, _ in logs.doubtful(text)]
    told = parse(text)[1]
    assert len(doubted) == len(told)
    assert all(f"`{part}`" in line for part, line in zip(doubted, told, strict=True))
    assert bool(doubted) == (text in DOUBTFUL)


def test_names_are_those_of_the_app() -> None:
    assert set(logs.LEVELS) == set(WORDS)
    assert set(logs.TARGETS) == {log.AUDIT, log.RUNNER, log.HTTP}


def test_what_silences_the_log_is_an_error() -> None:
    assert found('level = "verbose"') == [("unknown_log_level", True)]
    assert found('level = "warn,verbose"') == [("unknown_log_level", False)]
    assert found('level = "verbose"', agentd_dialect=True) == [("unknown_log_level", False)]
    assert found('level = "verbose"\nenabled = false') == []


def test_an_audit_file_that_nobody_named() -> None:
    assert found("[logging.audit]") == [("default_audit_file", False)]
    assert found("enabled = false\n[logging.audit]") == []
    default = "file:/var/log/agent/audit.jsonl"
    for target in ("stderr", "file:audit.log", default):  # who writes it down has chosen it
        assert found(f"[logging.audit]\ntarget = {json.dumps(target)}") == []


def test_the_app_goes_where_the_warning_says(tmp_path: Path) -> None:
    """Below /proc nobody can make a folder: the file of the default is opened at the start, or the start refused."""
    built = make(f"{GREET}\n[logging.audit]\n", tmp_path / "built")
    operands = next(built.glob("*/operands.json"))
    text = operands.read_text()
    assert "file:/var/log/agent/audit.jsonl" in text
    operands.write_text(text.replace("/var/log/agent", "/proc/agent"))
    done = app(built, cwd=tmp_path)
    assert done.returncode == 5
    assert "/proc/agent/audit.jsonl" in done.stderr
