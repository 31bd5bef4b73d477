"""`agentdc mock-llm`: rules, wire formats, faults, what it refuses, what it writes down. Peers: curl-like clients."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from command import agentdc, codes
from mockmodel import mock_model

HELLO = '[[rules]]\nreplies = ["hello"]\nprompt_tokens = 7\ncompletion_tokens = 2\n'
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def _post(url: str, body: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def _framed(path: Path, message: Any) -> Any:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(30)
        peer.connect(str(path))
        data = json.dumps(message).encode()
        peer.sendall(len(data).to_bytes(4, "little") + data)
        stream = peer.makefile("rb")
        return json.loads(stream.read(int.from_bytes(stream.read(4), "little")))


# What the documents of the providers say a request is, and where in the answer its text and usage stand.
@pytest.mark.parametrize(
    ("path", "body", "text", "usage"),
    [
        (
            "/v1/messages",
            {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
            ("content", 0, "text"),
            ("usage", "input_tokens"),
        ),
        ("/v1/chat/completions", CHAT, ("choices", 0, "message", "content"), ("usage", "prompt_tokens")),
        (
            "/v1/responses",
            {"model": "m", "input": "Hi"},
            ("output", 0, "content", 0, "text"),
            ("usage", "input_tokens"),
        ),
        (
            "/v1beta/models/m:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
            ("candidates", 0, "content", "parts", 0, "text"),
            ("usageMetadata", "promptTokenCount"),
        ),
        (
            "/complete",
            {"jsonrpc": "2.0", "id": 4, "method": "complete", "params": {"model": "fast", "messages": []}},
            ("result", "content"),
            ("result", "usage", "prompt_tokens"),
        ),
    ],
)
def test_wire_formats(
    tmp_path: Path, path: str, body: Any, text: tuple[str | int, ...], usage: tuple[str | int, ...]
) -> None:
    with mock_model(HELLO, tmp_path) as mock:
        status, headers, answer = _post(f"{mock.url}{path}", body)
    assert (status, headers["content-type"]) == (200, "application/json")
    found = value = json.loads(answer)
    for step in text:
        found = found[step]
    for step in usage:
        value = value[step]
    assert (found, value) == ("hello", 7)


def test_frames_on_a_unix_socket(tmp_path: Path) -> None:
    call = {"jsonrpc": "2.0", "id": 9, "method": "complete", "params": {"model": "fast", "messages": []}}
    with mock_model(HELLO, tmp_path) as mock:
        answer = _framed(mock.socket, call)
    assert answer["id"] == 9
    assert answer["result"]["content"] == "hello"
    assert not mock.socket.exists()


def test_the_first_rule_that_fits_answers(tmp_path: Path) -> None:
    script = """
[[rules]]
contains = "weather"
times = 1
replies = ["rain"]
[[rules]]
turn = 1
json = { again = true }
[[rules]]
model = "big"
replies = ["one", "two"]
"""
    asked = [
        CHAT | {"messages": [{"role": "user", "content": "the weather?"}]},
        CHAT | {"messages": [{"role": "user", "content": "the weather?"}]},
        CHAT | {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]},
        *[CHAT | {"model": "big"}] * 3,
    ]
    with mock_model(script, tmp_path) as mock:
        answers = [_post(f"{mock.url}/v1/chat/completions", each) for each in asked]
        rules = [each["rule"] for each in mock.requests]
    assert rules == [0, None, 1, 2, 2, 2]
    assert [status for status, _, _ in answers] == [200, 400, 200, 200, 200, 200]
    said = [json.loads(answer)["choices"][0]["message"]["content"] for _, _, answer in answers[2:]]
    assert said == ['{"again":true}', "one", "two", "two"]


def test_refusals_have_status_and_headers(tmp_path: Path) -> None:
    script = '[[rules]]\nstatus = 429\nheaders = { retry-after = "3" }\nreplies = ["slow down"]\n'
    with mock_model(script, tmp_path) as mock:
        status, headers, body = _post(f"{mock.url}/v1/chat/completions", CHAT)
    assert (status, headers["retry-after"]) == (429, "3")
    assert json.loads(body)["error"]["message"] == "slow down"


@pytest.mark.parametrize("fault", ["close", "garbage", "truncate"])
def test_faults_break_the_answer(tmp_path: Path, fault: str) -> None:
    with (
        mock_model(f'[[rules]]\nfault = "{fault}"\n', tmp_path) as mock,
        pytest.raises((HTTPException, OSError)),
    ):
        _post(f"{mock.url}/v1/chat/completions", CHAT)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", b"{nope"),
        ("/v1/chat/completions", b"[]"),
        ("/v1/chat/completions", {"messages": []}),
        ("/v1/chat/completions", CHAT | {"stream": True}),
        ("/v1/messages", {"model": "m", "messages": []}),
        ("/v1/messages", {"model": "m", "max_tokens": 1, "messages": [{"role": "system", "content": ""}]}),
        ("/elsewhere", CHAT),
    ],
)
def test_what_a_provider_would_refuse_is_refused(tmp_path: Path, path: str, body: Any) -> None:
    with mock_model(HELLO, tmp_path) as mock:
        status, _, answer = _post(f"{mock.url}{path}", body)
        assert (status, mock.requests[0]["rule"]) == (400, None)
    assert json.loads(answer)["error"]["message"]


def test_requests_are_written_down_without_keys(tmp_path: Path) -> None:
    with mock_model(HELLO, tmp_path) as mock:
        _post(f"{mock.url}/v1/chat/completions", CHAT, Authorization="Bearer sesame-open")
        (request,) = mock.requests
        text = mock.log.read_text()
    assert request["asked"]["messages"] == [{"role": "user", "content": "Hi"}]
    assert request["headers"]["authorization"] == "<hidden>"
    assert request["at_ms"] >= 0
    assert "sesame" not in text


def test_a_script_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "mock.toml").write_text('[[rules]]\nreplys = ["x"]\n')
    done = agentdc("mock-llm", "mock.toml", cwd=tmp_path)
    assert (done.returncode, codes(done.stderr)) == (5, ["mock_script_invalid"])
    assert 'did you mean "replies"?' in done.stderr


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "mock.toml").write_text(HELLO)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = agentdc("mock-llm", "mock.toml", "--bind", f"127.0.0.1:{port}", cwd=tmp_path)
    assert (done.returncode, codes(done.stderr)) == (2, ["mock_address"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--bind", "0.0.0.0:0"), "--allow-remote permits it"),
        (("--bind", "nonsense"), "is no IP:PORT"),
        (("--bind", "127.0.0.1:99999"), "is no IP:PORT"),
    ],
)
def test_only_this_machine_unless_asked(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "mock.toml").write_text(HELLO)
    done = agentdc("mock-llm", "mock.toml", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
