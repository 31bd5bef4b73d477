"""No report shows a literal secret, however the workflow is written and whatever is wrong with it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from agentdc.diagnostics import SourceFile
from agentdc.diagnostics.hidden import SHOWN, line
from agentdc.diagnostics.render import json, text
from agentdc.diagnostics.tokens import TOKEN, is_open
from agentdc.model.auth import Auth
from agentdc.model.base import Section
from agentdc.model.secrets import SECRETS
from agentdc.nodes.registry import MODELS
from agentdc.parse.decode import decode
from agentdc.parse.fields import element_model, known_keys

EVERYTHING = """\
name = "greeter"
auth.hmac.dotted.secret = "hunter1"
nodes = [{ id = "say", type = "template_render", template = '''a "quoted" text''' }]
mcp_servers = [{ name = "index", command = ["x"], env = { TOKEN = "hunter2" } }]

[[start_nodes]]
name = "go"
source = "manual"

[[secrets]]
name = "api" # hunter3
source = "env"
value = "hunter4"
var = "API_KEY"
extra.name = "hunter5"

[[secrets]]
name = "login"
source = "oauth2"
client_id_env = "API_KEY"
extra_params = { name = "hunter6", source = 'hunter7' }
argv = [
  "pass", # hunter8
  "hunter9",
]

[auth.bearer.desk]
tokens = [ "hunter10",
  'hunter11' ]
tokens_env = "TOKENS"

[auth.basic]
desk = { credentials = ["desk:hunter12"], credentials_env = "USERS" }

[auth.hmac.desk]
secret = \"\"\"hunter13
  hunter14\"\"\"
header = "X-Signature"

[auth.oidc.desk]
issuer = "https://issuer.example"
jwks_json = '{ "keys": ["hunter15"] }'

[logging]
format = "json"
"""
WRAPPED = (
    EVERYTHING.replace("auth.hmac.dotted", "workflows = [{ name = 'w', auth.hmac.dotted")
    .replace('"hunter1"', '"hunter1" }]', 1)
    .replace("[[start", "[[workflows.start")
    .replace("[[secrets", "[[workflows.secrets")
    .replace("[auth", "[workflows.auth")
)


def _lines(source: str) -> list[str]:
    file = SourceFile("workflow.toml", source.encode())
    return [line(file, number) for number in range(1, source.count("\n") + 1)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "source", [EVERYTHING, WRAPPED, f"\ufeff{EVERYTHING}"], ids=["bare", "wrapped", "mark"]
)
def test_only_the_secrets_are_hidden(source: str, end: str) -> None:
    shown = _lines(source.replace("\n", end))
    for before, after in zip(source.splitlines(), shown, strict=True):
        assert len(before) == len(after)
        assert "hunter" not in after
        assert ("•" in after) == any(each in before for each in ("hunter", '"pass"'))


def test_what_is_shown() -> None:
    shown = "\n".join(_lines(EVERYTHING))
    for each in (
        'name = "api" #••••••••',
        'source = "env"',
        'value = "•••••••"',
        'var = "API_KEY"',
        'client_id_env = "API_KEY"',
        "extra_params = { name = \"•••••••\", source = '•••••••' }",
        'tokens = [ "••••••••",',
        "  '••••••••' ]",
        'tokens_env = "TOKENS"',
        'desk = { credentials = ["•••••••••••••"], credentials_env = "USERS" }',
        'secret = """••••••••',
        'header = "X-Signature"',
        'issuer = "https://issuer.example"',
        'env = { TOKEN = "•••••••" }',
        'format = "json"',
    ):
        assert each in shown


@pytest.mark.parametrize(
    "source",
    [
        "[[secrets]]\nvalue = hunter2\n",
        '[[secrets]]\nvalue = "hunter2\n',
        "[[secrets]]\nvalue = 'hunter2\n",
        '[[secrets]]\nvalue = """hunter2\nhunter3\n',
        "[[secrets]]\nvalue = hunter2=hunter3==\n",
        '[[secrets]]\nvalue =\n"hunter2"\n',
        '[[secrets]]\n"hunter2"\nhunter3\n',
        '[[secrets]]\nname = value = "hunter2"\n',
        '[[secrets]\nvalue = "hunter2"\n',
        '[secrets]\nvalue = "hunter2"\n',
        '[[secret]]\nvalue = "hunter2"\n',
        '[[Secrets]]\nvalue = "hunter2"\n',
        '[["se\\u0063rets"]]\nvalue = "hunter2"\n',
        '[["secrets"]]\nvalue = "hunter2"\n',
        '[ auth . bearer . x ] # hunter2\ntokens = ["hunter3"]\n',
        '[auth.bearer]\ntokens = ["hunter2"]\n',
        '[auth.bearer.x]\ntokens = ["hunter2"\nname = "hunter3"]\n',
        'a = [1,\nauth.bearer.x.tokens = ["hunter2"]\n',
        'a = """\n[[secrets]]\nvalue = "hunter2"\n',
        'a = ["x"\n\n[[secrets]]\nvalue = "hunter2"\n',
        "a = { b = 1\n[auth.hmac.x]\nsecret = 'hunter2'\n",
        'secrets = [{ value = "hunter2" }\n, { value = "hunter3" }]\n',
        'secrets = { "api" = "hunter2" }\n',
        'secrets = ["hunter2"]\n',
        'auth = "hunter2"\n',
        '[[workflows]]\nsecrets = [{ x.y = ["hunter2"] }]\n',
        '[[sidecars]]\nname = "x"\n[sidecars.env]\nTOKEN = "hunter2"\n',
    ],
)
def test_broken_texts_hide_more_rather_than_less(source: str) -> None:
    assert not [each for each in _lines(source) if "hunter" in each]


@pytest.mark.parametrize(
    "source",
    [
        'secret_name = "a"\n',
        '[[http_routes]]\nauth = "bearer:desk"\n',
        '[[nodes]]\nid = "secrets"\ntemplate = """\n[[secrets]]\nvalue = "x"\n"""\n',
        '[policy.env]\nread_keys = ["SECRET"]\n# [auth]\n',
        '[[mcp_servers]]\nname = "env"\ncommand = ["env"]\n',
        "[state]\n[server]\n",
    ],
)
def test_the_rest_is_shown(source: str) -> None:
    assert "\n".join([*_lines(source), ""]) == source


def _damaged() -> Iterator[str]:
    """The text with one character less, and with one more that may open, close or end something."""
    for at in range(len(EVERYTHING)):
        yield EVERYTHING[:at] + EVERYTHING[at + 1 :]
    for number, at in enumerate(range(0, len(EVERYTHING), 2)):
        yield EVERYTHING[:at] + "\"'[]{}=,.\n#x\\"[number % 13] + EVERYTHING[at:]
    for at in range(0, len(EVERYTHING), 7):
        yield EVERYTHING[:at]


def test_no_damage_brings_a_secret_to_light() -> None:
    for damaged in _damaged():
        found = decode(SourceFile("workflow.toml", damaged.encode()), MODELS).diagnostics
        assert "hunter" not in text.render(found) + json.render(None, found), text.render(found)


# Keys that may hold a secret, beside those that the checker shows.
MAY_HOLD = {
    "secrets": {"argv", "token_url", "extra_params"},
    "auth": {"tokens", "credentials", "secret", "jwks_json", "jwks_url"},
}


def _records(section: str) -> list[type[Section]]:
    if section == "secrets":
        return [*SECRETS.values()]
    return [record for kind in known_keys(Auth) if (record := element_model(Auth, kind)) is not None]


@pytest.mark.parametrize("section", SHOWN)
def test_every_key_is_judged(section: str) -> None:
    keys = {key for record in _records(section) for key in known_keys(record)}
    shown = SHOWN[section][1]
    assert shown | MAY_HOLD[section] == keys
    assert not shown & MAY_HOLD[section]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        *(('"a"', False), ('""', False), ('"a', True), ('"', True), ('"a\\"', True), ('"a\\\\"', False)),
        *(("'a'", False), ("'a\\'", False), ("'", True), ("'a", True)),
        *(('"""a"""', False), ('""""""', False), ('"""a""', True), ('"""', True), ('"""""', True)),
        *(
            ('"""a\\"""', True),
            ('"""a\\\\"""', False),
            ('"""a""""', False),
            ("'''a\\'''", False),
            ("'''a", True),
        ),
    ],
)
def test_open_texts(token: str, expected: bool) -> None:
    found = TOKEN.match(token)
    assert found is not None and found["text"] == token
    assert is_open(token) is expected


@pytest.mark.parametrize(
    "piece", ["a ", "a.", "[", "{a=", '"', "'''", "= ", "[[secrets]]\n", '"x" ', "a={b=1},\n", "}"]
)
def test_time_grows_with_the_text(piece: str) -> None:
    """Nothing here walks back: a long line, deep nesting and many sections take no time to speak of."""
    source = SourceFile("workflow.toml", ("auth.x.y.z = " + piece * 100_000).encode())
    began = time.perf_counter()
    assert line(source, 1)
    assert time.perf_counter() - began < 10
