"""The house itself: what the documents say is so, the tree is as it should be, and nothing of a machine is in it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tomli
import typer
from compiled import compiled

from agentdc.cli.app import app as command_line
from agentdc.diagnostics import CODES
from agentdc.driver import starter
from agentdc.freeze.preflight import inspect_host, preflight
from agentdc.version import VERSION
from agentdc_runtime.host.flags import FLAGS, PLANNING

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 500
TARGETS = {
    "help", "dev", "run", "fmt", "lint", "types", "test", "golden", "golden-update", "examples", "freeze-test",
    "fuzz", "bench", "docs", "new-node", "ci", "soak",
}  # fmt: skip
TREE = (
    *(f"compiler/agentdc/{stage}" for stage in (
        "diagnostics", "types", "model", "trust", "parse", "ir", "nodes", "check", "lower", "passes", "codegen",
        "link", "freeze", "drawing", "testing", "driver", "cli",
    )),
    *(f"runtime_lib/agentdc_runtime/{part}" for part in (
        "core", "host", "net", "nodes", "observe", "policy", "secrets", "signing", "testing",
    )),
    "templates/agentdc_templates/app", "templates/agentdc_templates/starter",
    "tests/cases/valid", "tests/cases/invalid", "tests/cases/run", "tests/nodes", "tests/unit",
    "examples", "docs", ".ci",
)  # fmt: skip

# Written in pieces, so that this file does not hold what it looks for.
PLACES = "|".join(("/wo" + "rk/", "/ho" + "me/[a-z]", "/ro" + "ot/", "/Us" + "ers/", "C:" + r"\\Users"))
MACHINE = f"(^|[^}}[:alnum:]])({PLACES})"
REGISTRIES = ("py" + r"pi\.(org|python)", "python" + "hosted", "registry\\.np" + "mjs", "arti" + "factory")
REGISTRY = "|".join((*REGISTRIES, "index-url" + "[ =]*http"))


def _git(*words: str) -> str:
    command = ["git", "-c", "safe.directory=*", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout


@cache
def _files(*patterns: str) -> tuple[str, ...]:
    """Files of the tree that git has or would take, by pattern."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns).splitlines()
    return tuple(sorted(each for each in set(listed) if (ROOT / each).is_file()))


@cache
def _documents() -> tuple[str, ...]:
    """Our own prose: everything in Markdown that is neither generated nor data of the compiler."""
    kept = (each for each in _files("*.md") if not each.startswith(("tests/", "compiler/", "templates/")))
    return tuple(kept)


def _text(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


# --- the tree


def test_one_version() -> None:
    project = tomli.loads(_text("pyproject.toml"))["project"]
    assert project["version"] == VERSION
    assert _text("CHANGELOG.md").split("\n## ")[1].split()[0] == VERSION


@pytest.mark.parametrize("folder", TREE)
def test_the_tree_is_there(folder: str) -> None:
    assert (ROOT / folder).is_dir()


def test_nothing_is_installed_that_is_no_package() -> None:
    for root in ("compiler", "runtime_lib", "templates"):
        assert not (ROOT / root / "__init__.py").exists()
        packages = [
            each.name for each in (ROOT / root).iterdir() if each.is_dir() and each.name != "__pycache__"
        ]
        assert len(packages) == 1
        assert (ROOT / root / packages[0] / "py.typed").exists()


def test_no_module_for_everything() -> None:
    names = {Path(each).stem for each in _files("compiler/*.py", "runtime_lib/*.py")}
    assert not names & {"utils", "util", "helpers", "helper", "manager", "misc", "common"}


def test_no_file_holds_two_ideas() -> None:
    sources = [each for each in _files("*.py", "*.j2") if not each.startswith("tests/cases/")]
    assert len(sources) > 200
    long = {each: _text(each).count("\n") for each in sources}
    assert not {each: count for each, count in long.items() if count > MOST_LINES}


def test_make_help_lists_the_targets() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert {line[0] for line in lines} >= TARGETS
    assert all(len(line) == 2 for line in lines)


def test_what_ci_runs_is_the_test_command_of_the_readme() -> None:
    assert _text(".ci/run").splitlines()[-1] == "exec make test"
    assert "    make test " in _text("README.md")


# --- nothing of a machine


@pytest.mark.parametrize(
    "pattern", [MACHINE, REGISTRY], ids=["paths of a machine", "addresses of a registry"]
)
def test_nothing_of_a_machine(pattern: str) -> None:
    found = _git(
        "grep",
        "--untracked",
        "-nIE",
        pattern,
        "--",
        ":!tests/unit/test_house.py",
        ":!tests/cases",
        ":!tests/nodes",
    )
    assert found == ""


def test_the_lock_file_has_hashes_and_no_addresses() -> None:
    text = _text("requirements.lock")
    assert "://" not in text
    pinned = re.findall(r"^([\w.-]+)(\[[\w,]+\])?==(\S+)( ; .*)? \\$", text, re.MULTILINE)
    entries = re.split(r"^(?=[\w.-]+(?:\[[\w,]+\])?==)", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pinned) > 20
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.partition(" ")[0]
    loose = [
        line
        for line in text.splitlines()
        if re.match(r"\S", line) and not line.startswith("#") and "==" not in line
    ]
    assert not loose


# --- the documents


def _links(path: str) -> Iterator[str]:
    prose = re.sub(r"```.*?```", "", _text(path), flags=re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`(?!\])", "", prose))


def _anchors(path: Path) -> set[str]:
    """How headings are addressed: lower case, blanks as dashes, without punctuation."""
    titles = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", _documents())
def test_links_lead_somewhere(document: str) -> None:
    for link in _links(document):
        assert "://" not in link, link
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("document", _documents())
def test_codes_in_the_documents_are_codes(document: str) -> None:
    for number, slug in re.findall(r"\b(ADC\d{4}) (\w+)", _text(document)):
        assert slug not in CODES or CODES[slug].number == number, (number, slug)
        assert number in {code.number for code in CODES.values()}


@pytest.mark.parametrize("document", _documents())
def test_tests_that_the_documents_name_are_there(document: str) -> None:
    text = _text(document)
    for path in re.findall(r"`(tests/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"`(test_\w+\.py)`", text):
        assert any(
            (ROOT / "tests" / folder / name).exists() for folder in ("unit/compiler", "unit/runtime")
        ), name


def test_the_generated_tables_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ".ci/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _commands() -> dict[str, Any]:
    group: Any = typer.main.get_command(command_line)
    return dict(group.commands)


def _options(command: Any) -> set[str]:
    return {name for each in command.params for name in each.opts if name.startswith("-")} | {"-h", "--help"}


def _code_lines(path: str) -> Iterator[str]:
    """Lines of code blocks, without the prompt; of a session only what is typed."""
    fenced = re.findall(r"```(\w*)\n(.*?)```", _text(path), re.DOTALL)
    for language, block in fenced:
        lines = block.splitlines()
        if language == "console":
            yield from (line[2:] for line in lines if line.startswith("$ "))
        elif language in {"", "sh"}:
            yield from lines
    rest = re.sub(r"```.*?```", "", _text(path), flags=re.DOTALL)
    yield from (line.strip() for line in rest.splitlines() if line.startswith("    "))


@pytest.mark.parametrize("document", [*_documents(), "templates/agentdc_templates/starter/README.md"])
def test_commands_in_the_documents_are_known(document: str) -> None:
    commands, targets = _commands(), set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))
    for line in _code_lines(document):
        for part in re.split(r"&&|\|\||;|\s\|\s", line.partition(" #")[0]):
            words = part.split()
            if words[:1] in (["agentdc"], [".venv/bin/agentdc"]) and len(words) > 1:
                assert words[1] in commands or words[1] in {"--version", "-V", "--help", "-h"}, line
                if words[1] in commands and words[1] != "run":
                    given = {
                        word.partition("=")[0].strip("[]") for word in words[2:] if re.match(r"\[?-", word)
                    }
                    assert given <= _options(commands[words[1]]), line
            if words[:1] == ["make"]:
                assert words[1] in targets, line


def test_the_command_line_page_is_complete() -> None:
    page = _text("docs/command-line.md")
    for name, command in _commands().items():
        assert f"`{name}`" in page or f"agentdc {name} " in page or f"agentdc {name}\n" in page, name
        for option in _options(command) - {"-h", "--help"}:
            assert re.search(rf"[`, ]{option}[`, =\n]", page), f"{name} {option}"
    for names, _, _, variable in FLAGS:
        for each in names:
            assert re.search(rf"`{each}[` ]", page), each
        assert not variable or f"`{variable}`" in page, variable
    for each in PLANNING:
        assert f"`{each}`" in page, each
    known = {variable for _, _, _, variable in FLAGS} | {"AGENTD_INSTRUCTION", "AGENTD_GOAL"}
    assert set(re.findall(r"`(AGENTD_\w+)`", page)) <= known


def test_generated_code_in_the_documents_is_what_is_generated(tmp_path: Path) -> None:
    made = starter.make(str(tmp_path / "hello"))
    source = next(path for path in made if path.name == "workflow.toml")
    workflow = compiled(source.read_bytes()).files["hello/workflow.py"].decode()
    excerpts = re.findall(r"```python\n(.*?)```", _text("ARCHITECTURE.md"), re.DOTALL)
    assert excerpts
    for excerpt in excerpts:
        assert excerpt in workflow


def test_toml_in_the_documents_is_toml() -> None:
    for document in _documents():
        for block in re.findall(r"```toml\n(.*?)```", _text(document), re.DOTALL):
            tomli.loads(block)


# --- the readme as a session


def _session() -> list[tuple[str, str]]:
    """(command, what it shows) of every console block of the readme, in order."""
    blocks = re.findall(r"```console\n(.*?)```", _text("README.md"), re.DOTALL)
    steps = re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]
    return [(command, shown) for command, _, shown in (step.partition("\n") for step in steps)]


def _masked(text: str) -> str:
    """Without what differs between machines and versions of Python."""
    text = re.sub(r" +\d+\.\d+ (s|MB|kB)\b", r" <number> \1", text)
    return re.sub(r"; Linux .*", "; <where it runs>", text)


@pytest.mark.freeze
@pytest.mark.skipif(bool(preflight(inspect_host())), reason="this host cannot freeze")
def test_the_readme_does_what_it_shows(tmp_path: Path) -> None:
    shim = tmp_path / "bin" / "agentdc"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m agentdc "$@"\n')
    shim.chmod(0o755)
    steps = _session()
    assert len(steps) > 5
    script = "\n".join(f"echo '@@'\n{command}\necho \"@?$?\"" for command, _ in steps)
    done = subprocess.run(
        ["/bin/sh"],
        input=f"exec 2>&1\n{script}\n",
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{shim.parent}:{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    shown = re.findall(r"^@@\n(.*?)^@\?(\d+)$", done.stdout, re.MULTILINE | re.DOTALL)
    assert len(shown) == len(steps), done.stdout
    for (command, expected), (found, status) in zip(steps, shown, strict=True):
        assert status == ("5" if "error[" in expected else "0"), command + "\n" + found
        if expected:
            assert _masked(found) == _masked(expected), command


def test_sizes_in_the_readme_are_those_of_its_session() -> None:
    table = re.findall(r"^\| `(agent\S*)` \|.*\| ([\d.]+ [kM]B) \|$", _text("README.md"), re.MULTILINE)
    assert [name for name, _ in table] == ["agent", "agent/", "agent.pyz"]
    assert f"hello: {dict(table)['agent']};" in _text("README.md")


def test_examples_of_json_in_the_documents_are_json() -> None:
    for document in _documents():
        for block in re.findall(r"```json\n(.*?)```", _text(document), re.DOTALL):
            json.loads(block)
