"""Apps that ask models: every provider, every error, against a scripted model server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import Done, app, make
from mockmodel import MockModel, mock_model

from agentdc.driver.build import Format

KEY = "sk-sesame-open-1234"
ASK = """\
name = "mood"
{sections}
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "ask"

[[nodes]]
id = "ask"
type = "llm_infer"
backend = "{backend}"
prompt = "Mood in {{{{city}}}}?"
input_from = "trigger"
{more}
"""
BACKEND = """
[[intelligence.backends]]
name = "desk"
provider = "{provider}"
model = "house-7b"
base_url = "{url}"
api_key_env = "DESK_KEY"
{more}
"""
MOOD_SCHEMA = '{"type": "object", "required": ["mood"], "properties": {"mood": {"enum": ["calm", "wild"]}}}'
MOOD = f"output_schema = '{MOOD_SCHEMA}'"
SAY = '[[rules]]\nreplies = ["calm"]\nprompt_tokens = 11\ncompletion_tokens = 2\n'


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[MockModel]:
    """A model that says calm."""
    with mock_model(SAY, tmp_path / "mock") as found:
        yield found


def _text(
    mock: MockModel, provider: str = "openai-compatible", *, backend: str = "", node: str = "", base: str = ""
) -> str:
    section = BACKEND.format(provider=provider, url=mock.url + base, more=backend)
    return ASK.format(sections=section, backend="desk", more=node)


def _run(text: str, folder: Path, *words: str, **variables: str) -> tuple[Done, dict[str, Any]]:
    """What the app said, and its record."""
    built = make(text, folder / "built", form=Format.ZIPAPP)
    variables = {"DESK_KEY": KEY, "AGENTD_LOG": "info"} | variables
    done = app(
        built,
        "--input",
        "-",
        "--record",
        "run.json",
        *words,
        cwd=folder,
        input='{"city": "Oslo"}',
        **variables,
    )
    assert KEY not in done.stdout + done.stderr
    record = folder / "run.json"
    return done, json.loads(record.read_text()) if record.exists() else {}


@pytest.mark.parametrize(
    ("provider", "backend", "base", "path", "header"),
    [
        ("anthropic", "", "", "/v1/messages", "x-api-key"),
        ("anthropic", "", "/v1", "/v1/messages", "x-api-key"),
        ("openai", "", "", "/v1/chat/completions", "authorization"),
        ("openai", 'api = "responses"', "", "/v1/responses", "authorization"),
        ("openai-compatible", "", "/v1/", "/v1/chat/completions", "authorization"),
        ("openai-compatible", "", "/gate/v1", "/gate/v1/chat/completions", "authorization"),
        ("gemini", "", "", "/v1beta/models/house-7b:generateContent", "x-goog-api-key"),
    ],
)
def test_every_provider_is_asked_as_it_wants(
    mock: MockModel, tmp_path: Path, provider: str, backend: str, base: str, path: str, header: str
) -> None:
    done, record = _run(_text(mock, provider, backend=backend, base=base), tmp_path)
    assert done.returncode == 0, done.stderr
    output = record["detail"]
    assert output["content"] == "calm"
    assert (output["parsed"], output["usage"]) == (None, {"completion_tokens": 2, "prompt_tokens": 11})
    assert (record["cost"]["llm_calls"], record["cost"]["llm_tokens"]) == (1, 13)
    (request,) = mock.requests
    assert (request["path"], request["headers"][header]) == (path, "<hidden>")
    assert request["asked"]["max_tokens"] == 1024
    assert request["asked"]["model"] == "house-7b"
    assert request["asked"]["messages"] == [{"role": "user", "content": "Mood in Oslo?"}]


@pytest.mark.parametrize("flag", ["--intel-unix", "--intel-http"])
def test_the_model_of_the_command_line(mock: MockModel, tmp_path: Path, flag: str) -> None:
    place = str(mock.socket) if flag == "--intel-unix" else mock.url
    text = ASK.format(sections="", backend="default", more="")
    done, record = _run(text, tmp_path, flag, place, AGENTD_INTEL_HTTP_BEARER="token-of-the-model")
    assert done.returncode == 0, done.stderr
    assert record["detail"]["content"] == "calm"
    (request,) = mock.requests
    assert request["asked"]["provider"] == "rpc"
    assert request["asked"]["model"] == "fast"
    assert request["headers"].get("authorization") == ("<hidden>" if flag == "--intel-http" else None)


def test_without_a_model_on_the_command_line(tmp_path: Path) -> None:
    done, _ = _run(ASK.format(sections="", backend="default", more=""), tmp_path)
    assert done.returncode == 5
    assert "no model backend is called `default`; there are: <none>; --intel-unix or" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--intel-http", "ftp://x"), "configuration error: --intel-http"),
        (("--intel-http", "http://x", "--intel-http-bearer-file", "none"), "intel-http-bearer-file"),
    ],
)
def test_a_model_that_cannot_be_named_is_told_at_start(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done, record = _run(ASK.format(sections="", backend="default", more=""), tmp_path, *words)
    assert (done.returncode, record) == (2, {})
    assert said in done.stderr


def test_a_key_that_is_not_there_is_told_at_start(mock: MockModel, tmp_path: Path) -> None:
    done, record = _run(_text(mock), tmp_path, DESK_KEY="")
    assert (done.returncode, record) == (2, {})
    assert "the backend `desk`: the secret `DESK_KEY` is not set" in done.stderr
    assert mock.log.read_text() == ""


def test_limits_of_node_and_backend(mock: MockModel, tmp_path: Path) -> None:
    _run(_text(mock, backend="max_tokens = 77"), tmp_path / "a")
    _run(_text(mock, backend="max_tokens = 77", node="max_tokens = 5"), tmp_path / "b")
    assert [each["asked"]["max_tokens"] for each in mock.requests] == [77, 5]


def test_repairs_until_the_answer_fits(tmp_path: Path) -> None:
    script = """
[[rules]]
turn = 0
replies = ["not JSON"]
[[rules]]
turn = 1
json = { mood = "sad" }
[[rules]]
json = { mood = "wild" }
"""
    with mock_model(script, tmp_path / "mock") as mock:
        done, record = _run(_text(mock, node=f"{MOOD}\noutput_repairs = 2"), tmp_path)
        prompts = mock.prompts
    assert record["detail"]["parsed"] == {"mood": "wild"}
    assert record["cost"]["llm_calls"] == 3
    assert done.stderr.count("llm_infer.repair") == 2
    assert "model returned invalid JSON: " in prompts[1]
    assert "schema violation: /mood: must be one of" in prompts[2]


def test_an_answer_that_never_fits(tmp_path: Path) -> None:
    with mock_model('[[rules]]\njson = { mood = "sad" }\n', tmp_path / "mock") as mock:
        done, record = _run(_text(mock, node=f"{MOOD}\noutput_repairs = 1"), tmp_path)
        assert len(mock.requests) == 2
    assert done.returncode == 5
    error = record["detail"]["error"]
    assert error.startswith(
        "schema validation failed: node `ask`, 2 attempts: schema violation: /mood: must be one"
    )


def test_an_answer_that_was_cut_off_is_repaired(tmp_path: Path) -> None:
    script = """
[[rules]]
times = 1
stop = "length"
replies = ['{"mood": "calm"}']
[[rules]]
json = { mood = "calm" }
"""
    with mock_model(script, tmp_path / "mock") as mock:
        _, record = _run(_text(mock, node=f"{MOOD}\noutput_repairs = 1"), tmp_path)
        assert "the answer was cut off at its limit of tokens" in mock.prompts[1]
    assert record["detail"]["parsed"] == {"mood": "calm"}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("status = 401\nreplies = ['no']", "openai-compatible returned 401: "),
        ("status = 500\nreplies = ['no']", "openai-compatible returned 500: "),
        ('fault = "html"', "openai-compatible returned 502: <!doctype html>"),
        ('fault = "wrong_type"', "response is not JSON: "),
        ('fault = "not_json"', "response is not JSON: "),
        ('fault = "empty"', "response is not JSON: "),
        ('fault = "no_text"', "response missing choices[0].message.content"),
        ('fault = "truncate"', "closed the connection in the middle of its answer"),
        ('fault = "close"', "closed the connection without an answer"),
        ('fault = "garbage"', "answered with something that is not HTTP/1.1"),
        ('fault = "endless"', "an answer of more than 10485760 bytes"),
    ],
)
def test_what_goes_wrong_is_one_error_in_words(tmp_path: Path, rule: str, said: str) -> None:
    with mock_model(f"[[rules]]\n{rule}\n", tmp_path / "mock") as mock:
        done, record = _run(_text(mock), tmp_path)
    assert done.returncode == 5
    assert record["detail"]["error"].startswith("intelligence call failed: openai-compatible")
    assert said in record["detail"]["error"]
    assert record["cost"]["llm_calls"] == 0


def test_a_key_that_a_refusal_repeats_is_hidden(tmp_path: Path) -> None:
    with mock_model(f"[[rules]]\nstatus = 401\nreplies = ['bad key {KEY}']\n", tmp_path / "mock") as mock:
        done, record = _run(_text(mock), tmp_path)
    assert "bad key <redacted>" in done.stderr
    assert KEY not in json.dumps(record)


def test_a_model_that_never_answers_ends_with_the_time_limit(tmp_path: Path) -> None:
    with mock_model('[[rules]]\nfault = "hang"\n', tmp_path / "mock") as mock:
        done, record = _run(_text(mock, backend="timeout_secs = 1"), tmp_path)
    assert done.returncode == 5
    assert (
        "within 1 s" in record["detail"]["error"]
        or "for 1 s" in record["detail"]["error"]
        or ("longer than 1 s" in record["detail"]["error"])
    )


@pytest.mark.parametrize("key", ["max_llm_tokens", "max_run_llm_tokens"])
def test_the_token_budget_refuses_the_next_call(mock: MockModel, tmp_path: Path, key: str) -> None:
    budget = f"[budget]\n{key} = 10\n\n[[start_nodes]]"
    text = _text(mock, node="retry = { max_attempts = 2 }").replace("[[start_nodes]]", budget, 1)
    text += '\n[[nodes]]\nid = "more"\ntype = "llm_infer"\nbackend = "desk"\nprompt = "?"\n'
    text += '\n[[edges]]\nfrom = "ask"\nto = "more"\n'
    done, record = _run(text, tmp_path)
    assert (done.returncode, record["status"], record["last_node"]) == (5, "errored", "more")
    assert f"tool `llm_infer` failed: budget.{key}: 13 of 10 tokens are used" in done.stderr
    assert record["cost"]["llm_tokens"] == 13
    assert len(mock.requests) == 1


def test_a_dry_run_asks_nobody(mock: MockModel, tmp_path: Path) -> None:
    done, record = _run(_text(mock), tmp_path, "--dry-run", DESK_KEY="")
    assert record["detail"] == {"content": "<dry-run>", "dry_run": True, "parsed": None}
    assert done.returncode == 0
    assert mock.requests == []


def test_a_call_is_told_in_the_words_of_the_conventions(mock: MockModel, tmp_path: Path) -> None:
    done, _ = _run(_text(mock, "anthropic"), tmp_path, "--log-format", "json", "--log-level", "info")
    lines = [json.loads(line)["fields"] for line in done.stderr.split("\n") if line.startswith("{")]
    (told,) = (each for each in lines if each["event"] == "llm.call")
    assert {name: value for name, value in told.items() if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "house-7b",
        "gen_ai.response.model": "house-7b",
        "gen_ai.response.finish_reasons": "end_turn",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 2,
    }
    assert (told["prompt_tokens"], told["completion_tokens"], told["backend"]) == (11, 2, "desk")
