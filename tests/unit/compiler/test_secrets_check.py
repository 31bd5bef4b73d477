"""What the checker finds in `[[secrets]]` and `[budget]`; no report shows a literal secret (spec 02 §6, §8)."""

from __future__ import annotations

import pytest

from agentdc.check import budget, secrets
from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic, Severity, SourceFile
from agentdc.diagnostics.render import json, text
from agentdc.driver.check import Signing, check_source
from agentdc.ir.ops import Call, Const, Later, Load
from agentdc.model.workflow import Workflow
from agentdc.nodes import shell_run
from agentdc.nodes.registry import SPECS
from agentdc.parse.decode import decode
from agentdc.parse.positions import Places

HIDDEN = "hunter2hunter2"


def decoded(source: str) -> tuple[Workflow, Places]:
    file = SourceFile("w.toml", f'name = "x"\n{source}'.encode())
    found = decode(file, {kind: spec.model for kind, spec in SPECS.items()})
    assert found.workflow is not None, text.render(found.diagnostics)
    return found.workflow, Places(file)


def marked(diagnostic: Diagnostic) -> tuple[str, str]:
    """The slug and the text under the caret."""
    assert diagnostic.primary is not None
    span = diagnostic.primary.span
    return diagnostic.code.slug, span.file.text[span.start : span.end]


def found(source: str) -> list[Diagnostic]:
    workflow, at = decoded(source)
    return [*secrets.check(workflow, at), *budget.check(workflow, at)]


def token(
    name: str, client: str = "ID", password: str = "PW", url: str = "https://a/t", more: str = ""
) -> str:
    return (
        f'[[secrets]]\nname = "{name}"\nsource = "oauth2"\ntoken_url = "{url}"\n'
        f'client_id_env = "{client}"\nclient_secret_env = "{password}"\n{more}\n'
    )


ENV = '[[secrets]]\nname = "PW"\nsource = "env"\nvar = "V"\n'


@pytest.mark.parametrize(
    ("source", "circles"),
    [
        (token("a") + ENV, []),
        (token("a", password="b") + token("b"), []),
        (token("a", client="b", password="b") + token("b"), []),
        (token("a", password="a"), ['"a" needs its own value: a → a']),
        (token("a", client="a", password="a"), ['"a" needs its own value: a → a']),
        (token("a", client="b") + token("b", password="a"), ['"a" needs its own value: a → b → a']),
        (token("x", client="a") + token("a", password="a"), ['"a" needs its own value: a → a']),
        (
            token("a", client="b") + token("b", client="c") + token("c", client="a", password="c"),
            ['"a" needs its own value: a → b → c → a'],
        ),
        (
            token("a", client="a") + token("b", client="b"),
            ['"a" needs its own value: a → a', '"b" needs its own value: b → b'],
        ),
    ],
)
def test_circles(source: str, circles: list[str]) -> None:
    diagnostics = found(source)
    assert [each.message.removeprefix("the secret ") for each in diagnostics] == circles
    assert all(each.code.slug == "secret_cycle" and each.is_error for each in diagnostics)


def test_a_circle_is_shown_where_it_begins() -> None:
    assert marked(found(token("a", password="b") + token("b", client="a"))[0]) == ("secret_cycle", '"b"')


@pytest.mark.parametrize("url", ["x", "ftp://a", "http://", "https:///path", "http://[", "http://a:99999/"])
def test_endpoint_that_is_no_url(url: str) -> None:
    diagnostics = found(token("a", url=url))
    assert [marked(each) for each in diagnostics] == [("constraint", f'"{url}"')]
    assert diagnostics[0].is_error


@pytest.mark.parametrize("url", ["http://localhost:8080/t", "https://a.b/t?x=y@z", "https://[::1]:1/"])
def test_endpoint(url: str) -> None:
    assert found(token("a", url=url)) == []


def test_literal_secrets_among_the_fields_of_a_token() -> None:
    more = (
        f'[secrets.extra_params]\nresource = "r"\nrefresh_token = "{HIDDEN}"\nClient-Assertion = "{HIDDEN}"\n'
    )
    diagnostics = found(token("a", more=more))
    assert [marked(each)[1] for each in diagnostics] == ["refresh_token", "Client-Assertion"]
    diagnostics += found(token("a", url=f"https://user:{HIDDEN}@a/t"))
    assert {(each.code.slug, each.severity) for each in diagnostics} == {("literal_secret", Severity.ERROR)}
    assert len(diagnostics) == 3
    assert HIDDEN not in "".join(each.message + (each.help or "") for each in diagnostics)


def test_undeclared_names_in_headers() -> None:
    node = '[[nodes]]\nid = "n"\ntype = "http_request"\nmethod = "GET"\nurl_from = "trigger.url"\n'
    headers = '[nodes.headers]\nA = "Bearer {{secret:PW}}"\nB = "{{ secret:PV }} {{secret:OTHER}}"\n'
    diagnostics = found(ENV + node + headers)
    assert [(each.code.slug, each.severity) for each in diagnostics] == [
        ("undeclared_secret", Severity.WARNING)
    ] * 2
    assert [each.help for each in diagnostics] == [
        'did you mean "PW"?',
        'declare it: name = "OTHER", source = "env" or another',
    ]


def test_what_cannot_be_built() -> None:
    keyring = '[[secrets]]\nname = "k"\nsource = "keyring"\nservice = "s"\naccount = "a"\n'
    workflow, at = decoded(ENV + keyring)
    assert [what for what, _ in secrets.unbuilt(workflow, at)] == ["keyring secrets"]


@pytest.mark.parametrize(
    ("source", "slugs"),
    [
        ("", []),
        ("[budget]\n", []),
        ("[budget]\nmax_memory_mb = 256\nmax_cpu_secs = 1\nmax_run_time_secs = 0\nmax_fs_write_mb = 0\n", []),
        ("[budget]\nmax_memory_mb = 255\n", [("budget_memory_low", "255")]),
        ("[budget]\nmax_memory_mb = 1\n", [("budget_memory_low", "1")]),
        ("[budget]\nmax_memory_mb = 0\nmax_cpu_secs = 0\n", [("budget_zero", "0"), ("budget_zero", "0")]),
    ],
)
def test_budget(source: str, slugs: list[tuple[str, str]]) -> None:
    diagnostics = found(source)
    assert [marked(each) for each in diagnostics] == slugs
    assert all(each.severity is Severity.WARNING for each in diagnostics)


# Ways to write a secret into the file; each is refused, and the refusal shows nothing of it.
LITERALS = [
    f'[[secrets]]\nname = "a"\nsource = "env"\nvar = "X"\nvalue = "{HIDDEN}"\n',
    f'[[secrets]]\nname = "a"\nsource = "env"\nvalue = {HIDDEN}\n',
    f'[[secrets]]\nname = "a"\nsource = "env"\nvar = "X"\ntoken = """\n{HIDDEN}"""\n',
    f'[[secrets]]\nname = "a"\nsource = "oauth2"\ntoken_url = "https://u:{HIDDEN}@h/"\nclient_id_env = 1\n',
    token("a", more=f'client_secret = "{HIDDEN}"'),
    f'[[secrets]]\nname = "a"\nsource = "command"\nargv = "echo {HIDDEN}"\n',
    f'secrets = [{{ name = "a", source = "env", var = "X", value = "{HIDDEN}" }}]\n',
    f'[[secrets]]\nname = "a"\nsource = "file"\npath = "/x"\ncontent = \'{HIDDEN}\'\n',
    f'[[secrets]]\nname = "a"\nsource = "literal"\nv = "{HIDDEN}"\n',
    f'[secrets]\na = "{HIDDEN}"\n',
    token("a", more=f'[secrets.extra_params]\nx = ["{HIDDEN}"]'),
]


@pytest.mark.parametrize("source", LITERALS)
def test_literal_secrets_are_refused_and_never_shown(source: str) -> None:
    file = SourceFile("w.toml", f'name = "x"\n{source}'.encode())
    diagnostics = check_source(file, Options(), Signing(required=False, key_file=None)).diagnostics
    assert any(each.is_error for each in diagnostics)
    assert HIDDEN not in json.render(None, diagnostics)
    pytest.importorskip("agentdc.diagnostics.hidden", reason="the caret view hides sections with it")
    assert HIDDEN not in text.render(diagnostics)


@pytest.mark.parametrize("path", [None, "trigger.words"])
def test_shell_run_lowers_to_a_call(path: str | None) -> None:
    node = shell_run.ShellRun(id="n", type="shell_run", command="/bin/ls", args_from=path, timeout_secs=7)
    lower = shell_run.SPEC.lower
    assert lower is not None
    given = Const(None) if path is None else Load(path, "null", "shell_run")
    fields = (("command", Const("/bin/ls")), ("arguments", Later(given)), ("timeout_secs", Const(7)))
    assert lower(node) == Call("agentdc_runtime.nodes.shell_run:run", fields, takes_run=True)
    assert shell_run.SPEC.awaits and shell_run.SPEC.labels == ("error",)
