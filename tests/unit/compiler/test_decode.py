"""TOML bytes to a workflow or to diagnostics: what is accepted, what is refused, and where it points."""

from __future__ import annotations

import time
from typing import Literal

import pytest

from agentdc.diagnostics import Diagnostic, SourceFile, in_order
from agentdc.diagnostics.render.text import render
from agentdc.model.base import U32, Many, Section
from agentdc.model.node import NodeModel
from agentdc.model.secrets import Oauth2Secret
from agentdc.model.trigger import Cron
from agentdc.model.workflow import Workflow
from agentdc.parse.decode import Decoded, decode


class ReadFile(NodeModel):
    type: Literal["read_file"]
    path_from: str


class Branch(Section):
    workflow: str


class Parallel(NodeModel):
    type: Literal["parallel"]
    branches: Many[Branch]
    mode: Literal["fast", "slow"] = "fast"
    width: U32 = 1


class Merge(NodeModel):
    type: Literal["merge"]


KINDS: dict[str, type[NodeModel]] = {"read_file": ReadFile, "parallel": Parallel, "merge": Merge}

NAME = 'name = "x"\n'
NODE = '[[nodes]]\nid = "n"\n'


def decoded(text: str | bytes) -> Decoded:
    return decode(SourceFile("w.toml", text if isinstance(text, bytes) else text.encode()), KINDS)


def workflow(text: str) -> Workflow:
    result = decoded(text)
    assert result.workflow is not None, render(result.diagnostics)
    assert not result.diagnostics, render(result.diagnostics)
    return result.workflow


def seen(diagnostic: Diagnostic) -> tuple[str, str]:
    """The slug and the text under the caret."""
    assert diagnostic.primary is not None
    span = diagnostic.primary.span
    return diagnostic.code.slug, span.file.text[span.start : span.end]


def found(text: str | bytes) -> list[tuple[str, str]]:
    return [seen(each) for each in decoded(text).diagnostics]


def only(text: str | bytes) -> Diagnostic:
    result = decoded(text)
    assert len(result.diagnostics) == 1, render(result.diagnostics)
    return result.diagnostics[0]


# --- what is accepted -------------------------------------------------------------------------------------------


def test_the_smallest_file() -> None:
    result = workflow(NAME)
    assert (result.name, result.nodes, result.policy) == ("x", (), None)


def test_the_minimal_run() -> None:
    text = (
        NAME
        + '[[start_nodes]]\nname = "go"\nsource = "manual"\n'
        + NODE
        + 'type = "read_file"\npath_from = "a.b"\n'
    )
    result = workflow(text)
    assert result.start_nodes[0].source == "manual"
    assert isinstance(result.nodes[0], ReadFile) and result.nodes[0].path_from == "a.b"


FORMS = {
    "headers": NODE + 'type = "read_file"\npath_from = "p"\n[nodes.retry]\nmax_attempts = 2\n',
    "dotted": NODE + 'type = "read_file"\npath_from = "p"\nretry.max_attempts = 2\n',
    "inline": 'nodes = [{ id = "n", type = "read_file", path_from = "p", retry = { max_attempts = 2 } }]\n',
    "quoted": "[['nodes']]\n\"id\" = 'n'\n'type' = \"read\\u005ffile\"\n"
    "path_from = '''p'''\nretry = { max_attempts = 0x2 }\n",
}


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_forms_of_writing_are_equal(body: str, end: str, mark: str) -> None:
    result = workflow((mark + NAME + body).replace("\n", end))
    assert result == workflow(NAME + FORMS["headers"])


def test_the_wrapped_form() -> None:
    text = '[[workflows]]\nname = "x"\n[[workflows.nodes]]\nid = "n"\ntype = "read_file"\npath_from = "p"\n'
    result = decoded(text)
    assert result.workflow == workflow(NAME + NODE + 'type = "read_file"\npath_from = "p"\n')
    assert result.document["name"] == "x"
    assert result.places.key(("nodes", 0, "id")).line == 4


def test_an_edge_has_a_from() -> None:
    edge = workflow(NAME + '[[edges]]\nfrom = "a"\nto = "b"\nwhen = "error"\nmax_iterations = 0\n').edges[0]
    assert (edge.from_, edge.to, edge.when, edge.max_iterations) == ("a", "b", "error", 0)


def test_an_integer_is_a_number() -> None:
    text = (
        NAME
        + '[[http_routes]]\nmethod = "GET"\npath = "/"\nstart_node = "s"\n'
        + "rate_limit = { capacity = 1, per_second = 4 }\n"
    )
    limit = workflow(text).http_routes[0].rate_limit
    assert limit is not None and limit.per_second == 4.0 and isinstance(limit.per_second, float)


def test_tagged_entries_become_their_records() -> None:
    text = (
        NAME
        + '[[triggers]]\ntype = "cron"\nstart_node = "s"\nschedule = "@daily"\n'
        + '[[secrets]]\nname = "t"\nsource = "oauth2"\ntoken_url = "u"\n'
        + 'client_id_env = "i"\nclient_secret_env = "s"\n'
    )
    result = workflow(text)
    assert isinstance(result.triggers[0], Cron)
    assert isinstance(result.secrets[0], Oauth2Secret) and result.secrets[0].skew_secs == 60


# --- syntax -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "slug", "place", "words"),
    [
        ("a = ", "toml_syntax", (1, 5), "a value is missing"),
        ("a = # none", "toml_syntax", (1, 5), "a value is missing"),
        ("a = [1, , 2]", "toml_syntax", (1, 9), "a value is missing"),
        ("a = hello # é", "toml_syntax", (1, 5), "invalid value"),
        ("é = 1", "toml_syntax", (1, 1), "invalid statement"),
        ('x = "é" y', "toml_syntax", (1, 9), "expected newline"),
        ("a = 1\r\n\r\nb = \r\n", "toml_syntax", (3, 5), "a value is missing"),
        ("\ufeffa = x", "toml_syntax", (1, 6), "invalid value"),
        ("a = 1\na = 2\n", "toml_syntax", (2, 1), "a is declared twice"),
        ("[t]\n[t]\n", "toml_syntax", (2, 1), "[t] is declared twice"),
        ("a = { b = 1, b = 2 }", "toml_syntax", (1, 14), "b is declared twice"),
        ("a = { b = 1 }\n[a.c]\n", "toml_syntax", (2, 5), "declared twice"),
        ("a.b = 1\na.b.c = 1\n", "toml_syntax", (2, 10), "declared twice"),
        ("a = [1]\na = { b = 2 }", "toml_syntax", (2, 1), "a is declared twice"),
        ('a = "x', "toml_syntax", (1, 5), "the string has no end on this line"),
        ("a = 'x", "toml_syntax", (1, 5), "the string has no end on this line"),
        ('a = "x\r\nb = 1\r\n', "toml_syntax", (1, 5), "the string has no end on this line"),
        ("a = 'x\nb = 'y'\n", "toml_syntax", (1, 5), "the string has no end on this line"),
        ('"a = 1\nb = 2\n', "toml_syntax", (1, 1), "the string has no end on this line"),
        ('a = "x\\"\nb = "y"\n', "toml_syntax", (1, 5), "the string has no end on this line"),
        ('a = """x\n"\n', "toml_syntax", (1, 5), "the string has no end"),
        ("a = '''x\n''", "toml_syntax", (1, 5), "the string has no end"),
        ('a = "\x00"', "toml_syntax", (1, 6), "character"),
        ("a = 'x\x07'", "toml_syntax", (1, 7), "character"),
        ("a = 1\rb = 2", "toml_syntax", (1, 6), "newline"),
        ("a = 2020-13-01", "toml_syntax", (1, 9), "newline"),
        ("a = " + "[" * 10_000, "toml_syntax", (1, 105), "too deep"),
        ("a = " + "[" * 10_000 + "]" * 10_000, "toml_syntax", (1, 105), "too deep"),
        ("a = " + "{b=" * 10_000, "toml_syntax", (1, 305), "too deep"),
        ("'\"' = 1\na = " + "['[', " * 5_000, "toml_syntax", (2, 605), "too deep"),
        ("a." * 5_000 + "b = 1", "toml_syntax", (1, 1), "too deep"),
        (b"name = 'a\xff'", "not_utf8", (1, 10), "UTF-8"),
        ("name = 'é'\n# ".encode() + b"\xc3", "not_utf8", (2, 3), "UTF-8"),
        ('name = "x"'.encode("utf-16"), "not_utf8", (1, 1), "UTF-8"),
        ("x = " + "1" * 5_000, "out_of_range", (1, 5), "64 bits"),
    ],
)
def test_syntax(text: str | bytes, slug: str, place: tuple[int, int], words: str) -> None:
    diagnostic = only(text)
    assert diagnostic.primary is not None
    span = diagnostic.primary.span
    assert (diagnostic.code.slug, (span.line, span.column)) == (slug, place)
    assert words in diagnostic.message
    assert decoded(text).workflow is None and decoded(text).document == {}


def test_a_repetition_shows_the_first_place() -> None:
    labels = only('name = "x"\n[policy]\n[budget]\n[policy]\n').labels
    assert [(each.span.line, each.message) for each in labels] == [(2, "first declared here")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = yes", "quotes"),
        ("a = /tmp", "quotes"),
        ("a = True", "true"),
        ("a = null", "leave the key out"),
        ('a = "C:\\x"', "backslash"),
        ('a = "C:\\users"', "backslash"),
        ('a = "\\ud800"', "backslash"),
        ("a = {b = 1,\n c = 2}", "one line"),
    ],
)
def test_syntax_advice(text: str, words: str) -> None:
    assert words in (only(text).help or "")


# --- shape ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("missing_key", "")]),
        ("# nothing\n", [("missing_key", "")]),
        ('name = ""', [("blank_name", '""')]),
        ("name = ' \t'", [("blank_name", "' \t'")]),
        ("name = 3", [("wrong_type", "3")]),
        ("name = ['x']", [("wrong_type", "['x']")]),
        ("[name]", [("wrong_type", "[name]")]),
        (NAME + "description = 1.5", [("wrong_type", "1.5")]),
        ('nmae = "x"', [("unknown_key", "nmae")]),
        (NAME + "colour = 1", [("unknown_key", "colour")]),
        (NAME + "[[colours]]", [("unknown_key", "[[colours]]")]),
        (NAME + "nodes = 3", [("wrong_type", "3")]),
        (NAME + 'nodes = ["x", {}]', [("wrong_type", '"x"'), ("missing_key", "{}"), ("missing_key", "{}")]),
        (NAME + "nodes = [[]]", [("wrong_type", "[]")]),
        (NAME + "[[nodes.x]]", [("wrong_type", "nodes")]),
        (NAME + "[nodes]", [("wrong_type", "[nodes]")]),
        (NAME + "[[policy]]", [("wrong_type", "[[policy]]")]),
        (NAME + "policy = []", [("wrong_type", "[]")]),
        (NAME + "policy.fs = 3", [("wrong_type", "3")]),
        (NAME + "policy.fs.read = '/x'", [("wrong_type", "'/x'")]),
        (NAME + "policy.fs.read = ['/x', 3]", [("wrong_type", "3")]),
        (NAME + "[policy.rego]\ndata = 3", [("wrong_type", "3")]),
        (NAME + "intelligence.backends = {}", [("wrong_type", "{}")]),
        (NAME + "[auth.bearer]\ndesk = 3", [("wrong_type", "3")]),
        (NAME + "[auth.bearer.desk]\ntoken = []", [("unknown_key", "token")]),
        (NAME + "auth.bearer.desk.tokens = [3, 'x', 1979-05-27]",
         [("wrong_type", "3"), ("wrong_type", "1979-05-27")]),
        (NAME + "[[edges]]\nfrom = 'a'", [("missing_key", "[[edges]]")]),
        (NAME + "[[edges]]\nfrom_ = 'a'\nto = 'b'", [("unknown_key", "from_")]),
        (NAME + "[[edges]]\nfrom = 'a'\nto = 'b'\nmax_iterations = -1", [("out_of_range", "-1")]),
        (NAME + "[[edges]]\nfrom = 'a'\nto = 'b'\nmax_iterations = 4294967296", [("out_of_range", "4294967296")]),
        (NAME + "[[edges]]\nfrom = 'a'\nto = 'b'\nmax_iterations = 1.0", [("wrong_type", "1.0")]),
        (NAME + "[[edges]]\nfrom = 'a'\nto = 'b'\nmax_iterations = true", [("wrong_type", "true")]),
        (NAME + "[[start_nodes]]\nname = 'a'\nsource = 'htpp'", [("unknown_value", "'htpp'")]),
        (NAME + "[[start_nodes]]\nname = 'a'\nsource = 3", [("wrong_type", "3")]),
        (NAME + "[logging]\nenabled = 1", [("wrong_type", "1")]),
        (NAME + "[logging]\nformat = 'pretty'", [("unknown_value", "'pretty'")]),
        (NAME + "[logging]\ntarget = 'file:  '", [("constraint", "'file:  '")]),
        (NAME + "[logging.otel]\nendpoint = ''\nsample_ratio = nan", [("out_of_range", "nan")]),
        (NAME + "[logging.otel]\nendpoint = ''\nprotocol = 'http'", [("unknown_value", "'http'")]),
        (NAME + "[server]\nport = 1", [("unknown_key", "port")]),
        (NAME + "[server.tls]\ncert_file = 'c'", [("missing_key", "[server.tls]")]),
        (NAME + "[server.tls]\ncert_file='c'\nkey_file='k'\nclient_auth={mode='must'}",
         [("missing_key", "client_auth"), ("unknown_value", "'must'")]),
        (NAME + "[budget]\nmax_cpu_secs = 9223372036854775808", [("out_of_range", "9223372036854775808")]),
        (NAME + "[budget]\nmax_cpu_secs = 0x" + "f" * 9000, [("out_of_range", "0x" + "f" * 9000)]),
        (NAME + "[budget]\nmax_cpu_secs = '1'", [("wrong_type", "'1'")]),
        (NAME + "[relay]\nport = 65536", [("out_of_range", "65536")]),
        (NAME + "[sandbox]\nmode = 'strict'", [("unknown_value", "'strict'")]),
        (NAME + "[sandbox]\nself_ = 'off'", [("unknown_key", "self_")]),
        (NAME + "[sandbox]\nscope = ['signal', 'x']", [("unknown_value", "'x'")]),
        (NAME + "[sandbox]\nread_only_paths = ['a/b']", [("constraint", "'a/b'")]),
        (NAME + "[sandbox.shell]\nmode = 'off'", [("unknown_key", "mode")]),
        (NAME + "[supervisor]\njitter = 0.6\nmax_restarts = 101\nbase_delay_ms = 9",
         [("out_of_range", "0.6"), ("out_of_range", "101"), ("out_of_range", "9")]),
        (NAME + "[health]\nstall_threshold_min = 0", [("out_of_range", "0")]),
        (NAME + "[bus]\ntier = 3\nredeliver_backoff_secs = []", [("out_of_range", "3"), ("constraint", "[]")]),
        (NAME + "[check]\nallow = 'x'\nmax_cost = 3", [("wrong_type", "'x'"), ("unknown_key", "max_cost")]),
        (NAME + "[[sidecars]]\nname = 'A b'\ncommand = []", [("constraint", "'A b'"), ("constraint", "[]")]),
        (NAME + "[[sidecars]]\nname = 'a'\ncommand = ['x']\nready = 'soon'", [("constraint", "'soon'")]),
        (NAME + "[[mcp_servers]]\nname = ' '\ncommand = ['x']", [("constraint", "' '")]),
        (NAME + "[[mcp_servers]]\nname = 'a'\ncommand = 'x'", [("wrong_type", "'x'")]),
        (NAME + "[[mcp_servers]]\nname = 'a'\ncommand = ['x']\nallow_all = true", [("unknown_key", "allow_all")]),
        (NAME + "[[mcp_servers]]\nname = 'a'\ncommand = ['x']\nenv = { A = 1 }", [("wrong_type", "1")]),
        (NAME + "[[mcp_servers]]\nname = 'a'\ncommand = ['x']\n[mcp_servers.supervisor]\nescalate = 'x'",
         [("unknown_value", "'x'")]),
        (NAME + "[[http_routes]]\nmethod = 'GET'\npath = '/'\nstart_node = 's'\nrate_limit.capacity = 0",
         [("missing_key", "rate_limit"), ("out_of_range", "0")]),
        (NAME + "[[http_routes]]\nmethod = 'GET'\npath = '/'\nstart_node = 's'\nidempotency_ttl_secs = -1",
         [("out_of_range", "-1")]),
    ],
)  # fmt: skip
def test_shape(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected
    assert (decoded(text).workflow is None) == (expected[0][0] != "blank_name")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NODE, [("missing_key", "[[nodes]]")]),
        ("[[nodes]]", [("missing_key", "[[nodes]]"), ("missing_key", "[[nodes]]")]),
        (NODE + "tpye = 'read_file'", [("unknown_key", "tpye")]),
        (NODE + "type = 3", [("wrong_type", "3")]),
        (NODE + "type = 'read_fiel'", [("unknown_node_kind", "'read_fiel'")]),
        (NODE + "type = ''", [("unknown_node_kind", "''")]),
        (NODE + "type = 'nope'\nretry = 3", [("unknown_node_kind", "'nope'"), ("wrong_type", "3")]),
        ("[[nodes]]\nid = 3\ntype = 'nope'", [("wrong_type", "3"), ("unknown_node_kind", "'nope'")]),
        (NODE + "type = 'read_file'", [("missing_key", "[[nodes]]")]),
        (NODE + "type = 'read_file'\npath_form = 'x'", [("unknown_key", "path_form")]),
        (NODE + "type = 'read_file'\npath_from = 'x'\nmode = 'fast'", [("unknown_key", "mode")]),
        (NODE + "type = 'read_file'\npath_from = 'x'\n[nodes.retry]", [("missing_key", "[nodes.retry]")]),
        (NODE + "type = 'read_file'\npath_from = 'x'\nretry = {max_attempts = 1, one = 'any', jitter = '0'}",
         [("unknown_key", "one"), ("wrong_type", "'0'")]),
        (NODE + "type = 'parallel'\nbranches = {}", [("wrong_type", "{}")]),
        (NODE + "type = 'parallel'\nbranches = [{workflow = 'a'}, {workflw = 'b'}, 3]",
         [("unknown_key", "workflw"), ("wrong_type", "3")]),
        (NODE + "type = 'parallel'\nbranches = []\nmode = 'fats'\nwidth = 1.5",
         [("unknown_value", "'fats'"), ("wrong_type", "1.5")]),
    ],
)  # fmt: skip
def test_nodes(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(NAME + text) == expected
    assert decoded(NAME + text).workflow is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[triggers]]\nstart_node = 's'", [("missing_key", "[[triggers]]")]),
        ("[[triggers]]\ntype = 'crn'", [("missing_key", "[[triggers]]"), ("unknown_value", "'crn'")]),
        ("[[triggers]]\ntype = 'cron'\nstart_node = 's'", [("missing_key", "[[triggers]]")]),
        ("[[triggers]]\ntype = 'interval'\nstart_node = 's'\nevery = 30", [("wrong_type", "30")]),
        (
            "[[triggers]]\ntype = 'interval'\nstart_node = 's'\nevery = '1s'\npath = 'x'",
            [("unknown_key", "path")],
        ),
        ("[[triggers]]\ntype = 'internal.event'\nstart_node = 's'", [("missing_key", "[[triggers]]")]),
        (
            "[[triggers]]\ntype = 'mcp.resource.updated'\nstart_node = 's'\nserver = 'x'",
            [("missing_key", "[[triggers]]")],
        ),
        (
            "[[triggers]]\ntype = 'fs_watch'\nstart_node = 's'\npath = 'p'\nevents = 'create'",
            [("wrong_type", "'create'")],
        ),
        ("[[secrets]]\nname = 'k'", [("missing_key", "[[secrets]]")]),
        ("[[secrets]]\nname = 'k'\nsuorce = 'env'", [("unknown_key", "suorce")]),
        ("[[secrets]]\nname = 'k'\nsource = 'vault'", [("unknown_value", "'vault'")]),
        ("[[secrets]]\nname = 'k'\nsource = 'env'\nvar = 'V'\nvalue = 'v'", [("unknown_key", "value")]),
        ("[[secrets]]\nname = ''\nsource = 'env'\nvar = 'V'", [("constraint", "''")]),
        ("[[secrets]]\nname = 'k'\nsource = 'command'\nargv = []", [("constraint", "[]")]),
    ],
)
def test_tagged_entries(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(NAME + text) == expected


def test_all_problems_are_found_in_one_run_in_order() -> None:
    text = (
        "name = 1\n[budget]\nmax_cpu_secs = 'x'\n[[nodes]]\nid = 1\ntype = 'merge'\n[[nodes]]\ntype = 'x'\n"
        "[logging]\nlevle = 'warn'\n[[secrets]]\nname = 'a'\nsource = 'env'\nvar = 'A'\n"
        "[[secrets]]\nname = 'b'\nsource = 'evn'\n[[secrets]]\nname = 'a'\nsource = 'env'\nvar = 'A'\n"
    )
    result = decoded(text)
    slugs = [each.code.slug for each in result.diagnostics]
    assert sorted(slugs) == sorted(
        ["wrong_type"] * 3
        + ["missing_key", "unknown_node_kind", "unknown_key", "unknown_value", "constraint"]
    )
    assert list(result.diagnostics) == in_order(result.diagnostics)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NODE + "type = 'read_file'\npath_from = 3",
         '"path_from" in [[nodes]] "n": expected a string, found an integer'),
        ("[budget]\nmax_cpu_secs = 1.5", '"max_cpu_secs" in [budget]: expected an integer, found a float'),
        ("[budget]\nhard_deadline = 'no'", '"hard_deadline" in [budget]: expected a boolean, found a string'),
        ("[supervisor]\njitter = true", '"jitter" in [supervisor]: expected a number, found a boolean'),
        ("[logging]\nlevel = 07:32:00", '"level" in [logging]: expected a string, found a time'),
        ("description = 1979-05-27T00:00:00", '"description": expected a string, found a date-time'),
        ("nodes = {}", '"nodes": expected an array of tables, found a table'),
        ("[[budget]]", '"budget": expected a table, found an array of tables'),
        ("[intelligence]\nbackends = 'x'",
         '"backends" in [intelligence]: expected an array of tables, found a string'),
        (NODE + "type = 'parallel'\nbranches = [{workflow = 1}]",
         '"workflow" in [[nodes.branches]] of "n": expected a string, found an integer'),
        ("[policy.fs]\nread = [1979-05-27]", 'item 0 of "read" in [policy.fs]: expected a string, found a date'),
        ("[auth.bearer.'a b']\ntokens_env = 1",
         '"tokens_env" in [auth.bearer."a b"]: expected a string, found an integer'),
    ],
)  # fmt: skip
def test_types_are_named_in_the_words_of_toml(text: str, message: str) -> None:
    assert only(NAME + text).message == message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nodez = []", '"nodes"'),
        ("[otel]", "[logging]"),
        ("[tls]", "[server]"),
        ("[logging]\nfromat = 'json'", '"format"'),
        ("[logging]\nformat = 'jsno'", '"json"'),
        ("[[edges]]\nform = 'a'\nto = 'b'", '"from"'),
        ("[auth.hmac.x]\nsecret_evn = 'A'", '"secret_env"'),
        (NODE + "type = 'raed_file'", '"read_file"'),
        (NODE + "type = 'parallel'\nbranches = [{ workfolw = 'a' }]", '"workflow"'),
        ("[[secrets]]\nname = 'k'\nsource = 'flie'", '"file"'),
        ("[[nodes]]\nid = 3\ntype = 'merge'", "quotes"),
    ],
)
def test_help(text: str, words: str) -> None:
    assert words in (only(NAME + text).help or "")


def test_a_literal_secret_is_refused_by_name_and_the_value_is_not_repeated() -> None:
    diagnostic = only(NAME + "[[secrets]]\nname = 'api'\nsource = 'env'\nvar = 'A'\ntoken = 'hunter2'\n")
    texts = [diagnostic.message, diagnostic.help or "", *diagnostic.notes]
    assert '"api"' in diagnostic.message and '"token"' in diagnostic.message
    assert diagnostic.notes == ('keys of [[secrets]] "api": name, source, var',)
    assert not any("hunter2" in text for text in texts)


# --- robustness -------------------------------------------------------------------------------------------------


def test_a_large_workflow_is_decoded_quickly() -> None:
    text = NAME + "".join(
        f"[[nodes]]\nid = 'n{n}'\ntype = 'read_file'\npath_from = 'a.b'\n" for n in range(2000)
    )
    start = time.process_time()
    assert len(workflow(text).nodes) == 2000
    assert time.process_time() - start < 0.5


def test_five_megabytes() -> None:
    text = NAME + 'description = "' + "é" * 2_500_000 + '"\ncolour = 1\n'
    start = time.process_time()
    assert found(text) == [("unknown_key", "colour")]
    assert time.process_time() - start < 3


def test_very_long_names_are_cut() -> None:
    diagnostic = only(NAME + f"[[start_nodes]]\nname = 'a'\nsource = '{'x' * 10_000}'")
    assert len(diagnostic.message) < 200


def test_hostile_depth() -> None:
    text = NAME + "policy.rego.data.x = " + ("{" + "a." * 900 + "b = ") * 300 + "1e999" + "}" * 300
    slugs = {slug for slug, _ in found(text)}
    assert slugs == {"out_of_range", "constraint"}


def test_hidden_characters_do_not_break_the_report() -> None:
    assert "\u202e" not in render(decoded(NAME + '"\u202etset" = 1\n').diagnostics)
