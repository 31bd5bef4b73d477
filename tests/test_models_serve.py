"""Apps that serve and ask models: what /metrics tells, keys that change, and many callers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from command import make
from mockmodel import mock_model
from serving import serving

TEXT = """\
name = "desk"

[[start_nodes]]
name = "go"
source = "http"
entry_node = "ask"

[[http_routes]]
method = "POST"
path = "/ask"
start_node = "go"

[[secrets]]
name = "KEY"
source = "file"
path = "{key}"

[[intelligence.backends]]
name = "house"
provider = "openai-compatible"
model = "m"
base_url = "{url}"
api_key_env = "KEY"

[[nodes]]
id = "ask"
type = "llm_infer"
backend = "house"
prompt = "Hello"

[[nodes]]
id = "say"
type = "respond"
status = 200
content_type = "text/plain"
input_from = "ask"
body_template = "{{{{content}}}}"

[[edges]]
from = "ask"
to = "say"

[policy]
"""
SAY = '[[rules]]\nreplies = ["fine"]\nprompt_tokens = 3\ncompletion_tokens = 2\n'


def test_metrics_tell_tokens_by_backend(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("first-key-of-all")
    with mock_model(SAY, tmp_path / "mock") as mock:
        make(TEXT.format(url=mock.url, key=tmp_path / "key"), tmp_path / "built")
        with serving("", tmp_path, app=tmp_path / "built" / "app") as app:
            assert b"agentdc_llm_tokens_total" not in app.ask("GET", "/metrics").body
            assert app.ask("POST", "/ask", b"{}").body == b"fine"
            assert app.ask("POST", "/ask", b"{}").body == b"fine"
            told = app.ask("GET", "/metrics").body.decode()
            assert app.end() == 0
    labels = 'workflow="desk",backend="house",model="m"'
    assert f'agentdc_llm_tokens_total{{{labels},direction="prompt"}} 6' in told
    assert f'agentdc_llm_tokens_total{{{labels},direction="completion"}} 4' in told
    assert 'agentd_llm_calls_total{workflow="desk"} 2' in told
    assert 'agentd_llm_tokens_total{workflow="desk"} 10' in told


def test_a_key_that_changed_counts_at_once(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("first-key-of-all")
    with mock_model(SAY, tmp_path / "mock") as mock:
        make(TEXT.format(url=mock.url, key=key), tmp_path / "built")
        with serving("", tmp_path, app=tmp_path / "built" / "app") as app:
            assert app.ask("POST", "/ask", b"{}").status == 200
            key.unlink()
            answer = app.ask("POST", "/ask", b"{}")
            assert answer.status == 500
            assert b"secret `KEY`" in answer.body
            key.write_text("another-key-now")
            assert app.ask("POST", "/ask", b"{}").status == 200
            assert app.end() == 0
        assert len(mock.requests) == 2


def test_many_callers_wait_at_once(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("first-key-of-all")
    with mock_model(f"{SAY}latency_ms = 1500\n", tmp_path / "mock") as mock:
        make(TEXT.format(url=mock.url, key=tmp_path / "key"), tmp_path / "built")
        with serving("", tmp_path, app=tmp_path / "built" / "app") as app, ThreadPoolExecutor(60) as callers:
            answers = list(callers.map(lambda _: app.ask("POST", "/ask", b"{}").status, range(60)))
            assert answers == [200] * 60
            assert app.end() == 0
        asked = [each["at_ms"] for each in mock.requests]
    assert max(asked) < min(asked) + 1500 * 5  # one after the other would take a minute and a half
