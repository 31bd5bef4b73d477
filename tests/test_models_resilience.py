"""Failover, retries, circuit breakers, caches, and what providers do natively, against scripted model servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import Done, app, make
from mockmodel import mock_model

from agentdc.driver.build import Format

HEAD = """\
name = "asker"

[[start_nodes]]
name = "go"
source = "manual"
entry_node = "n1"

[policy.fs]
read = ["/proc/version"]
"""
BACKEND = """
[[intelligence.backends]]
name = "{name}"
provider = "openai-compatible"
model = "m-{name}"
base_url = "{url}"
{more}
"""
ASK = '\n[[nodes]]\nid = "n{n}"\ntype = "llm_infer"\nbackend = "first"\nprompt = "Hello"\n{more}\n'
SAY = '[[rules]]\nreplies = ["fine"]\n'
REFUSE = "[[rules]]\nstatus = {status}\nreplies = ['no']\n{more}\n"


def _text(backends: str, nodes: int = 1, more: str = "") -> str:
    asks = "".join(ASK.format(n=number + 1, more=more) for number in range(nodes))
    edges = "".join(f'\n[[edges]]\nfrom = "n{n}"\nto = "n{n + 1}"\n' for n in range(1, nodes))
    return HEAD + backends + asks + edges


def _run(text: str, folder: Path, *words: str) -> tuple[Done, dict[str, Any]]:
    built = make(text, folder / "built", form=Format.ZIPAPP)
    log = ("--log-level", "info", "--log-format", "json")
    done = app(built, "--record", "run.json", *log, *words, cwd=folder)
    return done, json.loads((folder / "run.json").read_text())


def _events(done: Done, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line)["fields"] for line in done.stderr.split("\n") if line.startswith("{")]
    return [each for each in lines if each["event"] == name]


@pytest.mark.parametrize("status", [401, 404, 429, 500, 529])
def test_the_next_backend_answers(tmp_path: Path, status: int) -> None:
    with (
        mock_model(REFUSE.format(status=status, more=""), tmp_path / "a") as bad,
        mock_model(SAY, tmp_path / "b") as good,
    ):
        backends = BACKEND.format(name="first", url=bad.url, more='failover = ["second"]')
        backends += BACKEND.format(name="second", url=good.url, more="")
        done, record = _run(_text(backends), tmp_path)
        assert (len(bad.requests), len(good.requests)) == (1, 1)
    assert record["detail"]["content"] == "fine"
    (told,) = _events(done, "llm.failover")
    assert (told["node_id"], told["backend"], told["instead_of"]) == ("n1", "second", "first")
    assert f"returned {status}" in told["reason"]
    assert [each["backend"] for each in _events(done, "llm.call")] == ["second"]


def test_when_all_fail_each_is_told(tmp_path: Path) -> None:
    with mock_model(REFUSE.format(status=500, more=""), tmp_path / "mock") as bad:
        backends = BACKEND.format(name="first", url=bad.url, more='failover = ["second"]')
        backends += BACKEND.format(name="second", url="http://127.0.0.1:9", more="")
        done, record = _run(_text(backends), tmp_path)
    assert done.returncode == 5
    error = record["detail"]["error"]
    assert error.startswith(
        "intelligence call failed: every backend failed: first: openai-compatible returned 500"
    )
    assert "; second: openai-compatible: no connection to 127.0.0.1:9: " in error


@pytest.mark.parametrize("status", [408, 429, 500, 503, 529])
def test_what_may_pass_is_asked_again(tmp_path: Path, status: int) -> None:
    script = REFUSE.format(status=status, more="times = 2") + SAY
    with mock_model(script, tmp_path / "mock") as mock:
        backends = BACKEND.format(name="first", url=mock.url, more="retries = 2\nretry_backoff_ms = 1")
        done, record = _run(_text(backends), tmp_path)
        assert len(mock.requests) == 3
    assert record["detail"]["content"] == "fine"
    assert [each["attempt"] for each in _events(done, "llm.retry")] == [1, 2]
    assert record["cost"]["llm_calls"] == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_does_not_pass_is_not_asked_again(tmp_path: Path, status: int) -> None:
    with mock_model(REFUSE.format(status=status, more=""), tmp_path / "mock") as mock:
        _run(
            _text(BACKEND.format(name="first", url=mock.url, more="retries = 2\nretry_backoff_ms = 1")),
            tmp_path,
        )
        assert len(mock.requests) == 1


@pytest.mark.parametrize("after", ["1", "Fri, 01 Jan 2100 00:00:00 GMT", "nonsense", "-1"])
def test_the_peer_says_how_long_to_wait(tmp_path: Path, after: str) -> None:
    script = REFUSE.format(status=429, more=f'times = 1\nheaders = {{ retry-after = "{after}" }}') + SAY
    with mock_model(script, tmp_path / "mock") as mock:
        backends = BACKEND.format(name="first", url=mock.url, more="retries = 1\nretry_backoff_ms = 1")
        done, record = _run(_text(backends), tmp_path, "--timeout-secs", "60")
    waits = [each["wait_ms"] for each in _events(done, "llm.retry")]
    if after.startswith("Fri"):  # beyond the deadline: no attempt at all
        assert (record["status"], waits) == ("errored", [])
    else:
        assert record["status"] == "completed"
        assert (waits[0] >= 1000) == (after == "1")


def test_a_nodes_own_retry_waits_as_long_as_the_peer_asks(tmp_path: Path) -> None:
    script = REFUSE.format(status=529, more='times = 1\nheaders = { retry-after = "1" }') + SAY
    with mock_model(script, tmp_path / "mock") as mock:
        retry = 'retry = { max_attempts = 2, backoff_ms = 1, on = "transient" }'
        text = _text(BACKEND.format(name="first", url=mock.url, more=""), more=retry)
        done, record = _run(text, tmp_path)
    assert record["status"] == "completed"
    assert [each["wait_ms"] for each in _events(done, "node.retry")] == [1000]


def test_an_open_circuit_asks_nobody(tmp_path: Path) -> None:
    with (
        mock_model(REFUSE.format(status=500, more=""), tmp_path / "a") as bad,
        mock_model(SAY, tmp_path / "b") as good,
    ):
        breaker = 'failover = ["second"]\nbreaker = { failures = 2, open_secs = 600 }'
        backends = BACKEND.format(name="first", url=bad.url, more=breaker)
        backends += BACKEND.format(name="second", url=good.url, more="")
        done, record = _run(_text(backends, nodes=4), tmp_path)
        assert (len(bad.requests), len(good.requests)) == (2, 4)
    assert record["status"] == "completed"
    assert len(_events(done, "llm.circuit_opened")) == 1
    assert "the circuit is open" in _events(done, "llm.failover")[-1]["reason"]


def test_a_circuit_stays_closed_for_what_the_caller_did_wrong(tmp_path: Path) -> None:
    with (
        mock_model(REFUSE.format(status=400, more=""), tmp_path / "a") as bad,
        mock_model(SAY, tmp_path / "b") as good,
    ):
        breaker = 'failover = ["second"]\nbreaker = { failures = 1, open_secs = 600 }'
        backends = BACKEND.format(name="first", url=bad.url, more=breaker)
        backends += BACKEND.format(name="second", url=good.url, more="")
        done, _ = _run(_text(backends, nodes=3), tmp_path)
        assert len(bad.requests) == 3
    assert not _events(done, "llm.circuit_opened")


def test_the_same_request_is_answered_from_the_cache(tmp_path: Path) -> None:
    with mock_model(SAY, tmp_path / "mock") as mock:
        backends = BACKEND.format(name="first", url=mock.url, more="cache = { entries = 10, ttl_secs = 600 }")
        done, record = _run(_text(backends, nodes=3), tmp_path)
        assert len(mock.requests) == 1
    assert record["cost"]["llm_calls"] == 1
    assert [each.get("cached") for each in _events(done, "llm.call")] == [None, True, True]


def test_without_a_cache_every_request_is_sent(tmp_path: Path) -> None:
    with mock_model(SAY, tmp_path / "mock") as mock:
        _run(_text(BACKEND.format(name="first", url=mock.url, more=""), nodes=3), tmp_path)
        assert len(mock.requests) == 3


NATIVE = """
[[rules]]
turn = 0
calls = [
  { name = "read_file", args = { path = "/proc/version" } },
  { name = "read_file", args = { path = "/etc/passwd" } },
]
[[rules]]
turn = 1
calls = [{ name = "read_file", args = { path = "/etc/passwd" } }]
[[rules]]
replies = ["All done."]
"""
LOOP = """
[[nodes]]
id = "n1"
type = "agent_loop"
backend = "first"
instructions = "Look."
tools = ["read_file"]
max_steps = 5
[[nodes]]
id = "tired"
type = "fail"
[[edges]]
from = "n1"
to = "tired"
when = "exhausted"
"""


@pytest.mark.parametrize(
    ("provider", "api"),
    [("anthropic", ""), ("openai", ""), ("openai", 'api = "responses"'), ("gemini", "")],
)
def test_tools_are_called_natively(tmp_path: Path, provider: str, api: str) -> None:
    with mock_model(NATIVE, tmp_path / "mock") as mock:
        backend = BACKEND.format(
            name="first", url=mock.url, more=f'native_tools = true\napi_key_env = "PATH"\n{api}'
        )
        text = HEAD + backend.replace("openai-compatible", provider) + LOOP
        done, record = _run(text, tmp_path)
        requests = mock.requests
    assert record["status"] == "completed", record["detail"]
    output = record["detail"]
    assert (output["result"], output["steps"]) == ("All done.", 3)
    # Of calls that are made together, the first is done: what a turn may use up stays bounded.
    assert [(each["action"], each["step"], each.get("ok")) for each in output["transcript"]] == [
        ("tool", 1, True),
        ("tool", 2, False),
        ("final", 3, None),
    ]
    assert all(each["asked"]["tools"] == ["read_file"] for each in requests)
    results = [each["content"] for each in requests[-1]["asked"]["messages"] if each["role"] == "tool"]
    assert "Linux version" in results[0]
    assert "policy violation" in "".join(results)
    assert "only the first call of a turn is made" in "".join(results)
    assert record["cost"]["policy_denials"] == 1
    assert len(_events(done, "loop.tool_denied")) == 1


@pytest.mark.parametrize("on", [True, False])
def test_schemas_go_to_the_provider_when_asked(tmp_path: Path, on: bool) -> None:
    schema = '{"type": "object", "properties": {"mood": {"type": "string"}}, "required": ["mood"]}'
    with mock_model("[[rules]]\njson = { mood = 1 }\n", tmp_path / "mock") as mock:
        more = f"structured_output = {str(on).lower()}"
        text = _text(
            BACKEND.format(name="first", url=mock.url, more=more), more=f"output_schema = '{schema}'"
        )
        done, _ = _run(text, tmp_path)
        sizes = [int(each["headers"]["content-length"]) for each in mock.requests]
    assert (sizes[0] > 200) == on
    assert done.returncode == 5  # what the provider promises is held against the schema all the same
    assert "schema violation: /mood: must be a string" in done.stderr
