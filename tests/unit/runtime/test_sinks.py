"""Sinks and installation: targets, files, rotation, precedence (spec 03 §1.4, §2.1)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.observe.install import install
from agentdc_runtime.observe.log import AUDIT, DEBUG, ERROR, INFO, RUNNER, WARN
from agentdc_runtime.observe.sinks import File, SinkError
from agentdc_runtime.observe.target import parse

NOON = 1_769_860_800.0  # 2026-01-31T12:00:00Z


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("stderr", ("stderr", "")),
        ("STDOUT", ("stdout", "")),
        (" StdErr ", ("stderr", "")),
        ("file:a/b.log", ("file", "a/b.log")),
        ("file:  /a b ", ("file", "/a b")),
        ("file:", None),
        ("file:  ", None),
        ("file:a\0b", None),
        ("FILE:a", None),
        ("a.log", None),
        ("", None),
    ],
)
def test_targets(text: str, parsed: tuple[str, str] | None) -> None:
    assert parse(text) == parsed


def test_a_file_is_opened_at_once_with_its_parents_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "app.log"
    File(str(path), "never", NOON).close()
    assert path.read_bytes() == b""
    path.write_bytes(b"before\n")
    sink = File(str(path), "never", NOON)
    assert sink.write(b"after\n", NOON) is None
    assert path.read_bytes() == b"before\nafter\n"


def test_a_relative_file_stays_where_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sink = File("app.log", "never", NOON)
    (tmp_path / "app.log").unlink()
    monkeypatch.chdir("/")
    assert sink.write(b"x\n", NOON) is None
    assert (tmp_path / "app.log").read_bytes() == b"x\n"


@pytest.mark.parametrize("replaced", [False, True])
def test_a_moved_file_is_opened_again(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "app.log"
    sink = File(str(path), "never", NOON)
    sink.write(b"1\n", NOON)
    path.rename(tmp_path / "app.log.1")
    if replaced:
        path.touch()
    sink.write(b"2\n", NOON)
    assert (tmp_path / "app.log.1").read_bytes() == b"1\n"
    assert path.read_bytes() == b"2\n"


@pytest.mark.parametrize(
    ("rotation", "first", "second", "later"),
    [
        ("daily", "app.log.2026-01-31", "app.log.2026-02-01", NOON + 12 * 3600),
        ("hourly", "app.log.2026-01-31-12", "app.log.2026-01-31-13", NOON + 3600),
        ("minutely", "app.log.2026-01-31-12-00", "app.log.2026-01-31-12-01", NOON + 60),
    ],
)
def test_rotation_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rotation: str, first: str, second: str, later: float
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    sink = File(str(tmp_path / "app.log"), rotation, NOON)
    sink.write(b"1\n", NOON)
    sink.write(b"2\n", later - 0.001)
    sink.write(b"3\n", later)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {first: b"1\n2\n", second: b"3\n"}


def test_when_the_next_period_cannot_begin_the_last_file_takes_the_lines(tmp_path: Path) -> None:
    sink = File(str(tmp_path / "app.log"), "minutely", NOON)
    (tmp_path / "app.log.2026-01-31-12-01").mkdir()
    assert sink.write(b"late\n", NOON + 60) is None
    assert (tmp_path / "app.log.2026-01-31-12-00").read_bytes() == b"late\n"


@pytest.mark.parametrize("path", ["logs/", "..", "."])
def test_rotation_needs_a_file_name(path: str) -> None:
    with pytest.raises(SinkError, match="no file name"):
        File(path, "daily", NOON)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    for path in (str(tmp_path), str(tmp_path / "plain" / "x.log")):
        with pytest.raises(ConfigError) as caught:
            File(path, "never", NOON)
        assert caught.value.display.startswith(f"configuration error: cannot open log file {path}: ")


def test_a_line_that_cannot_be_written_is_returned_not_raised() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    sink = File("/dev/full", "never", NOON)
    assert isinstance(sink.write(b"x\n", NOON), OSError)
    log = install({"target": "file:/dev/full"}, program="app")
    log.emit(ERROR, RUNNER, "e", {})


def run(script: str, *, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **(environ or {})},
    )


EMIT = (
    "from agentdc_runtime.observe.install import install\nlog = install(SETTINGS, program='app'OVERRIDES)\n"
)


def script_of(settings: str, overrides: str) -> str:
    return EMIT.replace("SETTINGS", settings).replace("OVERRIDES", overrides)


EVENTS = "log.emit(2, 'agentd::audit', 'seen', {})\nlog.emit(3, 'agentd::audit', 'hidden', {})\n"


@pytest.mark.parametrize(
    ("settings", "overrides", "out", "err"),
    [
        ("None", "", [], ["seen"]),
        ("{}", "", [], ["seen"]),
        ("{'target': 'stdout'}", "", ["seen"], []),
        ("{'target': 'stdout'}", ", target='stderr'", [], ["seen"]),
        ("{'level': 'info'}", "", [], ["seen", "hidden"]),
        ("{'level': 'info'}", ", level='off'", [], []),
        ("{'level': 'off'}", ", level='info'", [], ["seen", "hidden"]),
        ("{'enabled': False, 'level': 'info'}", ", level='trace'", [], []),
        ("{'level': 'info'}", ", quiet=True", [], []),
        ("{'level': 'info'}", ", quiet=False", [], ["seen", "hidden"]),
    ],
)
def test_precedence_and_streams(settings: str, overrides: str, out: list[str], err: list[str]) -> None:
    script = script_of(settings, overrides) + EVENTS
    done = run(script)
    for text, events in ((done.stdout, out), (done.stderr, err)):
        assert [line.split('event="')[1].rstrip('"') for line in text.splitlines()] == events


def test_format_override() -> None:
    script = script_of("{'format': 'text'}", ", format='json'") + EVENTS
    assert json.loads(run(script).stderr)["fields"] == {"event": "seen"}


def test_a_misspelt_level_is_told_on_stderr() -> None:
    script = script_of("None", ", level='verbose'")
    assert run(script).stderr.startswith("app: log level: `verbose` is not a level: ")


def test_a_closed_stderr_does_not_stop_the_app() -> None:
    script = "import os\nos.close(2)\n" + script_of("None", "") + EVENTS
    assert run(script + "print('on')").stdout == "on\n"


def test_defaults_import_almost_nothing() -> None:
    script = (
        "import sys, time\nbefore = set(sys.modules)\n"
        "from agentdc_runtime.observe.install import install\nlog = install(None, program='app')\n"
        "log.emit(3, 'agentd::audit', 'workflow.started', {})\n"
        "print(*sorted(name for name in set(sys.modules) - before if 'agentdc_runtime' in name))"
    )
    assert run(script).stdout.split() == [
        "agentdc_runtime",
        "agentdc_runtime.observe",
        "agentdc_runtime.observe.install",
        "agentdc_runtime.observe.log",
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"target": "nowhere"}, "is not `stderr`, `stdout` or `file:PATH`"),
        ({"target": "file:/dev/null/x.log"}, "cannot open log file /dev/null/x.log"),
        ({"audit": {"target": "file:/dev/null/x.log"}}, "cannot open log file /dev/null/x.log"),
        ({"target": "file:logs/", "rotation": "daily"}, "no file name"),
    ],
)
def test_install_refuses_what_cannot_be_opened(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SinkError, match=words):
        install(settings, program="app")


def test_a_file_is_opened_even_when_no_level_passes(tmp_path: Path) -> None:
    install({"target": f"file:{tmp_path}/app.log", "level": "off"}, program="app").close()
    assert (tmp_path / "app.log").exists()


def test_wants_follows_the_directives() -> None:
    log = install({"level": "agentd::engine=debug,warn"}, program="app")
    assert log.wants(RUNNER, DEBUG)
    assert log.wants(AUDIT, WARN)
    assert not log.wants(AUDIT, INFO)
