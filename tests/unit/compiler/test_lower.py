"""From a checked workflow to blocks of one step each: what each row becomes, as the text of the program."""

from __future__ import annotations

import pytest
from compiled import checked

from agentdc.ir.ops import Program
from agentdc.ir.pprint import program_text
from agentdc.lower.build import lower
from agentdc.lower.operands import operands

HEAD = """
name = "w"
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "a"
"""
TEXT = '[[nodes]]\nid = "a"\ntype = "template_render"\ntemplate = "t"\n'


def _node(name: str, kind: str, *fields: str) -> str:
    return "\n".join([f'[[nodes]]\nid = "{name}"\ntype = "{kind}"', *fields, ""])


def _edge(source: str, target: str, *rest: str) -> str:
    return "\n".join([f'[[edges]]\nfrom = "{source}"\nto = "{target}"', *rest, ""])


def _lowered(body: str) -> Program:
    report = checked(HEAD + body)
    assert report.workflow is not None
    assert report.facts is not None, [each.message for each in report.diagnostics]
    assert report.decoded is not None
    return lower(report.workflow, report.facts, report.decoded.places, "w.toml")


def _text(body: str, node: str) -> list[str]:
    """The lines of one node's block."""
    blocks = program_text(_lowered(body)).split("\nblock ")[1:]
    found = next(block for block in blocks if block.startswith(f'"{node}"\n'))
    return [line.strip() for line in found.splitlines()[1:]]


def test_a_block_for_each_node_with_its_line() -> None:
    program = _lowered(TEXT + _node("b", "merge") + _edge("a", "b"))
    assert [(block.name, [step.node for step in block.steps]) for block in program.blocks] == [
        ("a", ["a"]),
        ("b", ["b"]),
    ]
    assert [block.steps[0].line for block in program.blocks] == [7, 11]
    assert program.file == "w.toml"
    assert not program.awaits
    assert not program.cyclic


def test_starts() -> None:
    second = '[[start_nodes]]\nname = "late"\nsource = "event"\nentry_node = "b"\n'
    program = _lowered(second + TEXT + _node("b", "merge") + _edge("a", "b"))
    assert [(start.name, start.source, start.block) for start in program.starts] == [
        ("go", "manual", "a"),
        ("late", "event", "b"),
    ]


LOOP, NEVER, X = "max_iterations = 3", "max_iterations = 0", 'when = "x"'
SWITCH = _node("a", "switch", 'expr = "trigger.x"') + _node("b", "merge") + _node("c", "merge")


@pytest.mark.parametrize(
    ("body", "exits"),
    [
        (TEXT + _node("b", "merge") + _edge("a", "b"), ['else -> "b"']),
        # In file order, one entry per label; loop edges before plain ones.
        (
            SWITCH + _edge("a", "b", X) + _edge("a", "c", 'when = ""') + _edge("a", "a", X, LOOP),
            ['"x" -> loop 0, "b"', '"" -> "c"'],
        ),
        # What no outcome takes is left out, and so is what is never followed.
        (
            SWITCH + _edge("a", "b") + _edge("a", "c", X) + _edge("a", "b", 'when = "y"', NEVER),
            ['"x" -> "c"'],
        ),
        (_node("a", "fail") + _node("b", "merge") + _edge("a", "b"), []),
        (_node("a", "terminate") + _node("b", "merge") + _edge("a", "b"), []),
        (
            TEXT + _node("b", "merge") + _node("c", "merge") + _edge("a", "b") + _edge("a", "c"),
            ['else -> "b", "c"'],
        ),
        (
            TEXT + _node("b", "merge") + _edge("a", "b", LOOP) + _edge("a", "a", LOOP),
            ["else -> loop 0, loop 1"],
        ),
    ],
)  # fmt: skip
def test_exits(body: str, exits: list[str]) -> None:
    assert _text(body, "a")[1:] == exits


@pytest.mark.parametrize(
    ("kind", "labels", "covered"),
    [
        ("condition", ["true", "false"], True),
        ("condition", ["true"], False),
        ("condition", [], False),
        ("switch", ["true", "false"], False),
    ],
)
def test_covered(kind: str, labels: list[str], covered: bool) -> None:
    edges = "".join(_edge("a", "b", f'when = "{label}"') for label in labels) or _edge(
        "a", "b", 'when = "no"'
    )
    program = _lowered(_node("a", kind, 'expr = "trigger.x"') + _node("b", "merge") + edges)
    assert program.blocks[0].steps[0].covered == covered


def test_loops_are_numbered_in_file_order() -> None:
    body = SWITCH + _edge("a", "b", "max_iterations = 0", 'when = "z"')
    body += _edge("b", "a", "max_iterations = 5") + _edge("a", "b", 'when = "x"')
    body += _edge("a", "c", 'when = "y"', "max_iterations = 7")
    program = _lowered(body)
    assert [(loop.number, loop.limit, loop.target) for loop in program.loops] == [(0, 5, "a"), (1, 7, "c")]
    assert program.cyclic


PARSE = '[[nodes]]\nid = "a"\ntype = "parse_json"\ninput_from = "trigger.x"\n'


@pytest.mark.parametrize(
    ("retry", "line"),
    [
        ("max_attempts = 3", "retry 3 on any back-off 100 ms jitter 0.0"),
        (
            'max_attempts = 2, backoff_ms = 5, on = "transient", jitter = 0.25',
            "retry 2 on transient back-off 5 ms jitter 0.25",
        ),
        ("max_attempts = 1", None),
        ("max_attempts = 0", None),
    ],
)
def test_retry(retry: str, line: str | None) -> None:
    found = [each for each in _text(PARSE + f"retry = {{ {retry} }}\n", "a") if each.startswith("retry")]
    assert found == ([line] if line else [])


@pytest.mark.parametrize("kind", ["fail", "merge", "terminate"])
def test_what_cannot_err_is_not_retried(kind: str) -> None:
    assert _lowered(_node("a", kind, "retry = { max_attempts = 9 }")).blocks[0].steps[0].retry is None


def _read(path: str) -> str:
    """How a template node behind `a` and `b` reads its data, `a` being a selection of `trigger` and `b` a file."""
    body = _node("a", "json_select", 'input_from = "trigger"', 'path = "x"')
    body += _node("b", "read_file", 'path_from = "trigger.y"')
    body += _node("c", "json_select", f'input_from = "{path}"', 'path = ""')
    (line, *_) = _text(body + _edge("a", "b") + _edge("b", "c"), "c")
    return line.partition("value=")[2].partition(", path=")[0]


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("trigger", 'output "trigger"'),
        ("trigger.kind", 'output "trigger"."kind"'),
        ("trigger.x.0", 'output "trigger"?"x"?"0" else error of json_select'),
        ("trigger..", 'output "trigger"?""?"" else error of json_select'),
        ("a", 'output "a"'),
        ("a.value", 'output "a"."value"'),
        ("a.value.deep", 'output "a"."value"?"deep" else error of json_select'),
        # A file's output has its keys in real runs only.
        ("b", 'output "b"'),
        ("b.content", 'output "b"?"content" else error of json_select'),
    ],
)
def test_reads(path: str, read: str) -> None:
    assert _read(path) == read


def test_a_read_of_what_may_not_have_run() -> None:
    body = _node("a", "condition", 'expr = "b.rendered"') + _node("b", "template_render", 'template = "x"')
    body += _edge("a", "b", 'when = "false"') + _edge("b", "a", "max_iterations = 1")
    assert 'value=maybe "b"."rendered" else null' in _text(body, "a")[0]


@pytest.mark.parametrize(
    ("template", "data", "parts"),
    [
        ("{{rendered}}", "a", '<"rendered" string>'),
        ("{{}}", "a", '<"" value>'),
        ("{{}}", "a.rendered", '<"" string>'),
        ("{{ rendered.x }}", "a", '<"rendered.x" nothing>'),
        ("{{nope}}", "a", '<"nope" nothing>'),
        ("{{..rendered.}}", "a", '<"..rendered." string>'),
        ("{{kind}}{{x}}", "trigger", '<"kind" value> <"x" nothing>'),
        ("{{x}}", "trigger.x", '<"x" nothing>'),
        ("a{{", "a", '"a{{"'),
        ("{{ {{rendered}}", "a", '<"{{rendered" nothing>'),
        ("}}{{rendered}}{{", "a", '"}}" <"rendered" string> "{{"'),
    ],
)
def test_holes(template: str, data: str, parts: str) -> None:
    body = TEXT + _node("b", "template_render", f'template = "{template}"', f'input_from = "{data}"')
    assert _text(body + _edge("a", "b"), "b")[0].startswith(
        f'"b" template_render = {{"rendered": template([{parts}],'
    )


def test_respond_reads_the_raw_input() -> None:
    assert "data" not in _text(_node("a", "respond", 'body_template = "{{x}}"'), "a")[0]
    assert (
        'template([<"x" nothing>], input())'
        in _text(_node("a", "respond", 'body_template = "{{x}}"'), "a")[0]
    )


def test_operands_are_the_tables_as_written() -> None:
    text = HEAD + TEXT + '[policy.fs]\nread = ["/in/**"]\n[logging]\nlevel = "info"\n'
    workflow = checked(text).workflow
    assert workflow is not None
    document = operands(workflow, "digest")
    assert document["program_sha256"] == "digest"
    assert document["policy"]["fs"]["read"] == ["/in/**"]
    assert document["logging"]["level"] == "info"
    assert document["signing"] is None


def test_no_policy_is_not_an_empty_one() -> None:
    plain, empty = (checked(HEAD + each + TEXT).workflow for each in ("", "[policy]\n"))
    assert plain is not None
    assert empty is not None
    assert operands(plain, "")["policy"] is None
    assert operands(empty, "")["policy"] is not None
