"""Context paths against what holds where they are read (spec 01 §3, design: levels)."""

from __future__ import annotations

import pytest
from compiled import checked

HEAD = """
name = "w"
[policy]
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "a"
"""


def _node(name: str, kind: str, **fields: str) -> str:
    lines = [f'{key} = "{value}"' for key, value in fields.items()]
    return "\n".join([f'[[nodes]]\nid = "{name}"\ntype = "{kind}"', *lines, ""])


def _edge(source: str, target: str, when: str = "", rounds: int = 0) -> str:
    lines = [f'[[edges]]\nfrom = "{source}"\nto = "{target}"']
    lines += [f'when = "{when}"'] if when else []
    lines += [f"max_iterations = {rounds}"] if rounds else []
    return "\n".join([*lines, ""])


TEXT = _node("a", "template_render", template="{{}}")
TEST = _node("a", "condition", expr="trigger.x")
PARSED = _node("a", "parse_json", input_from="trigger.text")
NEEDS = "parse_json"  # needs a string, and errors
ANY = "template_render"  # takes anything, and errors
NULLS = "condition"  # takes anything, also nothing


def _reader(kind: str, path: str, name: str = "r") -> str:
    field = {"condition": "expr", "switch": "expr", "shell_run": "args_from"}.get(kind, "input_from")
    rest = {"template_render": {"template": "x"}, "shell_run": {"command": "/bin/true"}}.get(kind, {})
    return _node(name, kind, **{field: path}, **rest)


def _found(body: str) -> list[tuple[str, str, str]]:
    """(severity, slug, marked text) of what concerns paths."""
    ignored = {"condition_one_sided", "policy_denied", "unhandled_error_branch"}
    rows = []
    for each in checked(HEAD + body).diagnostics:
        assert each.primary is not None
        span = each.primary.span
        if each.code.slug not in ignored:
            rows.append((each.severity.value, each.code.slug, span.file.text[span.start : span.end]))
    return rows


def _two(path: str, kind: str, first: str = TEXT) -> list[tuple[str, str, str]]:
    return _found(first + _reader(kind, path) + _edge("a", "r"))


@pytest.mark.parametrize("kind", [NEEDS, ANY, NULLS, "switch", "shell_run"])
@pytest.mark.parametrize("path", ["trigger.x", "trigger.kind", "trigger.a.0.b", "trigger..", "a.rendered"])
def test_paths_that_may_resolve(path: str, kind: str) -> None:
    if (path, kind) == ("a.rendered", "shell_run"):
        assert _two(path, kind) == [("error", "type_mismatch", '"a.rendered"')]
    else:
        assert _two(path, kind) == []


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("nobody.x", "unknown_path_head"),
        ("", "unknown_path_head"),
        (".a", "unknown_path_head"),
        ("Trigger.x", "unknown_path_head"),
        ("a .rendered", "unknown_path_head"),
        ("a.content", "unknown_output_key"),
        ("a.rendered.x", "unknown_output_key"),
        ("a.rendered.0", "unknown_output_key"),
        ("a.", "unknown_output_key"),
    ],
)
def test_paths_that_never_resolve(path: str, slug: str) -> None:
    """An error in front of a consumer that aborts, a warning in front of one that takes null."""
    assert _two(path, ANY) == [("error", slug, f'"{path}"')]
    assert _two(path, NULLS) == [("warning", slug, f'"{path}"')]


def test_known_names_are_offered() -> None:
    found = checked(HEAD + TEXT + _reader(ANY, "a.rendred") + _edge("a", "r")).diagnostics
    assert [each.help for each in found] == ['did you mean "rendered"?']
    found = checked(HEAD + TEXT + _reader(ANY, "triger.x") + _edge("a", "r")).diagnostics
    assert [each.help for each in found] == ['did you mean "trigger"?']


B = _node("b", ANY, template="b")
DIAMOND = TEST + _node("b", "template_render", template="b") + _node("j", "merge")
JOIN = _edge("a", "b", "true") + _edge("a", "j", "false") + _edge("b", "j") + _edge("j", "r")


@pytest.mark.parametrize(
    ("body", "level", "slug"),
    [
        # Later on the only route.
        (_reader(ANY, "b.rendered", "a") + B + _edge("a", "b"),
         "error", "path_not_upstream"),
        (_reader(NULLS, "b.rendered", "a") + B + _edge("a", "b", "true"),
         "warning", "path_not_upstream"),
        # Itself, without a loop.
        (_reader(ANY, "a.rendered", "a"), "error", "path_not_upstream"),
        # On another branch.
        (TEST + B + _reader(ANY, "b.rendered") + _edge("a", "b", "true") + _edge("a", "r", "false"),
         "error", "path_not_upstream"),
        # On one of two routes to a join.
        (DIAMOND + _reader(ANY, "b.rendered") + JOIN, "error", "maybe_unset"),
        (DIAMOND + _reader(NULLS, "b.rendered") + JOIN, "warning", "maybe_unset"),
        # On the way round a loop, and itself the round before.
        (_reader(NULLS, "b.rendered", "a") + B
         + _edge("a", "b", "true") + _edge("b", "a", "", 2), "warning", "maybe_unset"),
        (_reader(ANY, "a.rendered", "a") + _edge("a", "a", "", 2), "error", "maybe_unset"),
    ],
)  # fmt: skip
def test_heads_that_may_not_have_run(body: str, level: str, slug: str) -> None:
    assert [each[:2] for each in _found(body)] == [(level, slug)]


def test_a_head_on_every_route_is_certain() -> None:
    both = TEST + _node("b", "merge") + _node("c", "merge") + _reader(NULLS, "a.value")
    assert (
        _found(both + _edge("a", "b", "true") + _edge("a", "c", "false") + _edge("b", "r") + _edge("c", "r"))
        == []
    )


def test_two_entries_make_a_head_uncertain() -> None:
    second = '[[start_nodes]]\nname = "late"\nsource = "event"\nentry_node = "r"\n'
    assert [each[:2] for each in _found(second + TEXT + _reader(ANY, "a.rendered") + _edge("a", "r"))] == [
        ("error", "maybe_unset")
    ]


@pytest.mark.parametrize(
    ("first", "path", "kind", "found"),
    [
        # A string is needed, and something else is certain.
        (TEXT, "a", NEEDS, True),
        (_node("a", "json_select", input_from="trigger", path="x"), "a.found", NEEDS, True),
        (_node("a", "merge"), "a", NEEDS, True),
        (_node("a", "json_select", input_from="trigger", path="x"), "a.value", NEEDS, False),
        (PARSED, "a.parsed", NEEDS, False),
        (PARSED, "a.parsed.deep.er", NEEDS, False),
        (_node("a", "read_env", key="1"), "a.key", NEEDS, False),
        (_node("a", "read_env", key="X"), "a.missing", NEEDS, True),
        # An array, or nothing.
        (PARSED, "a.parsed", "shell_run", False),
        (_node("a", "merge"), "a", "shell_run", False),
        (_node("a", "diff_compute", left_from="trigger", right_from="trigger"), "a.added", "shell_run", True),
    ],
)
def test_kinds_of_values(first: str, path: str, kind: str, found: bool) -> None:
    wanted = [("error", "type_mismatch", f'"{path}"')] if found else []
    assert [each for each in _two(path, kind, first) if each[1] != "policy_absent"] == wanted


def test_types_flow_through_selections() -> None:
    body = TEXT
    body += _node("b", "json_select", input_from="a", path="rendered")
    body += _node("c", "condition", expr="b.value.more")
    body += _node("d", "parse_json", input_from="b.value")
    body += _edge("a", "b") + _edge("b", "c") + _edge("c", "d", "true")
    assert _found(body) == [("warning", "unknown_output_key", '"b.value.more"')]


def test_a_node_called_trigger_hides_nothing_before_it_has_run() -> None:
    body = _reader(ANY, "trigger.text", "a")
    body += _node("trigger", "template_render", template="t") + _reader(ANY, "trigger.rendered")
    body += _edge("a", "trigger") + _edge("trigger", "r")
    assert [each[:2] for each in _found(body)] == [("warning", "reserved_id")]


def test_paths_are_not_judged_while_the_graph_is_unknown() -> None:
    body = TEXT + _reader(ANY, "nobody.x") + _edge("a", "r") + _edge("r", "nowhere")
    assert [each[1] for each in _found(body)] == ["dangling_edge"]
