"""`agentdc` from its arguments to its exit status: every command, as a process."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import tomli
from command import AGENTDC, GREET, Done, agentdc, codes, environment, powerless, run, shell, terminal, tree
from command import here as in_process

from agentdc.cli import streams
from agentdc.diagnostics import CODES
from agentdc.version import VERSION

TESTS = Path(__file__).parent
COMMANDS = ("check", "build", "run", "new", "explain", "schema", "inspect", "keygen", "sign", "verify")
ESC = "\x1b"

THREE = """\
name = "three"
[[start_nodes]]
name = "main"
source = "manual"
entry_node = "frist"
[[nodes]]
id = "first"
type = "template_render"
template = "hi"
[[edges]]
from = "first"
to = "second"
"""
WARNED = f"{GREET}\n[policy.fs]\nread = ['data/**']\n"


Cli = Callable[..., Done]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, text in (("greet.toml", GREET), ("three.toml", THREE), ("warned.toml", WARNED)):
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def cli(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`agentdc` in this process, in the folder `here`."""
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return lambda *words: in_process(*words, capsys=capsys)


# --- check


def test_check_shows_everything_it_finds(here: Path) -> None:
    done = agentdc("check", "three.toml", cwd=here)
    assert (done.returncode, done.stderr) == (5, "")
    assert codes(done.stdout) == ["unknown_start_entry_node", "dangling_edge"]
    assert "--> three.toml:5:14\n" in done.stdout
    assert '5 | entry_node = "frist"\n' in done.stdout
    assert 'did you mean "first"?' in done.stdout
    assert done.stdout.endswith("\n2 errors\n")


def test_check_of_a_sound_workflow(here: Path) -> None:
    done = agentdc("check", "greet.toml", cwd=here)
    assert (done.returncode, done.stdout, done.stderr) == (0, "greet: no errors\n", "")
    done = agentdc("check", "warned.toml", cwd=here)
    assert (done.returncode, codes(done.stdout)) == (0, ["policy_relative_path", "unused_grant"])
    assert done.stdout.endswith("\n2 warnings\ngreet: no errors\n")


@pytest.mark.parametrize("name", ["three.toml", "warned.toml", "greet.toml"])
def test_check_json_says_what_the_text_says(here: Path, name: str) -> None:
    text = agentdc("check", name, cwd=here)
    machine = agentdc("check", name, "--format", "json", cwd=here)
    assert (machine.returncode, machine.stderr) == (text.returncode, "")
    report = json.loads(machine.stdout)
    found = report["diagnostics"]
    assert (report["version"], report["ok"]) == (1, text.returncode == 0)
    assert report["workflow"] == tomli.loads((here / name).read_text())["name"]
    assert [each["slug"] for each in found] == codes(text.stdout)
    for each in found:
        head = f"{each['severity']}[{each['code']} {each['slug']}]: {each['message']}\n"
        assert f"{head}  --> {each['file']}:{each['line']}:{each['column']}\n" in text.stdout.replace(
            "\n -->", "\n  -->"
        )
        assert each["help"] is None or f"help: {each['help']}" in text.stdout


UNREADABLE = {
    "missing.toml": "No such file or directory",
    ".": "Is a directory",
    "/dev/zero": "larger than 64 MiB",
}


@pytest.mark.parametrize(("path", "why"), UNREADABLE.items())
def test_check_of_an_unreadable_file(cli: Cli, path: str, why: str) -> None:
    done = cli("check", path)
    assert (done.returncode, done.stdout, codes(done.stderr)) == (2, "", ["unreadable_file"])
    assert f"cannot read the workflow {path}: " in done.stderr
    assert why in done.stderr
    machine = cli("check", path, "--format", "json")
    (found,) = json.loads(machine.stdout)["diagnostics"]
    assert (machine.returncode, machine.stderr, found["slug"], found["line"]) == (
        2,
        "",
        "unreadable_file",
        None,
    )


def test_check_without_permission(here: Path) -> None:
    (here / "greet.toml").chmod(0)
    done = run([*powerless(), *AGENTDC, "check", "greet.toml"], cwd=here)
    assert (done.returncode, codes(done.stderr)) == (2, ["unreadable_file"])
    assert "Permission denied" in done.stderr


def test_check_reads_a_pipe(here: Path) -> None:
    done = agentdc("check", "/dev/stdin", cwd=here, input=GREET)
    assert (done.returncode, done.stdout) == (0, "greet: no errors\n")


def test_levels_are_the_users_choice(here: Path, cli: Cli) -> None:
    text = GREET.replace('template = "Hello, {{name}}!"', 'template = "x"').replace(
        'type = "template_render"', 'type = "http_request"\nmethod = "GET"\nurl_from = "trigger.url"'
    )
    text = text.replace('input_from = "trigger"\ntemplate = "x"\n', "")
    (here / "http.toml").write_text(text)
    plain = cli("check", "http.toml")
    assert (plain.returncode, "unhandled_error_branch" in codes(plain.stdout)) == (0, True)
    assert cli("check", "http.toml", "--strict").returncode == 5
    wrong = cli("check", "http.toml", "--allow", "no_such")
    assert (wrong.returncode, "no diagnostic has the code" in wrong.stderr) == (2, True)
    wrong = cli("check", "http.toml", "--dialect", "klingon")
    assert (wrong.returncode, "neither agentdc nor agentd" in wrong.stderr) == (2, True)


def test_colour_only_where_it_is_wanted(here: Path) -> None:
    command = [*AGENTDC, "check", "three.toml"]
    assert ESC not in agentdc("check", "three.toml", cwd=here).stdout
    for variables, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        status, shown = terminal(command, cwd=here, **variables)
        assert (status, ESC in shown) == (5, coloured), variables
        assert codes(shown) == ["unknown_start_entry_node", "dangling_edge"]


def test_names_that_no_terminal_should_print(here: Path) -> None:
    name = b"a\x1b[31m\xff.toml"
    (here / os.fsdecode(name)).write_text(THREE)
    done = agentdc("check", os.fsdecode(name), cwd=here)
    assert done.returncode == 5
    assert "--> a\\u001b[31m\\udcff.toml:5:14" in done.stdout
    (here / os.fsdecode(name)).write_text(GREET)
    built = agentdc("build", os.fsdecode(name), "-o", os.fsdecode(b"\xfe/"), cwd=here)
    assert (built.returncode, built.stderr.count(ESC), built.stdout.count(ESC)) == (0, 0, 0)
    assert json.loads((here / os.fsdecode(b"\xfe/greet/manifest.json")).read_bytes())["workflow"]["file"]
    ran = agentdc("run", os.fsdecode(name), "--validate-only", cwd=here)
    assert (ran.returncode, json.loads(ran.stdout)) == (0, {"ok": True, "workflow": "greet"})


def test_a_terminal_without_utf8(here: Path) -> None:
    (here / "w.toml").write_text(THREE.replace("frist", "früst …"))
    for command in (["check", "w.toml"], ["--help"], ["explain", "cycle"], ["run", "w.toml"]):
        assert agentdc(*command, cwd=here, PYTHONIOENCODING="ascii").returncode in {0, 5}


# --- where output goes nowhere

LOST = {
    "check": "check three.toml",
    "check json": "check three.toml --format json",
    "build": "build greet.toml -o out/ 2>/dev/null",
    "run": "run three.toml 2>/dev/null",
    "run help": "run --help",
    "help": "--help",
    "schema": "schema",
}


@pytest.mark.parametrize(
    ("command", "where"), list(zip(LOST.values(), [">&-", ">/dev/full"] * 4, strict=False)), ids=LOST
)
def test_standard_output_that_takes_nothing(here: Path, command: str, where: str) -> None:
    done = shell(f"$AGENTDC {command} {where}", cwd=here)
    assert done.returncode == 2
    assert done.stderr.count("\n") == (0 if "2>" in command else 1), done.stderr


def test_a_reader_that_has_gone(here: Path) -> None:
    done = shell("{ $AGENTDC schema; echo $? >&2; } | true", cwd=here)
    assert (done.returncode, done.stderr) == (0, "2\n")


def test_standard_error_that_takes_nothing(here: Path) -> None:
    assert shell("$AGENTDC check missing 2>&-", cwd=here).returncode == 2
    assert shell("$AGENTDC build three.toml -o x/ 2>/dev/full", cwd=here).returncode == 5
    assert shell("$AGENTDC run three.toml 2>&-", cwd=here).returncode == 5


# --- build


def test_build_tells_its_steps_and_what_it_made(here: Path) -> None:
    done = agentdc("build", "greet.toml", "-o", "made/greet.pyz", cwd=here)
    assert done.returncode == 0
    steps = [line.split() for line in done.stderr.splitlines()]
    assert [step[0] for step in steps] == ["check", "compile", "pack"]
    assert all(float(step[1]) >= 0 and step[2] == "s" for step in steps)
    assert done.stdout.startswith("made/greet.pyz: ")
    assert os.access(here / "made/greet.pyz", os.X_OK)


def test_build_shows_progress_on_a_terminal_only(here: Path) -> None:
    status, shown = terminal([*AGENTDC, "build", "greet.toml", "-o", "out/"], cwd=here)
    assert status == 0
    assert "\r\x1b[Kcompile …" in shown
    assert shown.rindex("\r\x1b[K") < shown.index("check  ")  # cleared before the summary


def test_format_overrides_the_name(here: Path) -> None:
    done = agentdc("build", "greet.toml", "-o", "app", "--format", "pyz", cwd=here)
    assert (done.returncode, (here / "app").read_bytes()[:2]) == (0, b"#!")
    done = agentdc("build", "greet.toml", "-o", "app.pyz", "--format", "dir", cwd=here)
    assert (done.returncode, (here / "app.pyz" / "__main__.py").exists()) == (0, True)


REFUSED = {
    "errors": (THREE, 5, ["unknown_start_entry_node", "dangling_edge"]),
    "syntax": ("name = [", 5, ["toml_syntax"]),
    "not built by this version": (f"{GREET}\n[sandbox]\n", 5, ["unsupported_feature"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_build_of_what_cannot_be_built(here: Path, cli: Cli, case: str) -> None:
    text, status, slugs = REFUSED[case]
    (here / "greet.toml").write_text(text)
    before = sorted(tree(here))
    done = cli("build", "greet.toml", "-o", "out/deep/app.pyz")
    assert (done.returncode, done.stdout) == (status, "")
    assert codes(done.stderr) == slugs
    assert sorted(tree(here)) == before


def test_require_policy(here: Path, cli: Cli) -> None:
    node = 'type = "read_file"\npath_from = "trigger.path"'
    old = 'type = "template_render"\ninput_from = "trigger"\ntemplate = "Hello, {{name}}!"'
    (here / "w.toml").write_text(GREET.replace(old, node))
    done = cli("build", "w.toml", "-o", "app/", "--require-policy")
    assert (done.returncode, codes(done.stderr)) == (5, ["policy_absent"])


def _heed_interrupts() -> None:
    """A job in the background of a shell begins with SIGINT ignored, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_build_that_is_told_to_stop_cleans_up(here: Path) -> None:
    temporary = here / "tmp"
    temporary.mkdir()
    before = sorted(each.name for each in here.iterdir())
    for number in (signal.SIGTERM, signal.SIGINT):
        env = environment(here, TMPDIR=str(temporary))
        command = [*AGENTDC, "build", "greet.toml", "-o", "agent"]
        with subprocess.Popen(
            command,
            cwd=here,
            env=env,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_heed_interrupts,  # noqa: PLW1509
        ) as process:
            until = time.monotonic() + 30
            while not list(temporary.iterdir()) and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(0.1)
            process.send_signal(number)
            _, said = process.communicate(timeout=30)
            assert (process.returncode, "Traceback" in said) == (128 + number, False)
        assert sorted(each.name for each in here.iterdir()) == before
        assert list(temporary.iterdir()) == []


# --- new, explain, schema, inspect


def test_a_new_folder_passes_its_own_test(tmp_path: Path) -> None:
    made = agentdc("new", "my agent", cwd=tmp_path)
    folder = tmp_path / "my agent"
    assert made.returncode == 0
    assert "cd 'my agent' && agentdc run workflow.toml" in made.stdout
    assert made.stdout.splitlines()[:1] == ["my agent/workflow.toml"]
    beside = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = run(["/bin/sh", folder / "test.sh"], cwd=tmp_path, env=environment(tmp_path, PATH=beside))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "ok"), done.stderr
    assert os.access(folder / "test.sh", os.X_OK)
    before = tree(folder)
    again = agentdc("new", "my agent", cwd=tmp_path)
    assert (again.returncode, codes(again.stderr), tree(folder)) == (2, ["output_exists"], before)


@pytest.mark.parametrize("name", ["-x", 'a"b', "{{x}}", "naïve", "deep/er", "a\nb", "\\"])
def test_new_with_an_odd_name(here: Path, cli: Cli, name: str) -> None:
    made = cli("new", "--", name)
    assert made.returncode == 0
    done = cli("check", "--", here / name / "workflow.toml")
    assert done.returncode == 0, done.stdout
    entered = shlex.split(made.stdout.rsplit("cd ", 1)[1])
    assert name.isprintable() is False or entered[0] == name


@pytest.mark.parametrize("name", ["", ".", "/", "greet.toml/x", "x" * 300, "/proc/x"])
def test_new_where_nothing_can_be_made(cli: Cli, name: str) -> None:
    done = cli("new", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_explain(cli: Cli) -> None:
    cycle = CODES["cycle"]
    shown = {cli("explain", each).stdout for each in (cycle.number, cycle.number.lower(), "cycle")}
    assert len(shown) == 1
    text = shown.pop()
    assert text.startswith(f"{cycle.number} cycle: {cycle.title}\n\n")
    assert "## Wrong" in text
    assert "## Right" in text
    unknown = cli("explain", "dangling_egde")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert codes(unknown.stderr) == ["unknown_code"]
    assert 'no diagnostic has the code "dangling_egde"' in unknown.stderr
    assert 'did you mean "dangling_edge"?' in unknown.stderr
    assert cli("explain", "\x1b[31m").stderr.count(ESC) == 0


WORKFLOWS = sorted(
    [*(TESTS / "cases/valid").glob("*/workflow.toml"), *(TESTS.parent / "examples").glob("**/workflow.toml")]
)


def test_schema_accepts_what_is_valid_and_nothing_else(tmp_path: Path) -> None:
    done = agentdc("schema", cwd=tmp_path)
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert len(WORKFLOWS) > 10
    for path in WORKFLOWS:
        validator.validate(tomli.loads(path.read_text()))
    for text in (
        "x = 1",
        GREET.replace("manual", "automatic"),
        GREET.replace("hello", "1").replace('"1"', "1"),
    ):
        assert not validator.is_valid(tomli.loads(text)), text


def test_inspect(tmp_path: Path) -> None:
    record = {
        "execution_id": "exec-1-2-3",
        "workflow": "w",
        "status": "completed",
        "detail": {"a": "\x1b\u202e"},
    }
    (tmp_path / "r.json").write_text(json.dumps(record, ensure_ascii=False))
    (tmp_path / "json.py").write_text("raise SystemExit('the working directory got in')")
    done = agentdc("inspect", "r.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("run exec-1-2-3  workflow=w  status=completed\n")
    assert "  (no node trace captured)\n" in done.stdout
    assert not any(each in done.stdout for each in "\x1b\u202e")
    (tmp_path / "bad.json").write_text("{")
    for bad in ("bad.json", "missing.json"):
        done = agentdc("inspect", bad, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.startswith("agentdc: failed to ")) == (2, "", True)


# --- usage


def test_version(tmp_path: Path) -> None:
    for flag in ("--version", "-V"):
        done = agentdc(flag, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{VERSION}\n", "")
    done = run([sys.executable, "-m", "agentdc", "--version"], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{VERSION}\n")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal(cli: Cli, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = cli(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: agentdc{' ' * bool(command)}{command} ")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "[policy]" in done.stdout or command != "build"
    assert all(each in done.stdout for each in COMMANDS) or command


USAGE = (
    "",
    "chekc x",
    "--bogus",
    "check",
    "check a b",
    "check greet.toml --format xml",
    "check greet.toml --bogus",
    "build greet.toml",
    "build greet.toml -o",
    "build greet.toml -o x --format exe",
    "run",
    "run --bogus greet.toml",
    "run --allow",
    "run --strict=1 greet.toml",
    "run --dialect klingon greet.toml",
    "run --allow no_such greet.toml",
    "new",
    "explain",
    "schema x",
    "inspect",
    "sign greet.toml",
    "keygen",
)


@pytest.mark.parametrize("words", USAGE)
def test_usage_errors(here: Path, cli: Cli, words: str) -> None:
    before = tree(here)
    done = cli(*words.split())
    assert done.returncode == 2
    assert done.stderr or "Usage: agentdc" in done.stdout
    assert sorted(each for each in tree(here) if not each.startswith(".cache")) == sorted(before)


# --- the last line of defence


def test_a_mistake_of_ours_is_one_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst() -> int:
        raise KeyError("x")

    def refuse() -> int:
        raise FileNotFoundError(2, "No usable temporary directory", "/tmp")

    monkeypatch.delenv(streams.TRACEBACK, raising=False)
    assert streams.guarded(burst) == 70
    said = capsys.readouterr().err
    assert said.startswith(
        "error[ADC0901 internal]: a mistake of agentdc, not of the workflow: KeyError: 'x'\n"
    )
    assert "Traceback" not in said
    monkeypatch.setenv(streams.TRACEBACK, "1")
    assert streams.guarded(burst) == 70
    assert "Traceback" in capsys.readouterr().err
    assert streams.guarded(refuse) == 2
    assert capsys.readouterr().err == "agentdc: No usable temporary directory: /tmp\n"
    assert streams.guarded(lambda: 3) == 3
