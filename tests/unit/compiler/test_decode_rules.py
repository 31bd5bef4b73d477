"""Rules between values, the wrapped form, and keys that are ignored."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import ConfigDict

from agentdc.diagnostics import Diagnostic, Severity, SourceFile
from agentdc.diagnostics.render.text import render
from agentdc.model.node import NodeModel
from agentdc.parse.decode import Decoded, decode


class Merge(NodeModel):
    model_config = ConfigDict(extra="ignore")

    type: Literal["merge"]


NAME = 'name = "x"\n'
NODE = '[[nodes]]\nid = "n"\n'


def decoded(text: str) -> Decoded:
    return decode(SourceFile("w.toml", text.encode()), {"merge": Merge})


def seen(diagnostic: Diagnostic) -> tuple[str, str]:
    """The slug and the text under the caret."""
    assert diagnostic.primary is not None
    span = diagnostic.primary.span
    return diagnostic.code.slug, span.file.text[span.start : span.end]


def found(text: str) -> list[tuple[str, str]]:
    return [seen(each) for each in decoded(text).diagnostics]


def only(text: str) -> Diagnostic:
    result = decoded(text)
    assert len(result.diagnostics) == 1, render(result.diagnostics)
    return result.diagnostics[0]


# --- rules between values ---------------------------------------------------------------------------------------

BACKEND = "[[intelligence.backends]]\nname = 'b'\nmodel = 'm'\n"
OIDC = "[auth.oidc.d]\nissuer = 'i'\n"
SECRET = "[[secrets]]\nname = 'k'\nsource = 'env'\nvar = 'V'\n"
SERVER = "[[mcp_servers]]\nname = 'p'\ncommand = ['x']\n"
SIDECAR = "[[sidecars]]\nname = 'p'\ncommand = ['x']\n"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (SECRET + SECRET, ["'k'"]),
        (SECRET * 3, ["'k'", "'k'"]),
        ("[[secrets]]\nname = 3\n" + SECRET + SECRET, ["[[secrets]]", "3", "'k'"]),
        (SERVER + SERVER, ["'p'"]),
        (SIDECAR + SERVER, ["'p'"]),
        ("[[mcp_servers]]\nname = 'p'\ncommand = [' ', 'x']", ["' '"]),
        ("[[sidecars]]\nname = 'p'\ncommand = ['']", ["''"]),
        ("[[secrets]]\nname = 'k'\nsource = 'command'\nargv = ['']", ["''"]),
        (BACKEND + "provider = 'anthropic'", ["[[intelligence.backends]]"]),
        (BACKEND + "provider = 'openai-compatible'\napi_key_env = 'K'", ["[[intelligence.backends]]"]),
        (
            BACKEND
            + "provider = 'openai'\napi_key_env = 'K'\n"
            + BACKEND
            + "provider = 'gemini'\napi_key_env = 'K'",
            ["'b'"],
        ),
        (BACKEND.replace("'b'", "'default'") + "provider = 'openai'\napi_key_env = 'K'", ["'default'"]),
        (OIDC, ["[auth.oidc.d]"]),
        (OIDC + "jwks_file = 'f'\njwks_json = '{}'", ["'f'"]),
        (OIDC + "jwks_file = 'f'\nalgorithms = []", ["[]"]),
        (
            OIDC + "jwks_file = 'f'\nalgorithms = ['none', 'hs256', 'EdDSA', 'es256']",
            ["'none'", "'hs256'", "'EdDSA'"],
        ),
        ("[policy.rego]\ninline = 'i'\nfile = 'f'", ["'f'"]),
        ("[policy.rego]\ndata = { a = [1979-05-27] }", ["1979-05-27"]),
        ("[policy.rego]\ndata = { a = inf }", ["inf"]),
        ("[policy.rego.data]\n" + "a." * 130 + "b = 1", ["a"]),
        ("[supervisor]\nmax_delay_ms = 999", ["999"]),
        ("[supervisor]\nbase_delay_ms = 60000", ["60000"]),
        ("[supervisor]\nmax_delay_ms = 1000\n" + SIDECAR + "base_delay_ms = 2000", ["2000"]),
        ("[supervisor]\nbase_delay_ms = 10\n" + SERVER + "supervisor.max_delay_ms = 9", ["9"]),
        ("[sandbox]\nself = 'policy'", ["'policy'"]),
        ("[sandbox]\nread_write_paths = ['/x', '/', '//', '/x/..']", ["'/'", "'//'", "'/x/..'"]),
        ("[sandbox]\nshell.read_write_paths = ['/']", ["'/'"]),
        (SIDECAR + "sandbox.read_write_paths = ['/']", ["'/'"]),
        ("[health]\nheartbeat_interval_secs = 30", ["30"]),
        ("[health]\nlate_after_secs = 300", ["300"]),
        ("[state]\nwal_max_mb = 1", ["1"]),
    ],
)
def test_rules(text: str, places: list[str]) -> None:
    assert [place for _, place in found(NAME + text)] == places


@pytest.mark.parametrize(
    "text",
    [
        SECRET + SECRET.replace("'k'", "'K'"),
        SERVER + SIDECAR.replace("'p'", "'q'"),
        BACKEND + "provider = 'openai-compatible'\nbase_url = 'u'",
        "[policy.rego]",
        "[policy.rego.data]\n" + "a." * 126 + "b = 1",
        "[supervisor]\nmax_delay_ms = 1000",
        "[supervisor]\nmax_delay_ms = 2000\n" + SIDECAR + "base_delay_ms = 2000",
        "[policy]\n[sandbox]\nself = 'policy'",
        "[sandbox]\nallow_root = true\nread_write_paths = ['/']\n"
        + SIDECAR
        + "sandbox.read_write_paths = ['/']",
        "[health]\nheartbeat_interval_secs = 30\nlate_after_secs = 60",
        "[signing]\npublic_key_pem = 'a'\npublic_key_file = 'b'",
    ],
)
def test_rules_that_hold(text: str) -> None:
    result = decoded(NAME + text)
    assert result.workflow is not None and not result.diagnostics, render(result.diagnostics)


def test_a_duplicate_shows_the_first() -> None:
    diagnostic = only(NAME + SECRET + SECRET)
    assert [(each.span.line, each.message) for each in diagnostic.labels] == [(3, "first declared here")]
    assert decoded(NAME + SECRET + SECRET).workflow is not None  # the later stages can still look


def test_a_repetition_across_arrays_blames_the_later_one() -> None:
    diagnostic = only(NAME + SIDECAR + SERVER)
    assert diagnostic.primary is not None
    assert (diagnostic.primary.span.line, diagnostic.labels[0].span.line) == (6, 3)


def test_a_section_of_the_wrong_shape_is_not_taken_for_absent() -> None:
    assert found(NAME + "[policy]\nfs = 3\n[sandbox]\nself = 'policy'") == [("wrong_type", "3")]


# --- the wrapped form -------------------------------------------------------------------------------------------

ONE = '[[workflows]]\nname = "x"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("workflows = []", [("workflow_count", "workflows")]),
        (ONE + ONE, [("workflow_count", "[[workflows]]")]),
        ("[[workflows]]\n[[workflows]]\n[[workflows]]\n", [("workflow_count", "[[workflows]]")]),
        ("workflows = 3", [("wrong_type", "workflows")]),
        ("workflows = [3]", [("wrong_type", "workflows")]),
        ('[workflows]\nname = "x"', [("wrong_type", "[workflows]")]),
        ("[[workflows]]", [("missing_key", "[[workflows]]")]),
        (ONE + "colour = 1", [("unknown_key", "colour")]),
        (ONE + "[workflows.policy]\nfs = 3", [("wrong_type", "3")]),
        (ONE + "[[workflows.nodes]]\nid = 'n'\ntype = 'x'", [("unknown_node_kind", "'x'")]),
    ],
)
def test_wrapped(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected
    assert decoded(text).workflow is None


def test_root_keys_beside_the_wrapper_are_ignored_and_safeguards_refused() -> None:
    text = (
        "colour = 1\nname = 3\n"
        + ONE
        + "[policy]\nfs = 3\n[auth]\n[logging]\n[signing]\n[budget]\n[[nodes]]\n"
    )
    result = decoded(text)
    assert {each.code.slug for each in result.diagnostics} == {"ignored_root_key"}
    refused = [seen(each)[1] for each in result.diagnostics if each.is_error]
    assert refused == ["[policy]", "[auth]", "[signing]", "[budget]"]
    assert [seen(each)[1] for each in result.diagnostics if not each.is_error] == [
        "colour",
        "name",
        "[logging]",
        "[[nodes]]",
    ]
    assert result.workflow is not None and result.workflow.policy is None and result.workflow.name == "x"


def test_two_workflows_show_the_first() -> None:
    assert [each.span.line for each in only(ONE + ONE).labels] == [1]


# --- extra fields -----------------------------------------------------------------------------------------------


def test_kinds_that_ignore_extra_keys_say_so() -> None:
    result = decoded(NAME + NODE + "type = 'merge'\nwhen = 3\nretry = { max_attempts = 1 }\n[nodes.x]\n")
    assert [seen(each) for each in result.diagnostics] == [
        ("ignored_field", "when"),
        ("ignored_field", "[nodes.x]"),
    ]
    assert {each.severity for each in result.diagnostics} == {Severity.WARNING}
    assert result.workflow is not None and isinstance(result.workflow.nodes[0], Merge)
