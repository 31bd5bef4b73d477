"""`agentdc run`: the cache, cold and warm, what passes through to the app, and what is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command import AGENTDC, GREET, Done, agentdc, app, codes, environment, make, powerless, run, shell, tree
from command import here as in_process

BROKEN = 'name = "x"\n[[edges]]\nfrom = "a"\nto = "b"\n[[start_nodes]]\nname = "m"\nsource = "manual"\n'
WAITS = """\
name = "waits"
[[start_nodes]]
name = "main"
source = "manual"
[[nodes]]
id = "read"
type = "read_file"
path_from = "trigger.path"
retry = { max_attempts = 1000, backoff_ms = 20000 }
"""


Cli = Callable[..., Done]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "greet.toml").write_text(GREET)
    (tmp_path / "in.json").write_text('{"name": "Ada"}')
    return tmp_path


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A cache that holds the app of greet.toml, for tests that are not about the cache."""
    folder = tmp_path_factory.mktemp("warm")
    (folder / "greet.toml").write_text(GREET)
    agentdc("run", "greet.toml", "--validate-only", cwd=folder, XDG_CACHE_HOME=str(folder))
    return str(folder)


@pytest.fixture
def cli(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`agentdc` in this process, for what is refused before the process becomes the app."""
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return lambda *words: in_process(*words, capsys=capsys)


def entries(home: Path) -> list[str]:
    return sorted(each.name for each in (home / ".cache" / "agentdc").iterdir())


def test_cold_then_warm(here: Path) -> None:
    (here / "greet.toml").write_text(f"{GREET}\n[policy.fs]\nread = ['data/**']\n")
    cold = agentdc("run", "greet.toml", "--input", "in.json", cwd=here)
    assert (cold.returncode, codes(cold.stderr)) == (0, ["policy_relative_path", "unused_grant"])
    assert json.loads(cold.stdout)["final_value"] == {"rendered": "Hello, Ada!"}
    (entry,) = entries(here)
    before = {
        name: (here / ".cache/agentdc" / entry / name).stat().st_mtime_ns
        for name in tree(here / ".cache/agentdc" / entry)
    }
    # Warm: nothing of the compiler is loaded, so it does not even have to be there.
    warm = agentdc("run", "greet.toml", "--input", "in.json", cwd=here, PYTHONPROFILEIMPORTTIME="1")
    assert (warm.returncode, warm.stdout) == (0, cold.stdout)
    assert not any(
        f" {module}" in warm.stderr for module in ("pydantic", "typer", "libcst", "tomli", "agentdc.check")
    )
    after = {name: (here / ".cache/agentdc" / entry / name).stat().st_mtime_ns for name in before}
    assert (entries(here), after) == ([entry], before)


def test_what_makes_another_entry(here: Path) -> None:
    def cached(*words: str, **variables: str) -> int:
        done = agentdc("run", *words, cwd=here, **variables)
        assert done.returncode == 0, done.stderr
        return len(entries(here))

    assert cached("greet.toml", "--validate-only") == 1
    assert cached("greet.toml", "--version") == 1
    assert cached("./greet.toml", "--validate-only") == 1
    assert cached("--allow", "cycle", "greet.toml", "--validate-only") == 2
    (here / "greet.toml").write_text(GREET.replace("Hello", "Hullo"))
    assert cached("greet.toml", "--validate-only") == 3
    (here / "greet.toml").write_text(GREET)
    assert cached("greet.toml", "--validate-only") == 3
    (here / "greet.toml.sig").write_text("")  # nobody asks for a signature, yet one is there
    assert cached("greet.toml", "--validate-only") == 4


def test_an_empty_signature_is_not_hidden_by_the_cache(here: Path) -> None:
    agentdc("keygen", "-o", "k", cwd=here)
    (here / "greet.toml").write_text(f'{GREET}\n[signing]\npublic_key_file = "k.pub"\n')
    bypassed = agentdc("run", "greet.toml", "--input", "in.json", cwd=here)
    assert bypassed.returncode == 0
    (here / "greet.toml.sig").write_text("")
    refused = agentdc("run", "greet.toml", "--input", "in.json", cwd=here)
    assert (refused.returncode, refused.stdout, codes(refused.stderr)) == (5, "", ["signature_malformed"])


def test_many_at_once_share_one_entry(here: Path) -> None:
    command = [*AGENTDC, "run", "greet.toml", "--input", "in.json"]
    env = environment(here)
    several = [
        subprocess.Popen(command, cwd=here, env=env, stdout=-1, stderr=-1, text=True) for _ in range(4)
    ]
    said = [(*process.communicate(timeout=120), process.returncode) for process in several]
    assert {(out, status) for out, _, status in said} == {(said[0][0], 0)}, said
    (entry,) = entries(here)
    place = here / ".cache/agentdc" / entry
    (app,) = place.glob("*/app")
    assert {each for each in place.rglob("*") if not each.is_relative_to(app)} == {
        app.parent,
        place / "children",
    }


def test_a_refused_workflow_leaves_no_entry(here: Path, cli: Cli) -> None:
    (here / "w.toml").write_text(BROKEN)
    assert cli("run", "w.toml").returncode == 5
    assert entries(here) == []


# --- where the cache may not be


def test_a_cache_that_others_may_write_is_refused(here: Path, cli: Cli) -> None:
    (here / ".cache" / "agentdc").mkdir(parents=True)
    (here / ".cache" / "agentdc").chmod(0o777)
    done = cli("run", "greet.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"agentdc run: the cache directory {here}/.cache/agentdc can be written by others\n"
    assert entries(here) == []


@pytest.mark.parametrize("home", ["read only", "relative", "/dev/null"])
def test_without_a_cache_it_runs_all_the_same(here: Path, home: str) -> None:
    (here / "tmp").mkdir()
    (here / "read only").mkdir(mode=0o555)
    before = sorted(each.name for each in here.iterdir())
    place = home if home in {"relative", "/dev/null"} else str(here / home)
    env = environment(here, TMPDIR=str(here / "tmp")) | {"HOME": place}
    command = [*powerless(), *AGENTDC, "run", "greet.toml", "--input", "in.json"]
    done = run(command, cwd=here, env=env)
    assert (done.returncode, json.loads(done.stdout)["status"], done.stderr) == (0, "completed", "")
    assert sorted(each.name for each in here.iterdir()) == before
    assert list((here / "read only").iterdir()) == []


# --- what reaches the app


def test_everything_behind_the_workflow_is_the_apps(here: Path, warm: str) -> None:
    own = make(GREET, here / "own")
    for words in (
        ("--input", "in.json"),
        ("--input=in.json",),
        ("--bogus",),
        ("--start", "nobody"),
        ("--validate-only",),
        ("--help",),
        ("--mode", "serve"),
        ("inspect", "missing.json"),
        ("--config", "greet.toml", "--input", "in.json"),
        ("--config", "in.json"),
    ):
        through = agentdc("run", "greet.toml", *words, cwd=here, XDG_CACHE_HOME=warm)
        direct = app(own, *words, cwd=here)
        assert (through.returncode, through.stdout, through.stderr) == (
            direct.returncode,
            direct.stdout,
            direct.stderr,
        ), words


def test_standard_input_and_environment_reach_the_app(here: Path, warm: str) -> None:
    done = agentdc(
        "run",
        "greet.toml",
        "--input",
        "-",
        cwd=here,
        input='{"name": "Bob"}',
        AGENTD_RECORD="r.json",
        XDG_CACHE_HOME=warm,
    )
    assert json.loads(done.stdout)["final_value"] == {"rendered": "Hello, Bob!"}
    assert json.loads((here / "r.json").read_text())["status"] == "completed"


def test_a_workflow_from_a_pipe(here: Path) -> None:
    done = shell("cat greet.toml | $AGENTDC run /dev/stdin --validate-only", cwd=here)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"ok": True, "workflow": "greet"})


def test_the_apps_exit_status_is_ours(here: Path) -> None:
    (here / "fails.toml").write_text(
        GREET.replace("template_render", "fail").replace("input_from", "#").replace("template =", "reason =")
    )
    done = agentdc("run", "fails.toml", cwd=here)
    assert (done.returncode, json.loads(done.stdout)["reason"]) == (5, "Hello, {{name}}!")


def test_a_signal_reaches_the_app(here: Path) -> None:
    (here / "waits.toml").write_text(WAITS)
    assert agentdc("run", "waits.toml", "--validate-only", cwd=here).returncode == 0
    command = [*AGENTDC, "run", "waits.toml", "--timeout-secs", "100", "--log-level", "info"]
    with subprocess.Popen(
        command, cwd=here, env=environment(here), stdout=-1, stderr=-1, text=True
    ) as process:
        assert process.stderr is not None
        assert "workflow.started" in process.stderr.readline()
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
    assert (process.returncode, out) == (143, "")


def test_closed_streams_stay_closed_for_the_app(here: Path, warm: str) -> None:
    done = shell("$AGENTDC run greet.toml --input in.json >&-", cwd=here, XDG_CACHE_HOME=warm)
    assert done.returncode == 5
    assert done.stderr.endswith("could not write to standard output: Bad file descriptor\n")


# --- what is refused


def test_findings_are_told_twice(here: Path, cli: Cli) -> None:
    """For people on standard error, and as agentd's report on standard output."""
    (here / "w.toml").write_text(BROKEN)
    done = cli("run", "w.toml", "--input", "missing.json")
    assert done.returncode == 5
    report = json.loads(done.stdout)
    assert list(report) == ["issues", "ok", "workflow"]
    assert (report["ok"], report["workflow"]) == (False, "x")
    assert [each["code"] for each in report["issues"]] == ["dangling_edge", "dangling_edge"]
    assert all(each["message"] in done.stderr for each in report["issues"])
    assert done.stdout == json.dumps(report, indent=2) + "\n"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("name = [", "toml_syntax"),
        ("name = 3", "wrong_type"),
        (f"{GREET}x = 1", "unknown_key"),
        ("", "missing_key"),
    ],
)
def test_what_is_no_workflow_is_exit_2(here: Path, cli: Cli, text: str, slug: str) -> None:
    (here / "w.toml").write_text(text)
    done = cli("run", "w.toml")
    assert (done.returncode, done.stdout, codes(done.stderr)) == (2, "", [slug])


def test_unreadable_workflow(cli: Cli) -> None:
    for name in ("missing.toml", ".", "", "/dev/zero"):
        done = cli("run", name)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"cannot read the workflow {name}" in done.stderr or "which workflow?" in done.stderr


def test_a_name_that_begins_with_a_dash(cli: Cli) -> None:
    done = cli("run", "--", "-w.toml", "--validate-only")
    assert (done.returncode, "cannot read the workflow -w.toml: No such file" in done.stderr) == (2, True)


def test_the_cache_is_never_executed_from_a_killed_build(here: Path) -> None:
    agentdc("run", "greet.toml", "--validate-only", cwd=here)
    (entry,) = entries(here)
    place = here / ".cache/agentdc" / entry
    (app,) = place.glob("*/app")
    app.rename(place / "agentdc-run-killed")
    done = agentdc("run", "greet.toml", "--input", "in.json", cwd=here)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "completed")
    assert app.is_dir()
