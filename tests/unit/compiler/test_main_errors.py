"""What the command line says of codes that do not exist, and of mistakes of its own."""

from __future__ import annotations

import sys

import pytest

from agentdc import __main__
from agentdc.check import validate
from agentdc.codegen import package
from agentdc.driver import check, starter

WORKFLOW = """\
name = "greeter"

[[start_nodes]]
name = "go"
source = "manual"

[[nodes]]
id = "say"
type = "template_render"
template = "hello"
"""


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """The exit status of the command line."""
    monkeypatch.setattr(sys, "argv", ["agentdc", *words])
    with pytest.raises(SystemExit) as end:
        __main__.main()
    return end.value.code


@pytest.fixture
def _here(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("here")
    (folder / "workflow.toml").write_text(WORKFLOW)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.delenv("AGENTDC_TRACEBACK", raising=False)


@pytest.mark.parametrize(
    ("asked", "shown", "helped"),
    [
        ("dangling_egde", "dangling_egde", 'did you mean "dangling_edge"?'),
        ("DANGLING_EDGE", "DANGLING_EDGE", 'did you mean "dangling_edge"?'),
        ("nonsense", "nonsense", "a code stands in brackets at the beginning of a report"),
        ("ADC0000", "ADC0000", "did you mean"),
        ("", "", "a code stands in brackets"),
        ("x\x1b[31m", "x\\u001b[31m", "a code stands in brackets"),
    ],
)
def test_unknown_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: str, shown: str, helped: str
) -> None:
    assert _run(monkeypatch, "explain", asked) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(
        f'error[ADC1004 unknown_code]: no diagnostic has the code "{shown}"\n help: {helped}'
    )
    assert said.err.endswith("\n1 error\n")


class UnheardOf(Exception):
    """An exception that no stage expects."""


def _burst(*_: object, **__: object) -> object:
    raise UnheardOf("the third \x1b[2Jblock\nis 'hunter2'")


# A stage of the pipeline, where it is looked up, and a command that gets there.
STAGES = [
    (validate, "find_facts", "check workflow.toml"),
    (validate, "find_facts", "build workflow.toml -o app/"),
    (validate, "find_facts", "run workflow.toml"),
    (check, "decode", "check workflow.toml --format json"),
    (package, "package_name", "build workflow.toml -o app.pyz"),
    (starter, "make", "new agent"),
]


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(("module", "name", "command"), STAGES, ids=[each[2] for each in STAGES])
def test_a_mistake_of_ours(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: object,
    name: str,
    command: str,
) -> None:
    monkeypatch.setattr(module, name, _burst)
    assert _run(monkeypatch, *command.split()) == 70
    said = capsys.readouterr()
    assert said.out == ""
    first, *rest = said.err.splitlines()
    assert first == (
        "error[ADC0901 internal]: a mistake of agentdc, not of the workflow: UnheardOf: the third \\u001b[2Jblock"
    )
    assert "in agentdc." in rest[0]
    assert "report it with the workflow" in said.err
    assert "AGENTDC_TRACEBACK=1" in said.err
    assert "Traceback" not in said.err
    assert "hunter2" not in said.err


@pytest.mark.usefixtures("_here")
def test_the_traceback_is_there_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENTDC_TRACEBACK", "1")
    monkeypatch.setattr(validate, "find_facts", _burst)
    assert _run(monkeypatch, "check", "workflow.toml") == 70
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "error[ADC0901 internal]" in said


@pytest.mark.usefixtures("_here")
def test_an_interrupt_is_no_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(validate, "find_facts", stop)
    assert _run(monkeypatch, "check", "workflow.toml") == 130
    assert "internal" not in capsys.readouterr().err
