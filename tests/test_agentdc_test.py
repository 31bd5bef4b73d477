"""`agentdc test` as a user has it: the examples, a broken fixture, baselines, reports, usage, progress."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/workflow.toml"))
# One asks a server that a fixture cannot start, the other waits for a person, which no fixture can.
TESTED = [each for each in EXAMPLES if each.name not in {"approval-gate", "cron-poller"}]


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache of compiled test apps for this file, so that each workflow is compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def _agentdc(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "agentdc", "test", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def test_the_examples_pass_and_take_every_edge(tmp_path: Path) -> None:
    done = _agentdc("examples", "--min-edge-coverage", "1", "--junit", str(tmp_path / "j.xml"), cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout and "ERROR" not in done.stdout
    for example in TESTED:
        assert f"ok    examples/{example.name}/tests/" in done.stdout
    assert "never taken" not in done.stdout
    root = ET.fromstring((tmp_path / "j.xml").read_text("utf-8"))
    assert (root.get("failures"), root.get("errors")) == ("0", "0")
    assert int(str(root.get("tests"))) == len(list(root.iter("testcase"))) >= len(TESTED)
    left = [each for each in (ROOT / "examples").glob("*/tests/*/files/*") if each.name == "reports"]
    assert not left  # runs take place in copies


def test_a_broken_fixture_shows_both_paths_side_by_side(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "triage" / "tests" / "critical" / "fixture.toml").read_text("utf-8")
    workflow = (ROOT / "examples" / "triage" / "workflow.toml").as_posix()
    broken = text.replace('"page", "done"', '"ticket", "done"').replace("../../workflow.toml", workflow)
    folder = tmp_path / "tests" / "broken"
    folder.mkdir(parents=True)
    (folder / "fixture.toml").write_text(broken, "utf-8")
    done = _agentdc(cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "FAIL  tests/broken\n"
        "      the path differs at step 4:\n"
        "             expected  actual\n"
        "          1  severity  severity\n"
        "          2  known     known\n"
        "          3  route     route\n"
        "      >   4  ticket    page\n"
        "          5  done      done\n"
        "          6  reply     reply\n"
        "      the run's last steps (after 1 more):\n"
        '        known [condition] → true  {"value":true}\n'
        '        route [switch] → critical  {"value":"critical"}\n'
    )
    assert done.stdout.endswith("not good enough: tests/broken: failed\n")
    assert done.stderr == ""


GREET = """\
name = "greet"
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "ask"
[[nodes]]
id = "ask"
type = "llm_infer"
backend = "default"
prompt = "Hello {{name}}"
input_from = "trigger"
output_schema = "inline"
[[nodes]]
id = "mood"
type = "switch"
expr = "ask.parsed.mood"
[[nodes]]
id = "calm"
type = "merge"
[[nodes]]
id = "storm"
type = "fail"
reason = "stormy weather"
[[edges]]
from = "ask"
to = "mood"
[[edges]]
from = "mood"
to = "calm"
when = "calm"
[[edges]]
from = "mood"
to = "storm"
when = "storm"
"""
MOODS = """\
name = "moods"
trials = 4
min_pass_rate = 0.5
capabilities = ["llm_infer", "reliability_passk", "poetry"]
workflow.path = "greet.toml"
[[intel.turns]]
variants = [
  { content = '{"mood":"calm"}', prompt_tokens = 10 },
  { content = '{"mood":"storm"}', prompt_tokens = 30, completion_tokens = 5 },
]
[expected]
status = "completed"
"""


def test_scenarios_baseline_forecast_and_json(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "greet.toml").write_text(GREET)  # a workflow among scenarios is not taken for one
    (corpus / "moods.toml").write_text(MOODS)
    first = _agentdc(
        "corpus", "--save-baseline", "base.json", "--forecast-runs-per-day", "1000", cwd=tmp_path
    )
    assert first.returncode == 0, first.stdout
    assert "ok    moods (corpus/moods.toml)  2/4 trials" in first.stdout
    assert "trials that failed too: 3" in first.stdout
    assert "unknown capability tags: poetry" in first.stdout
    assert "forecast at 1000 runs a day: 45000 tokens a day, 1350000 a month" in first.stdout
    (corpus / "moods.toml").write_text(MOODS.replace('"mood":"calm"', '"mood":"odd"').replace("0.5", "0.4"))
    again = _agentdc("corpus", "--json", "--baseline", "base.json", "--min-pass-rate", "0.45", cwd=tmp_path)
    assert again.returncode == 0, again.stderr  # an unheard-of mood is a dead end, which is completed too
    (corpus / "moods.toml").write_text(
        MOODS.replace('"completed"', '"completed"\nlast_node = "nowhere"').replace("0.5", "0.0")
    )
    worse = _agentdc("corpus", "--json", "--baseline", "base.json", "--min-pass-rate", "0.25", cwd=tmp_path)
    assert worse.returncode == 1
    assert worse.stderr == (
        "not good enough: moods: pass rate 0.00 is below 0.25\n"
        "not good enough: moods: pass rate fell from 0.50 to 0.00\n"
    )
    report = json.loads(worse.stdout)
    assert report["summary"]["passed"] == 1
    assert report["scenarios"][0]["failures"][1].startswith(
        "trial 1: status: expected completed, actual failed"
    )
    assert report["drift"] == ["moods: pass rate 0.5 → 0, tokens per success 45 → none"]
    assert [each["slug"] for each in report["diagnostics"]] == ["impossible_expectation"]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        ((), 1, "no fixture and no scenario was found"),
        (("nowhere",), 2, "nowhere: No such file or directory"),
        (("--baseline", "base.json"), 2, "base.json: No such file or directory"),
        (
            ("--baseline", "bad.json"),
            2,
            "ADC1106 baseline_invalid]: bad.json is not a baseline: it is not JSON",
        ),
        (("--min-pass-rate", "2"), 2, "--min-pass-rate"),
        (("--price-per-mtok", "2"), 2, "--forecast-runs-per-day"),
        (("--junit", "nowhere/\0"), 2, ""),
        (("--colour",), 2, "--colour"),
    ],
)
def test_usage(words: tuple[str, ...], status: int, told: str, tmp_path: Path) -> None:
    if "\0" in "".join(words):
        words = ("--junit", "/dev/null/report.xml")
    (tmp_path / "bad.json").write_text("{")
    done = _agentdc(*words, cwd=tmp_path)
    assert done.returncode == status, done.stdout + done.stderr
    assert told in done.stdout + done.stderr


def test_a_terminal_sees_progress(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    (tmp_path / "greet.toml").write_text(GREET)
    (tmp_path / "s.toml").write_text(
        'name = "s"\nworkflow.path = "greet.toml"\nintel.turns = [{ content = "{}" }]\n'
    )
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "agentdc", "test"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=slave) as process:
        os.close(slave)
        assert b"ok " in process.communicate()[0]
    shown = b""
    while True:
        try:
            shown += os.read(master, 65536)
        except OSError:  # the other end is closed
            break
    os.close(master)
    for word in (b"looking for tests", b"loading 1/1 s.toml", b"compiling", b"running 1/1"):
        assert word in shown
    assert shown.endswith(b"\r\x1b[K")
