"""The suggested policy: small, and enough: with it the check finds nothing denied and nothing unused."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from compiled import TESTS, checked, checked_file

from agentdc.check.effects import judge
from agentdc.check.least_policy import quoted
from agentdc.driver.statement import least_policy
from agentdc.model.policy import Policy

PARTS = """
name = "w"
start_nodes = [{ name = "go", source = "manual", entry_node = "url" }]
edges = [{ from = "url", to = "get" }, { from = "get", to = "where" }, { from = "where", to = "save" },
  { from = "save", to = "home" }, { from = "home", to = "df" }]
[[nodes]]
id = "url"
type = "template_render"
template = "https://api.example/orders/{{id}}"
input_from = "trigger"
[[nodes]]
id = "get"
type = "http_request"
method = "post"
url_from = "url.rendered"
[[nodes]]
id = "where"
type = "template_render"
template = "/srv/out/{{id}}.json"
input_from = "trigger"
[[nodes]]
id = "save"
type = "write_file"
path_from = "where.rendered"
content_from = "get.body"
[[nodes]]
id = "home"
type = "read_env"
key = "HOME"
[[nodes]]
id = "df"
type = "shell_run"
command = "/usr/bin/df"
"""
EXPECTED = {
    "fs": {"write": ["/srv/out/*"]},
    "env": {"read_keys": ["HOME"]},
    "http": {"urls": ["https://api.example/orders/*"], "methods": ["POST"]},
    "shell": {"commands": ["/usr/bin/df"]},
}


def _suggested(text: str) -> str:
    found = least_policy(checked(text))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "policy", ["", "[policy]\n", "[policy.http]\nurls = ['*']\n", "[policy.env]\nread_keys=['X']\n"]
)
def test_it_is_the_same_whatever_the_policy_was(policy: str) -> None:
    assert tomli.loads(_suggested(PARTS + policy))["policy"] == EXPECTED


def _policy_findings(text: str) -> list[str]:
    return [
        each.code.slug
        for each in checked(text).diagnostics
        if "grant" in each.code.slug or "policy" in each.code.slug
    ]


def test_with_it_nothing_is_denied_and_nothing_unused() -> None:
    assert _policy_findings(PARTS + _suggested(PARTS)) == []


CASES = sorted(TESTS.parent.glob("examples/*/workflow.toml")) + sorted(TESTS.glob("nodes/*/workflow.toml"))


@pytest.mark.parametrize("workflow", CASES, ids=lambda path: path.parent.name)
def test_what_was_let_through_still_is(workflow: Path) -> None:
    report = checked_file(workflow)
    suggestion = least_policy(report)
    assert suggestion is not None
    assert report.workflow is not None and report.checked is not None
    policy = Policy.model_validate(tomli.loads(suggestion)["policy"])
    least = report.workflow.model_copy(update={"policy": policy})
    for touch in report.checked.effects:
        before, after = judge(report.workflow, touch), judge(least, touch)
        lists = report.workflow.policy is not None
        assert after.verdict != "denied" or before.verdict == "denied" or not (lists and touch.texts), touch


def test_what_cannot_be_known_is_a_comment_or_stays() -> None:
    text = """
name = "w"
start_nodes = [{ name = "go", source = "manual" }]
[[nodes]]
id = 'odd "id"'
type = "read_file"
path_from = "trigger.path"
"""
    suggestion = _suggested(text)
    assert tomli.loads(suggestion) == {"policy": {"fs": {"read": []}}}
    assert '# read_file odd \\"id\\", from {{trigger.path}}: say what it may reach' in suggestion
    kept = _suggested(text + "[policy.fs]\nread = ['/srv/in/*', 'x']\n")
    assert tomli.loads(kept) == {"policy": {"fs": {"read": ["/srv/in/*", "x"]}}}
    assert "#" not in kept


def test_a_model_that_chooses_keeps_the_lists() -> None:
    text = """
name = "w"
start_nodes = [{ name = "go", source = "manual" }]
[[nodes]]
id = "loop"
type = "agent_loop"
backend = "default"
instructions = "x"
tools = ["http_request", "read_env"]
max_steps = 2
[policy.http]
urls = ["https://a.example/*"]
methods = ["GET"]
"""
    suggestion = _suggested(text)
    policy = tomli.loads(suggestion)["policy"]
    assert policy == {"env": {"read_keys": []}, "http": {"urls": ["https://a.example/*"], "methods": ["GET"]}}
    assert "# agent_loop loop, a model chooses: say what it may reach" in suggestion


@pytest.mark.parametrize("text", ['"', "\\", "\n", "\x00", "\x7f", "é", "\u202e", "\U000e0001", "'", "a\tb"])
def test_quoted_texts_come_back(text: str) -> None:
    assert tomli.loads(f"x = {quoted(text)}") == {"x": text}
    assert quoted(text).isprintable()
