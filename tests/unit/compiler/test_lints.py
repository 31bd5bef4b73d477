"""Findings that need no types: each row is a workflow's body, and what is found where (spec 01 §13)."""

from __future__ import annotations

import pytest
from compiled import checked

from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic

HEAD = """
name = "w"
[policy]
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "a"
"""
NODES = """
[[nodes]]
id = "a"
type = "merge"
[[nodes]]
id = "b"
type = "merge"
[[nodes]]
id = "c"
type = "merge"
"""
JOINED = """
[[edges]]
from = "a"
to = "b"
[[edges]]
from = "b"
to = "c"
"""
ABSENT = {"child_unreadable"}  # no child is there, and none is needed for these
ONE = '[[nodes]]\nid = "a"\ntype = "merge"\n'


def _marked(found: Diagnostic) -> str:
    assert found.primary is not None
    span = found.primary.span
    return span.file.text[span.start : span.end]


def _found(body: str, options: Options | None = None) -> list[tuple[str, str, str]]:
    return [
        (each.severity.value, each.code.slug, _marked(each))
        for each in checked(HEAD + body, options=options).diagnostics
        if each.code.slug not in {"policy_denied", "policy_may_deny"}  # nothing is granted here
    ]


def _node(kind: str, fields: str = "", name: str = "a") -> str:
    return f'[[nodes]]\nid = "{name}"\ntype = "{kind}"\n{fields}\n'


def _edge(source: str, target: str, rest: str = "") -> str:
    return f'[[edges]]\nfrom = "{source}"\nto = "{target}"\n{rest}\n'


def _trigger(kind: str, fields: str) -> str:
    return f'[[triggers]]\ntype = "{kind}"\nstart_node = "go"\n{fields}\n{ONE}'


def test_nothing_is_found_in_a_plain_workflow() -> None:
    assert _found(NODES + JOINED) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (_trigger("cron", 'schedule = "0 0 9 ? * mon-fri"'), []),
        (_trigger("cron", 'schedule = "0 9 * * 1"'), [("warning", "bad_schedule", '"0 9 * * 1"')]),
        (_trigger("cron", 'schedule = "61 * * * * *"'), [("error", "bad_schedule", '"61 * * * * *"')]),
        (_trigger("interval", 'every = " 5m "'), []),
        (_trigger("interval", 'every = "0s"'), [("error", "bad_schedule", '"0s"')]),
        (_trigger("fs_watch", 'path = "/in"\nevents = ["Create", "delete", "remove"]'), []),
        (
            _trigger("fs_watch", 'path = "/in"\nevents = ["create", "opened", ""]'),
            [("error", "bad_fs_event", '"opened"'), ("error", "bad_fs_event", '""')],
        ),
        (
            _trigger("mcp.resource.updated", 'server = "s"\nresource = "r"'),
            [("error", "trigger_never_fires", '"s"')],
        ),
        (
            _trigger("mcp.resource.created", 'server = "s"\nresource = "r"'),
            [("error", "trigger_never_fires", '"s"')],
        ),
        (_trigger("internal.event", 'name = "n"'), []),
        (_trigger("bus.message", ""), []),
    ],
)
def test_triggers(body: str, found: list[tuple[str, str, str]]) -> None:
    assert _found(body) == found


def _retried(kind: str, fields: str, retry: str) -> str:
    return _node(kind, f"{fields}\nretry = {retry}")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (_node("merge", name="a.b") + _edge("a", "a.b") + ONE, "unaddressable_id"),
        (_node("merge", name="") + _edge("a", "") + ONE, "unaddressable_id"),
        (_node("merge", name="trigger") + _edge("a", "trigger") + ONE, "reserved_id"),
        (_retried("parse_json", 'input_from = "trigger.a"', "{ max_attempts = 2 }"), None),
        (_retried("parse_json", 'input_from = "trigger.a"', "{ max_attempts = 1 }"), "retry_ignored"),
        (_retried("parse_json", 'input_from = "trigger.a"', "{ max_attempts = 0 }"), "retry_ignored"),
        (_retried("pause_for_approval", "", "{ max_attempts = 3 }"), "retry_ignored"),
        (_retried("fail", "", "{ max_attempts = 3 }"), "retry_ignored"),
        (_retried("merge", "", "{ max_attempts = 3 }"), "retry_ignored"),
        (_retried("terminate", "", "{ max_attempts = 3 }"), "retry_ignored"),
    ],
)
def test_nodes(body: str, found: str | None) -> None:
    assert [(severity, slug) for severity, slug, _ in _found(body)] == ([("warning", found)] if found else [])


@pytest.mark.parametrize("kind", ["call", "parallel", "map"])
def test_composition_kinds_are_not_retried(kind: str) -> None:
    fields = {
        "call": 'workflow = "w.toml"',
        "parallel": 'branches = [{ workflow = "w.toml" }]',
        "map": 'workflow = "w.toml"\nitems_from = "trigger.a"\nmax_items = 1',
    }
    slugs = [slug for _, slug, _ in _found(_retried(kind, fields[kind], "{ max_attempts = 3 }"))]
    assert sorted(set(slugs) - ABSENT) == ["retry_ignored", "unhandled_error_branch"]


LOOP = "max_iterations = 1"
AMBIGUOUS = "ambiguous_edges"


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        # Two edges for one outcome.
        ([("a", "b", ""), ("a", "c", "")], [("error", AMBIGUOUS, '"c"')]),
        (
            [("a", "b", ""), ("a", "c", ""), ("a", "b", "")],
            [("error", AMBIGUOUS, '"c"'), ("error", AMBIGUOUS, '"b"')],
        ),
        ([("a", "b", ""), ("a", "c", LOOP), ("a", "a", LOOP)], [("error", AMBIGUOUS, '"a"')]),
        # One loop edge and one plain edge are the "give up" exit.
        ([("a", "b", LOOP), ("a", "c", "")], []),
        # An edge that is never followed is no second one.
        ([("a", "b", "max_iterations = 0"), ("a", "c", LOOP)], [("warning", "loop_edge_zero", "0")]),
        ([("a", "c", ""), ("c", "b", "max_iterations = 0")], [("warning", "loop_edge_zero", "0")]),
        (
            [("a", "c", ""), ("a", "b", 'when = "x"'), ("a", "a", 'when = "x"')],
            [("warning", "dead_when", '"x"'), ("warning", "dead_when", '"x"')],
        ),
    ],
)
def test_edges_of_plain_nodes(edges: list[tuple[str, str, str]], found: list[tuple[str, str, str]]) -> None:
    body = NODES + "".join(_edge(*edge) for edge in edges)
    assert [each for each in _found(body) if each[1] != "cycle"] == found


@pytest.mark.parametrize(
    ("kind", "fields", "whens", "found"),
    [
        ("condition", 'expr = "trigger.a"', ["true", "false"], []),
        ("condition", 'expr = "trigger.a"', ["true"], ["condition_one_sided"]),
        ("condition", 'expr = "trigger.a"', [], ["condition_one_sided"]),
        ("condition", 'expr = "trigger.a"', ["true", "false", None], ["dead_when"]),
        ("condition", 'expr = "trigger.a"', ["true", "false", "yes"], ["dead_when"]),
        ("condition", 'expr = "trigger.a"', ["true", "True"], ["condition_one_sided", "dead_when"]),
        ("switch", 'expr = "trigger.a"', ["anything", "", "null"], []),
        ("switch", 'expr = "trigger.a"', [None], ["dead_when"]),
        ("merge", "", ["error"], ["dead_when"]),
        ("fail", "", [None], ["dead_when"]),
        ("terminate", "", ["error"], ["dead_when"]),
        ("shell_run", 'command = "/bin/true"', [None, "error"], []),
        ("shell_run", 'command = "/bin/true"', [None], ["unhandled_error_branch"]),
        ("shell_run", 'command = "/bin/true"', [None, "error", "exhausted"], ["dead_when"]),
        ("http_request", 'method = "GET"\nurl_from = "trigger.a"', [], ["unhandled_error_branch"]),
        ("call_mcp_tool", 'tool = "t"', [], ["unhandled_error_branch"]),
        ("call", 'workflow = "w.toml"', [], ["unhandled_error_branch"]),
        ("parallel", 'branches = [{ workflow = "w.toml" }]', [], ["unhandled_error_branch"]),
        ("parallel", "branches = []", [], []),
        ("map", 'workflow = "w"\nitems_from = "trigger.a"\nmax_items = 1', [], ["unhandled_error_branch"]),
        (
            "agent_loop",
            'backend = "default"\ninstructions = "x"\ntools = ["read_file"]\nmax_steps = 1',
            ["error"],
            ["dead_when", "unhandled_error_branch"],
        ),
    ],
)
def test_labels(kind: str, fields: str, whens: list[str | None], found: list[str]) -> None:
    body = _node(kind, fields)
    for number, when in enumerate(whens):
        body += _node("merge", name=f"n{number}")
        body += _edge("a", f"n{number}", "" if when is None else f'when = "{when}"')
    kept = [each for each in _found(body) if each[1] != "unreachable_node"]
    kept = [each for each in kept if each[1] not in ABSENT]
    assert sorted(slug for _, slug, _ in kept) == found
    assert {severity for severity, _, _ in kept} <= {"warning"}


SHELL = _node("shell_run", 'command = "/bin/true"')
TWICE = NODES + _edge("a", "b") + _edge("a", "c")


@pytest.mark.parametrize(
    ("body", "options", "found"),
    [
        (SHELL, Options(), [("warning", "unhandled_error_branch")]),
        (SHELL, Options(strict=True), [("error", "unhandled_error_branch")]),
        (TWICE, Options(), [("error", AMBIGUOUS)]),
        (TWICE, Options(allow=frozenset({AMBIGUOUS})), [("warning", AMBIGUOUS)]),
        (TWICE, Options(agentd_dialect=True), [("warning", AMBIGUOUS)]),
        # What agentd's own validator finds is never allowed.
        (
            ONE + ONE,
            Options(allow=frozenset({"dup_node_id"}), agentd_dialect=True),
            [("error", "dup_node_id")],
        ),
    ],
)
def test_levels(body: str, options: Options, found: list[tuple[str, str]]) -> None:
    assert [(severity, slug) for severity, slug, _ in _found(body, options)] == found


def test_the_workflow_can_allow_by_itself() -> None:
    body = HEAD.replace("[policy]", '[policy]\n[check]\nallow = ["ambiguous_edges"]') + TWICE
    assert [each.severity.value for each in checked(body).diagnostics] == ["warning"]
