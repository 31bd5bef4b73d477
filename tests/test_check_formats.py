"""`agentdc check` for build servers: every format of several workflows, read by its readers."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema  # type: ignore[import-untyped]
import pytest
from command import GREET, agentdc, codes, environment, run, shell, tree
from junitparser import Error, Failure, JUnitXml  # type: ignore[import-untyped]

from agentdc.diagnostics import CODES, Diagnostic, Label, SourceFile, Span, code, error, hint, warning
from agentdc.diagnostics.outcome import Outcome
from agentdc.diagnostics.render import github, junit, sarif

TESTS = Path(__file__).parent
SCHEMA = json.loads((TESTS / "data" / "sarif-2.1.0-rtm.4.json").read_text())
SARIF = jsonschema.Draft4Validator(SCHEMA)
INVALID = TESTS / "cases" / "invalid"

SLIP = GREET + '\n[[edges]]\nfrom = "hello"\nto = "hallo"\n'
WARNED = """\
name = "greet"
start_nodes = [{ name = "go", source = "manual" }]
edges = [{ from = "place", to = "load" }]
nodes = [
  { id = "place", type = "template_render", template = "data/a/b" },
  { id = "load", type = "read_file", path_from = "place.rendered" },
]

[policy.fs]
read = ['data/**']
"""
COMMAND = re.compile(r"::(error|warning|notice) ((?:\w+=[^,:\n]*,?)+)::([^\n]*)\n")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, text in (("greet.toml", GREET), ("slip.toml", SLIP), ("warned.toml", WARNED)):
        (tmp_path / name).write_text(text)
    return tmp_path


def log(text: str) -> dict[str, Any]:
    """The one run of a SARIF document that fits the schema and hangs together."""
    document = json.loads(text)
    SARIF.validate(document)
    (only,) = document["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == sorted({each["id"] for each in rules})
    for result in only["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert not uri.startswith("/")
        assert ":" not in uri
    marks = [tuple(each["partialFingerprints"].items()) for each in only["results"]]
    assert len(set(marks)) == len(marks)
    found: dict[str, Any] = only
    return found


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """(level, properties, message) of annotations, unescaped as a build server does."""
    matches = list(COMMAND.finditer(text))
    assert "".join(each.group() for each in matches) == text
    found = []
    for each in matches:
        pairs = dict(part.split("=", 1) for part in each.group(2).split(","))
        found.append((each.group(1), {k: unquote(v) for k, v in pairs.items()}, unquote(each.group(3))))
    return found


def junit_of(text: str) -> JUnitXml:
    """The document, whose sums are those of its suites and cases."""
    read = JUnitXml.fromstring(text.encode("utf-8", "backslashreplace"))
    said = read.tests, read.failures, read.errors
    each = [(suite.tests, suite.failures, suite.errors) for suite in read]
    assert said == tuple(map(sum, zip(*each, strict=True)))
    read.update_statistics()
    assert (read.tests, read.failures, read.errors) == said
    return read


# --- what the formats say


def test_sarif_of_every_invalid_case(tmp_path: Path) -> None:
    """What the text says is in the document: code, file, line and column of each."""
    shutil.copytree(INVALID, tmp_path / "all")
    cases = sorted(each.relative_to(tmp_path).as_posix() for each in (tmp_path / "all").glob("*/*.toml"))
    assert len(cases) > 100
    text = agentdc("check", *cases, cwd=tmp_path)
    done = agentdc("check", *cases, "--format", "sarif", cwd=tmp_path)
    assert (done.returncode, text.returncode, done.stderr) == (5, 5, "")
    places = re.findall(r"\[(ADC\d{4}) \w+\]: .*\n *--> (.*):(\d+):\d+\n", text.stdout)
    found = log(done.stdout)["results"]
    told = set()
    for each in found:
        place = each["locations"][0]["physicalLocation"]
        region = place.get("region", {"startLine": 0})
        told.add((each["ruleId"], unquote(place["artifactLocation"]["uri"]), str(region["startLine"])))
    assert set(places) <= told
    assert str(tmp_path) not in done.stdout


def test_rules_explain_themselves(here: Path) -> None:
    run_ = log(agentdc("check", "slip.toml", "warned.toml", "--format", "sarif", cwd=here).stdout)
    (entry, relative) = run_["tool"]["driver"]["rules"]
    assert (entry["id"], entry["name"]) == (CODES["dangling_edge"].number, "DanglingEdge")
    assert "## Wrong" in relative["help"]["markdown"]
    assert [each["level"] for each in run_["results"]] == ["error", "warning"]
    assert run_["columnKind"] == "utf16CodeUnits"


def test_columns_count_utf16_code_units() -> None:
    file = SourceFile("w.toml", 'a = "😀😀" # é\nb = "😀"\n'.encode())
    first = Label(Span(file, 5, 7), "here")  # the two faces
    over = Label(Span(file, 9, file.text.index("😀", 9) + 1))
    found = error(code("cycle"), "odd", first.span, labels=[over])
    (result,) = log(sarif.render([Outcome("w.toml", "w", (found,))], "/x"))["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 6, "endLine": 1, "endColumn": 10}
    related = result["relatedLocations"][0]["physicalLocation"]["region"]
    assert related == {"startLine": 1, "startColumn": 12, "endLine": 2, "endColumn": 8}


def test_fingerprints_stay_when_lines_move(here: Path) -> None:
    def marks(text: str) -> list[Any]:
        (here / "w.toml").write_text(text)
        found = log(agentdc("check", "w.toml", "--format", "sarif", cwd=here).stdout)["results"]
        return [each["partialFingerprints"] for each in found]

    twice = SLIP + '[[edges]]\nfrom = "hello"\nto = "x"\n' * 2
    assert len(marks(twice)) == 5
    assert marks(twice) == marks("# a line\n\n" + twice.replace("[[nodes]]", "\n[[nodes]]"))
    assert marks(SLIP)[0] in marks(twice)
    assert marks(SLIP) != marks(SLIP.replace("hallo", "hollo"))


def test_no_place_and_no_secret_in_a_report(here: Path) -> None:
    secret = f'{GREET}\n[[secrets]]\nname = "k"\nsource = "file"\nvalue = "hunter2"\n'
    (here / "w.toml").write_text(secret)
    for form in ("sarif", "github", "junit", "json"):
        done = agentdc("check", here / "w.toml", here / "missing.toml", "--format", form, cwd=here)
        assert (done.returncode, "hunter2" in done.stdout) == (2, False)
        assert (str(here) in done.stdout) == (form == "json" or "missing.toml" in done.stdout)
    run_ = log(agentdc("check", "missing.toml", "greet.toml", "--format", "sarif", cwd=here).stdout)
    assert run_["invocations"] == [{"executionSuccessful": False}]


def test_annotations(here: Path) -> None:
    done = agentdc("check", "slip.toml", "warned.toml", "--format", "github", cwd=here)
    first, second = commands(done.stdout)
    assert first[0] == "error"
    assert first[1] == {
        "file": "slip.toml",
        "line": "16",
        "endLine": "16",
        "col": "6",
        "endColumn": "12",
        "title": "ADC0308 dangling_edge",
    }
    assert '\nhelp: did you mean "hello"?' in first[2]
    assert (second[0], second[1]["file"]) == ("warning", "warned.toml")


def test_junit(here: Path) -> None:
    words = ("greet.toml", "slip.toml", "warned.toml", "missing.toml")
    done = agentdc("check", *words, "--format", "junit", cwd=here)
    assert done.returncode == 2
    suites = list(junit_of(done.stdout))
    assert [each.name for each in suites] == list(words)
    cases = [list(each) for each in suites]
    assert [len(each) for each in cases] == [1, 1, 1, 1]
    assert [each[0].name for each in cases][:2] == ["no findings", "ADC0308 dangling_edge"]
    assert [[type(result) for result in each[0].result] for each in cases] == [[], [Failure], [], [Error]]
    assert "policy_relative_path" in cases[2][0].system_out


def test_several_workflows_are_a_line_of_json_each(here: Path) -> None:
    done = agentdc("check", "greet.toml", "slip.toml", "missing.toml", "--format", "json", cwd=here)
    lines = done.stdout.splitlines()
    assert [json.loads(each)["ok"] for each in lines] == [True, False, False]
    assert lines[1] + "\n" == agentdc("check", "slip.toml", "--format", "json", cwd=here).stdout
    assert done.returncode == 2


def test_several_workflows_as_text(here: Path) -> None:
    words = ["slip.toml", "greet.toml", "warned.toml"]
    done = agentdc("check", *words, cwd=here)
    alone = [agentdc("check", each, cwd=here) for each in words]
    assert done.stdout == "".join(each.stdout for each in alone)
    assert done.returncode == 5
    assert agentdc("check", "greet.toml", "warned.toml", cwd=here).returncode == 0


def test_what_two_workflows_share_is_told_once(here: Path) -> None:
    (here / "child.toml").write_text(SLIP.replace('"greet"', '"child"'))
    call = 'type = "call"\nworkflow = "child.toml"\n'
    parent = GREET.replace('type = "template_render"\ninput_from = "trigger"\n', call)
    for name in ("a.toml", "b.toml"):
        (here / name).write_text(parent.replace('template = "Hello, {{name}}!"\n', ""))
    done = agentdc("check", "a.toml", "b.toml", "child.toml", "--format", "github", cwd=here)
    dangling = [each for each in commands(done.stdout) if "dangling_edge" in each[1]["title"]]
    assert [each[1]["file"] for each in dangling] == ["child.toml"]


# --- hostile names and messages

HOSTILE = "\x1b[31m::error::\u202e\u2028]](//x)\x00\ufffe\udcff%0A%25,:\r\n]]><x a='1'>&a;\U0001f600\x85\n::error ::"


def _found(file: str) -> tuple[Diagnostic, ...]:
    source = SourceFile(file, ("# " + HOSTILE).encode("utf-8", "replace"))
    span = Span(source, 2, 12)
    parts = {"labels": [Label(span, HOSTILE)], "notes": [HOSTILE], "help": HOSTILE}
    return (
        error(code("cycle"), HOSTILE, span, HOSTILE, **parts),
        warning(code("dead_branch"), HOSTILE, **parts)
        if "dead_branch" in CODES
        else warning(code("cycle"), "x"),
        hint(code("internal"), HOSTILE + "2", span),
    )


@pytest.mark.parametrize("name", ["w.toml", f"a/{HOSTILE}/w.toml", "-,:%25.toml", "../../w.toml", "/", ""])
def test_no_name_and_no_message_breaks_a_format(name: str) -> None:
    outcomes = [Outcome(name, HOSTILE, _found(name)), Outcome(name + "2", None, ())]
    run_ = log(sarif.render(outcomes, "/srv/checkout"))
    assert len(run_["results"]) == 3
    for each in run_["results"]:
        assert not set(each["message"]["text"]) & set("\x1b\u202e\u2028\x00\x85\r")
        assert "](" not in each["message"]["text"]
    told = commands(github.render(outcomes, "/srv/checkout"))
    assert [each[0] for each in told] == ["error", "warning", "notice"]
    assert all(
        line.startswith(("::error file=", "::warning file=", "::notice file="))
        for line in github.render(outcomes, "/srv/checkout").splitlines()
    )
    suites = list(junit_of(junit.render(outcomes, "/srv/checkout")))
    assert [len(list(each)) for each in suites] == [len({each.code for each in _found(name)}), 1]


def test_file_names_of_any_bytes(here: Path) -> None:
    name = "b\udcff\x1b]0;,:%.toml"
    (here / name).write_text(SLIP)
    for form in ("sarif", "github", "junit", "json"):
        done = agentdc("check", name, "--format", form, cwd=here)
        assert (done.returncode, "\x1b" in done.stdout, done.stderr) == (5, False, ""), form
        assert agentdc("check", name, "--format", form, "-o", "out", cwd=here).returncode == 5
        data = (here / "out").read_bytes()
        assert data.decode() == done.stdout, form
    (result,) = log(agentdc("check", name, "--format", "sarif", cwd=here).stdout)["results"]
    assert (
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        == "b%FF%1B%5D0%3B%2C%3A%25.toml"
    )


# --- --output


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "junit"])
def test_output_holds_the_report_and_the_terminal_the_text(here: Path, form: str) -> None:
    words = ("slip.toml", "greet.toml", "--format", form)
    plain, text = agentdc("check", *words, cwd=here), agentdc("check", *words[:2], cwd=here)
    done = agentdc("check", *words, "--output", "reports/out", cwd=here)
    assert (done.returncode, done.stdout, done.stderr) == (5, text.stdout, "")
    assert (here / "reports/out").read_text() == plain.stdout
    assert [each.name for each in (here / "reports").iterdir()] == ["out"]
    assert agentdc("check", *words, "--output", "reports/out", cwd=here).returncode == 5  # replaced
    assert (here / "reports/out").read_text() == plain.stdout


@pytest.mark.parametrize("place", ["greet.toml/x", ".", "greet.toml", "/dev/null", "/proc/nothing"])
def test_output_that_cannot_be_written(here: Path, place: str) -> None:
    before = tree(here)
    done = agentdc("check", "greet.toml", "--format", "sarif", "-o", place, cwd=here)
    assert (done.returncode, done.stdout, codes(done.stderr)) == (
        2,
        "greet: no errors\n",
        ["output_unwritable"],
    )
    assert tree(here) == before
    assert Path("/dev/null").is_char_device()


def test_output_without_a_terminal(here: Path) -> None:
    assert shell("$AGENTDC check slip.toml --format sarif -o out >&-", cwd=here).returncode == 2
    assert len(log((here / "out").read_text())["results"]) == 1


# --- levels


def test_deny_wins_over_allow(here: Path) -> None:
    (here / "w.toml").write_text(f'{WARNED}\n[check]\nallow = ["policy_relative_path"]\n')
    assert agentdc("check", "w.toml", cwd=here).stdout == "greet: no errors\n"
    number = CODES["policy_relative_path"].number
    for words in (("--deny", "policy_relative_path"), ("--deny", number, "--allow", number)):
        done = agentdc("check", "w.toml", *words, cwd=here)
        assert (done.returncode, done.stdout.startswith(f"error[{number} ")) == (5, True)
    assert agentdc("build", "w.toml", "-o", "app/", "--deny", number, cwd=here).returncode == 5
    assert agentdc("check", "warned.toml", "--dialect", "agentd", "--deny", number, cwd=here).returncode == 5


@pytest.mark.parametrize("option", ["--allow", "--deny"])
def test_codes_that_do_not_exist(here: Path, option: str) -> None:
    done = agentdc("check", "greet.toml", option, "dangling_egde", cwd=here)
    assert (done.returncode, done.stdout) == (2, "")
    said = re.sub(r"[\s│]+", " ", done.stderr)
    assert 'no diagnostic has the code "dangling_egde"; did you mean "dangling_edge"?' in said
    assert agentdc("check", "greet.toml", "--format", "xml", cwd=here).returncode == 2


# --- pre-commit


def test_the_hook_under_pre_commit(here: Path) -> None:
    """The real program reads our definition and runs it; installing is left out, as it would ask the network."""
    pre_commit = Path(sys.executable).with_name("pre-commit")
    definition = TESTS.parent / ".pre-commit-hooks.yaml"
    home = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "GIT_CONFIG_GLOBAL": "/dev/null"}
    env = environment(here, **home, PRE_COMMIT_HOME=str(here / "cache"))

    def git(folder: Path, *words: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main")
        assert run(["git", *who, *words], cwd=folder, env=env).returncode == 0

    assert run([pre_commit, "validate-manifest", definition], cwd=here, env=env).returncode == 0
    hooks, user = here / "hooks", here / "user"
    (user / "a").mkdir(parents=True)
    hooks.mkdir()
    text = definition.read_text()
    assert "language: python\n" in text
    (hooks / definition.name).write_text(text.replace("language: python", "language: system"))
    (user / "workflow.toml").write_text(SLIP)
    (user / "a" / "workflow.toml").write_text(GREET)
    (user / "other.toml").write_text("x = 1\n")
    for folder in (hooks, user):
        git(folder, "init", "-q")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", "x")
    command = [pre_commit, "try-repo", str(hooks), "agentdc-check", "--all-files", "--verbose"]
    done = run(command, cwd=user, env=env)
    assert (done.returncode, codes(done.stdout)) == (1, ["dangling_edge"]), done.stdout
    assert "exit code: 5" in done.stdout
    (user / "workflow.toml").write_text(GREET)
    done = run(command, cwd=user, env=env)
    assert (done.returncode, done.stdout.count("greet: no errors")) == (0, 2), done.stdout
