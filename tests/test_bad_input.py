"""Bad input of every sort: a clear report with exit status 2 or 5, no traceback, and nothing half-written.

Hostile but sound input is here as well: it must come out of the app as it went in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli
from command import GREET, Done, agentdc, app, codes, make, tree
from command import here as in_process

Cli = Callable[..., Done]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return lambda *words: in_process(*words, capsys=capsys)


# --- files that are no workflows

NODE = '[[nodes]]\nid = "{id}"\ntype = "merge"\n'
START = '[[start_nodes]]\nname = "s"\nsource = "manual"\nentry_node = "{id}"\n'
EDGE = '[[edges]]\nfrom = "{a}"\nto = "{b}"\n'
DEEP = 'name = "w"\nx = ' + "[" * 500 + "]" * 500
# What stands in the file, and what must be said of it. `run` ends with 2 where nothing can be decoded, else with 5.
SYNTAX: dict[str, tuple[bytes, str]] = {
    "open array": (b"name = [", "toml_syntax"),
    "open string": (b'name = "x', "toml_syntax"),
    "open table": (b"[[nodes]", "toml_syntax"),
    "twice": (b'name = "a"\nname = "b"', "toml_syntax"),
    "no TOML at all": (b"<html>", "toml_syntax"),
    "JSON": (b'{"name": "w"}', "toml_syntax"),
    "TOML 1.1": (b'name = "w\\e"', "toml_syntax"),
    "NUL": (b'name = "a\x00b"', "toml_syntax"),
    "only NUL": (b"\x00" * 100, "toml_syntax"),
    "control character": (b'name = "a\x1b[31mb"', "toml_syntax"),
    "bare CR": (b'name = "w"\rx = 1', "toml_syntax"),
    "too deep": (DEEP.encode(), "toml_syntax"),
    "Latin-1": (b'name = "caf\xe9"', "not_utf8"),
    "UTF-16": ('name = "w"'.encode("utf-16"), "not_utf8"),
    "surrogate": (b'name = "\xed\xa0\x80"', "not_utf8"),
    "cut in a character": (b'name = "\xf0\x9f\x98', "not_utf8"),
    "an executable": (b"\x7fELF\x02\x01\x01\xff\xfe", "not_utf8"),
}
SHAPE: dict[str, tuple[str, str]] = {
    "empty": ("", "missing_key"),
    "blank": (" \n\t\r\n", "missing_key"),
    "comment": ("# name = 'w'", "missing_key"),
    "name is a number": ("name = 1", "wrong_type"),
    "name is a date": ("name = 1979-05-27", "wrong_type"),
    "nodes is a table": ('name = "w"\n[nodes]\nid = "a"', "wrong_type"),
    "node is a number": ('name = "w"\nnodes = [1]', "wrong_type"),
    "id is an array": ('name = "w"\n[[nodes]]\nid = ["a"]\ntype = "merge"', "wrong_type"),
    "type is a table": ('name = "w"\n[[nodes]]\nid = "a"\ntype = {}', "wrong_type"),
    "unknown kind": ('name = "w"\n[[nodes]]\nid = "a"\ntype = "template_rendre"', "unknown_node_kind"),
    "unknown key": (f"{GREET}colour = 'red'\n", "unknown_key"),
    "unknown section": (f"{GREET}[polcy]\n", "unknown_key"),
    "key with a newline": (f'{GREET}"a\\nb" = 1\n', "unknown_key"),
    "unknown source": (GREET.replace("manual", "automatic"), "unknown_value"),
    "no id": ('name = "w"\n[[nodes]]\ntype = "merge"', "missing_key"),
    "negative": (f"{GREET}retry = {{ max_attempts = -1 }}\n", "out_of_range"),
    "too large": (f"{GREET}retry = {{ max_attempts = 4294967296 }}\n", "out_of_range"),
    "infinite": (f"{GREET}retry = {{ max_attempts = 1, jitter = inf }}\n", "out_of_range"),
    "40 digits": (f"{GREET}retry = {{ max_attempts = {10**40} }}\n", "out_of_range"),
    "two workflows": ("[[workflows]]\nname = 'a'\n[[workflows]]\nname = 'b'\n", "workflow_count"),
}


def graph(start: str, nodes: str, *edges: str, starts: int = 1) -> str:
    """A workflow of merge nodes with one-letter ids; an edge is two of them; a blank start names no entry."""
    begin = START.format(id=start) if start else START.replace('entry_node = "{id}"\n', "")
    wired = "".join(EDGE.format(a=each[0], b=each[1]) for each in edges)
    return 'name = "w"\n' + begin * starts + "".join(NODE.format(id=each) for each in nodes) + wired


GRAPH: dict[str, tuple[str, str]] = {
    "same id twice": (graph("a", "aa"), "dup_node_id"),
    "same start twice": (graph("a", "a", starts=2), "dup_start_name"),
    "edge to nowhere": (graph("a", "a", "ab"), "dangling_edge"),
    "edge to itself": (graph("a", "a", "aa"), "cycle"),
    "cycle of two": (graph("a", "ab", "ab", "ba"), "cycle"),
    "start at nowhere": (graph("x", "a"), "unknown_start_entry_node"),
    "out of reach": (graph("a", "ab"), "unreachable_node"),
    "two roots": (graph("", "ab"), "ambiguous_start_entry"),
    "path to nowhere": (
        GREET.replace('input_from = "trigger"', 'input_from = "nobody.x"'),
        "unknown_path_head",
    ),
    "path to itself": (
        GREET.replace('input_from = "trigger"', 'input_from = "hello.a"'),
        "path_not_upstream",
    ),
}


def refused(cli: Cli, folder: Path, data: bytes, slug: str, run_status: int) -> None:
    (folder / "w.toml").write_bytes(data)
    before = tree(folder)
    checked = cli("check", "w.toml")
    assert (checked.returncode, checked.stderr) == (5, "")
    assert slug in codes(checked.stdout)
    assert "--> w.toml:" in checked.stdout
    machine = json.loads(cli("check", "w.toml", "--format", "json").stdout)
    assert (machine["ok"], slug in {each["slug"] for each in machine["diagnostics"]}) == (False, True)
    assert not any(each in checked.stdout for each in "\x00\x1b\u202e\u2028\x7f")
    built = cli("build", "w.toml", "-o", "out/app.pyz")
    assert (built.returncode, built.stdout, codes(built.stderr)) == (5, "", codes(checked.stdout))
    ran = cli("run", "w.toml")
    assert (ran.returncode, codes(ran.stderr)) == (run_status, codes(checked.stdout))
    assert {name: data for name, data in tree(folder).items() if not name.startswith("home")} == before


@pytest.mark.parametrize("case", SYNTAX)
def test_syntax(cli: Cli, tmp_path: Path, case: str) -> None:
    refused(cli, tmp_path, *SYNTAX[case], run_status=2)


@pytest.mark.parametrize("case", SHAPE)
def test_shape(cli: Cli, tmp_path: Path, case: str) -> None:
    text, slug = SHAPE[case]
    refused(cli, tmp_path, text.encode(), slug, run_status=2)


@pytest.mark.parametrize("case", GRAPH)
def test_graph(cli: Cli, tmp_path: Path, case: str) -> None:
    text, slug = GRAPH[case]
    refused(cli, tmp_path, text.encode(), slug, run_status=5)


def test_everything_at_once_is_told_in_one_go(cli: Cli, tmp_path: Path) -> None:
    text = 'nmae = "w"\n[[start_nodes]]\nname = 3\nsource = "x"\n'
    text += '[[nodes]]\nid = "a"\ntype = "b"\n[[edges]]\nfrom = "a"\n'
    (tmp_path / "w.toml").write_text(text)
    found = codes(cli("check", "w.toml").stdout)
    assert found == ["unknown_key", "wrong_type", "unknown_value", "unknown_node_kind", "missing_key"]


# --- texts that are sound, and look like code

TEXTS: dict[str, str] = {
    "quotes": "'\"\"\"'''\\\\\\",
    "triple": '"""\n\'\'\'\n"""',
    "backslash at the end": "a\\",
    "newlines": "a\nb\r\nc\n\n",
    "controls": "\x01\x1b[31m\x7f\u0085\u2028\u2029",
    "bidi": "\u202eabc\u2066def",
    "braces": "{}{0}{x!r}%s%(x)s$x${x}",
    "jinja": "{% if x %}{# c #}{{ '{{' }}",
    "comment": "# noqa\n#} -->",
    "python": "'); import os; os._exit(9) #",
    "astral": "\U0001f600\U0010ffff\ufeff\u200b",
    "combining": "e\u0301" * 50,
    "long": "x" * 100_000,
    "many lines": "line\n" * 3000,
    "NUL escaped": "a\\u0000b",
    "none": "",
}


def quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=True) if max(map(ord, text), default=0) < 0x10000 else _wide(text)


def _wide(text: str) -> str:
    shown = (
        f"\\U{ord(each):08X}" if not (each.isascii() and each.isprintable()) or each in '"\\' else each
        for each in text
    )
    return '"' + "".join(shown) + '"'


@pytest.mark.parametrize("case", TEXTS)
def test_texts_come_out_as_they_went_in(tmp_path: Path, case: str) -> None:
    """As template, as reason, as branch label, as start name: through the compiler, the app and back."""
    text = TEXTS[case]
    plain = text.replace("{{", "{ {")  # no placeholder, so that it is what it is
    source = f"""\
name = "w"
description = {quoted(text)}
[[start_nodes]]
name = "say"
source = "manual"
entry_node = "say"
[[start_nodes]]
name = {quoted(f"stop{text}")}
source = "http"
entry_node = "stop"
[[start_nodes]]
name = "pick"
source = "http"
entry_node = "pick"
[[nodes]]
id = "say"
type = "template_render"
template = {quoted(plain)}
[[nodes]]
id = "stop"
type = "fail"
reason = {quoted(text)}
[[nodes]]
id = "pick"
type = "switch"
expr = "trigger.label"
[[nodes]]
id = "picked"
type = "merge"
[[edges]]
from = "pick"
to = "picked"
when = {quoted(text)}
"""
    assert tomli.loads(source)["description"] == text
    built = make(source, tmp_path)
    done = app(built, "--start", "say", cwd=tmp_path, AGENTD_QUIET="1")
    assert json.loads(done.stdout)["final_value"] == {"rendered": plain}
    given = json.dumps({"label": text})
    done = app(built, "--start", "pick", "--input", "-", cwd=tmp_path, input=given, AGENTD_QUIET="1")
    assert json.loads(done.stdout)["last_node"] == "picked", done.stderr
    if len(text) < 50_000:  # as long as an argument may be
        done = app(built, "--start", f"stop{text}", cwd=tmp_path)
        assert (done.returncode, json.loads(done.stdout)["reason"]) == (5, text)
        assert done.stderr.count("\n") == 1  # the log has one line, whatever the reason holds
        assert not any(each in done.stderr for each in "\x1b\u202e\u2028\x7f")


# fmt: off
IDS = (
    "class", "None", "True", "import", "match", "run", "trace", "now", "then", "branch", "print", "len", "json",
    "clock", "trigger_", "__main__", "_", "__", "9lives", "a b", "a-b", "a_b", "a.b", "A_B", "ä", "a\u0308",
    "\U0001f600", "\u202e", "'", '"', "\\", "\n", "{{x}}", "#", "STARTS", "LOOPS", "ABI", "Node", "Retry", "from_a",
    "x" * 300, "need", "find", "fill", "text", "annotations", "dict", "str", "Run", "Block",
)
# fmt: on


def test_ids_that_are_words_of_python_or_collide(tmp_path: Path) -> None:
    """One chain through all of them, each with an output of its own."""
    lines = ['name = "class"', START.format(id=IDS[0])]
    for number, name in enumerate(IDS):
        lines += ["[[nodes]]", f"id = {_wide(name)}", 'type = "template_render"', f'template = "{number}"']
        if number:
            lines += ["[[edges]]", f"from = {_wide(IDS[number - 1])}", f"to = {_wide(name)}"]
    built = make("\n".join(lines), tmp_path)
    done = app(built, "--record", "r.json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["last_node"]) == (0, IDS[-1])
    entries = json.loads((tmp_path / "r.json").read_text())["trace"]["entries"]
    assert [each["node_id"] for each in entries] == list(IDS)
    assert [each["output"] for each in entries] == [{"rendered": str(number)} for number in range(len(IDS))]


def test_ids_that_collide_read_one_another_rightly(tmp_path: Path) -> None:
    names = [each for each in IDS if "." not in each]
    lines = ['name = "w"', START.format(id=names[0])]
    for number, name in enumerate(names):
        lines += ["[[nodes]]", f"id = {_wide(name)}", 'type = "template_render"']
        lines += [f'template = "{number}"'] if not number else [
            f"input_from = {_wide(names[number - 1])}", f'template = "{{{{rendered}}}},{number}"',
        ]  # fmt: skip
        if number:
            lines += ["[[edges]]", f"from = {_wide(names[number - 1])}", f"to = {_wide(name)}"]
    done = app(make("\n".join(lines), tmp_path), cwd=tmp_path)
    assert json.loads(done.stdout)["final_value"] == {"rendered": ",".join(map(str, range(len(names))))}


@pytest.mark.parametrize(
    "name", ["json", "agentdc_runtime", "class", "1", "\u202e", "a/../../b", "x" * 300, '"', "a\n"]
)
def test_names_of_workflows(tmp_path: Path, name: str) -> None:
    built = make(GREET.replace('name = "greet"', f"name = {_wide(name)}"), tmp_path)
    done = app(built, "--validate-only", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["workflow"]) == (0, name)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["app", "workflow.toml"]
    shown = app(built, "--help", cwd=tmp_path).stdout
    assert not any(each in shown for each in "\u202e")


# --- large ones


def chain(count: int) -> Iterator[str]:
    yield 'name = "chain"\n'
    yield START.format(id="n0")
    for number in range(count):
        yield f'[[nodes]]\nid = "n{number}"\ntype = "template_render"\ntemplate = "{number}"\n'
    for number in range(1, count):
        yield EDGE.format(a=f"n{number - 1}", b=f"n{number}")


def test_ten_thousand_nodes_are_checked(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text("".join(chain(10_000)))
    began = time.monotonic()
    done = agentdc("check", "w.toml", cwd=tmp_path)
    print(f"check of 10,000 nodes: {time.monotonic() - began:.1f} s")
    assert (done.returncode, done.stdout) == (0, "chain: no errors\n")


@pytest.mark.parametrize(
    "count", [300, pytest.param(10_000, marks=pytest.mark.freeze)]
)  # minutes, so with the slow ones
def test_a_long_chain_is_built_and_runs(tmp_path: Path, count: int) -> None:
    began = time.monotonic()
    built = make("".join(chain(count)), tmp_path)
    print(f"build of {count} nodes: {time.monotonic() - began:.1f} s")
    began = time.monotonic()
    done = app(built, cwd=tmp_path)
    print(f"run of {count} nodes: {time.monotonic() - began:.1f} s")
    assert (done.returncode, json.loads(done.stdout)["last_node"]) == (0, f"n{count - 1}")


def test_ten_thousand_problems(cli: Cli, tmp_path: Path) -> None:
    text = 'name = "w"\n' + "".join(
        NODE.format(id=f"n{number % 10}") + f'x{number} = "y"\n' for number in range(2000)
    )
    (tmp_path / "w.toml").write_text(text.replace('"merge"', '"fail"'))
    done = cli("check", "w.toml")
    assert (done.returncode, codes(done.stdout).count("unknown_key")) == (5, 2000)


# --- inputs of the app


@pytest.fixture(scope="session")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = GREET.replace("template_render", "json_select").replace(
        'template = "Hello, {{name}}!"', 'path = ""'
    )
    return make(
        text.replace('input_from = "trigger"', 'input_from = "trigger.input"'),
        tmp_path_factory.mktemp("echo"),
    )


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize("depth", [126, 127])
def test_input_as_deep_as_it_may_be(echo: Path, tmp_path: Path, depth: int) -> None:
    done = app(echo, "--input", "-", cwd=tmp_path, input=nested(depth))
    assert (done.returncode, done.stderr) == (0, "")
    value: Any = json.loads(done.stdout)["final_value"]["value"]
    assert value == json.loads(nested(depth))


@pytest.mark.parametrize("given", [nested(128), nested(100_000), '{"a":' * 100_000, "[" * 1_000_000])
def test_input_that_is_too_deep_is_text(echo: Path, tmp_path: Path, given: str) -> None:
    """No JSON of the dialect, so it is the raw text: the path to `input` leads nowhere, and no stack overflows."""
    done = app(echo, "--input", "-", cwd=tmp_path, input=given, AGENTD_QUIET="1")
    assert (done.returncode, done.stdout) == (5, "")
    assert "trigger.input" in done.stderr


@pytest.mark.parametrize(
    "given",
    [
        "1e999",
        "-1e999",
        "NaN",
        "Infinity",
        "1" * 10_000,
        "01",
        "[1,]",
        "{1: 2}",
        '"\\x"',
        "\ufeff1",
        "1 2",
        '{"a": 1} x',
    ],
)
def test_input_that_is_nearly_json_is_text(echo: Path, tmp_path: Path, given: str) -> None:
    done = app(echo, "--input", "-", cwd=tmp_path, input=given, AGENTD_QUIET="1")
    assert (done.returncode, "trigger.input" in done.stderr) == (5, True)


@pytest.mark.parametrize(
    "given",
    [
        "-0",
        "-0.0",
        "1e-400",
        "18446744073709551616",
        "0." + "1" * 10_000,
        '"' + "x" * 1_000_000 + '"',
        "[" + "0," * 99_999 + "0]",
    ],
    ids=lambda given: given[:20],
)
def test_input_at_the_edge(echo: Path, tmp_path: Path, given: str) -> None:
    done = app(echo, "--input", "-", cwd=tmp_path, input=given)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["final_value"]["value"] == json.loads(given)
