"""What goes beyond agentd, off by default: CORS, events of a run, readiness, the OpenAPI document, opaque errors."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from serving import ECHO, START, Server, serving, until

from agentdc_runtime.http import date

ROUTE = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
"""


def test_nothing_of_it_by_default(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path) as server:
        for path in ("/readyz", "/openapi.json"):
            assert server.ask("GET", path).status == 404
        origin = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
        assert server.ask("OPTIONS", "/show", headers=origin).status == 405
        answer = server.ask("POST", "/show", "1", {**origin, "Accept": "text/event-stream"})
        assert answer.headers["content-type"] == "application/json"
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    text = f"""{ECHO}{ROUTE}
[http_routes.cors]
allow_origins = ["https://a.example", "https://b.example"]
allow_headers = ["X-Key", "Content-Type"]
max_age_secs = 60

[[http_routes]]
method = "POST"
path = "/all"
start_node = "go"
cors = {{ allow_origins = ["*"] }}
"""
    with serving(text, tmp_path_factory.mktemp("cors")) as server:
        yield server


def cors(headers: dict[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in headers.items() if name.startswith("access-control") or name == "vary"
    }


def test_preflight(shared: Server) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    answer = shared.ask("OPTIONS", "/show", headers=asked)
    assert (answer.status, answer.body) == (204, b"")
    assert cors(answer.headers) == {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type, x-key",
        "access-control-max-age": "60",
        "vary": "Origin",
    }
    assert cors(
        shared.ask("OPTIONS", "/show", headers={**asked, "Origin": "https://evil.example"}).headers
    ) == {"vary": "Origin"}
    wrong = {**asked, "Access-Control-Request-Method": "DELETE"}
    assert shared.ask("OPTIONS", "/show", headers=wrong).status == 405


def test_answers_to_pages(shared: Server) -> None:
    answer = shared.ask("POST", "/show", "1", {"Origin": "https://b.example"})
    assert cors(answer.headers) == {"access-control-allow-origin": "https://b.example", "vary": "Origin"}
    assert cors(shared.ask("POST", "/show", "1", {"Origin": "null"}).headers) == {"vary": "Origin"}
    assert cors(shared.ask("POST", "/all", "1").headers) == {"access-control-allow-origin": "*"}
    assert shared.ask("POST", "/show", "{", {"Origin": "https://a.example"}).headers[
        "access-control-allow-origin"
    ]


EVENTS = f"""{START}
[[nodes]]
id = "show"
type = "shell_run"
command = "/bin/sleep"
args_from = "trigger.args"
[[nodes]]
id = "after"
type = "json_select"
input_from = "trigger"
path = "args"
[[edges]]
from = "show"
to = "after"
{ROUTE}
stream = true
[policy.shell]
commands = ["*"]
"""


def events(text: str) -> list[tuple[str, object]]:
    """Server-Sent Events as a browser reads them (HTML standard): field by field, an event at each empty line."""
    found, name, data = [], "message", []
    for line in text.splitlines():
        if not line:
            if data:
                found.append((name, json.loads("\n".join(data))))
            name, data = "message", []
        elif not line.startswith(":"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
    return found


def test_events_of_a_run(tmp_path: Path) -> None:
    with serving(EVENTS, tmp_path) as server:
        accept = {"Accept": "text/html, text/event-stream;q=0.9"}
        answer = server.ask("POST", "/show", '{"args": ["0.1"]}', accept)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert "content-length" not in answer.headers
        found = events(answer.body.decode())
        assert [name for name, _ in found] == ["started", "node", "node", "outcome"]
        first, outcome = found[1][1], found[-1][1]
        assert isinstance(first, dict)
        assert isinstance(outcome, dict)
        assert {**first, "elapsed_ms": 0} == {
            "node_id": "show",
            "kind": "shell_run",
            "branch": None,
            "elapsed_ms": 0,
        }
        assert outcome["status_code"] == 200
        assert json.loads(outcome["body"])["final_value"]["value"] == ["0.1"]
        plain = server.ask("POST", "/show", '{"args": ["0"]}')
        assert plain.json["status"] == "completed"


def test_events_come_as_they_happen_and_outlive_their_reader(tmp_path: Path) -> None:
    with serving(EVENTS, tmp_path) as server:
        body = b'{"args": ["0.6"]}'
        head = b"POST /show HTTP/1.1\r\nAccept: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
        with socket.create_connection((server.host, server.port), timeout=10) as peer:
            peer.sendall(head + body)
            data = peer.recv(4096)
            assert b"HTTP/1.1 200 OK" in data
            until(lambda: server.metric("agentdc_inflight_runs") == 1)
        until(lambda: server.metric("agentd_workflow_completions_total") == 1)


def test_readiness(tmp_path: Path) -> None:
    with serving(f"{EVENTS}[server]\nreadyz = true\n", tmp_path) as server:
        assert server.ask("GET", "/readyz").json == {"status": "ready"}
        kept = http.client.HTTPConnection(server.host, server.port)
        kept.request("GET", "/healthz")
        kept.getresponse().read()
        body = b'{"args": ["1"]}'
        with socket.create_connection((server.host, server.port), timeout=10) as peer:
            peer.sendall(b"POST /show HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            until(lambda: server.metric("agentdc_inflight_runs") == 1)
            server.process.send_signal(signal.SIGTERM)
            until(lambda: "draining" in server.said)
            kept.request("GET", "/readyz")
            answer = kept.getresponse()
            assert (answer.status, answer.read()) == (503, b'{"status":"draining"}')


def test_openapi_document(tmp_path: Path) -> None:
    with serving(f'{ECHO}{ROUTE}[server]\nopenapi_path = "/openapi.json"\n', tmp_path) as server:
        answer = server.ask("GET", "/openapi.json")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        validate(answer.json)
        assert set(answer.json["paths"]) == {"/show", "/healthz", "/metrics"}
        packed = next((tmp_path / "built" / "app").glob("*/openapi.json"))
        assert packed.read_bytes() == answer.body


def test_opaque_errors(tmp_path: Path) -> None:
    text = ECHO.replace(
        'type = "json_select"\ninput_from = "trigger"\npath = ""',
        'type = "parse_json"\ninput_from = "trigger.text"',
    )
    with serving(f"{text}{ROUTE}[server]\nopaque_errors = true\n", tmp_path, "--log-level", "info") as server:
        answer = server.ask("POST", "/show", '{"text": "{private"}')
        assert answer.status == 500
        assert set(answer.json) == {"error", "run_id"}
        assert answer.json["error"] == "internal error"
        assert answer.json["run_id"] in server.said


def test_trace_goes_on_in_the_log(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path, "--log-level", "info", "--log-format", "json") as server:
        trace = "4BF92F3577B34DA6A3CE929D0E0E4736"
        server.ask("POST", "/show", "1", {"traceparent": f"00-{trace}-00F067AA0BA902B7-01"})
        lines = [json.loads(each) for each in server.said.splitlines() if each.startswith("{")]
        spans = [span for each in lines for span in each.get("spans", [each.get("span", {})])]
        assert any(span.get("trace_id") == trace.lower() and span.get("sampled") for span in spans), lines


def test_date(tmp_path: Path) -> None:
    """On every kind of answer, and read by somebody else's parser."""
    cors = 'cors = { allow_origins = ["*"] }\nstream = true\n'
    with serving(f"{ECHO}{ROUTE}{cors}[server]\ndate = true\n", tmp_path) as server:
        origin = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
        answers = [
            server.ask("POST", "/show", "1"),
            server.ask("POST", "/show", "1", {"Accept": "text/event-stream"}),
            server.ask("POST", "/show", "{"),
            server.ask("GET", "/healthz"),
            server.ask("GET", "/none"),
            server.ask("OPTIONS", "/show", headers=origin),
        ]
        assert [each.status for each in answers] == [200, 200, 400, 200, 404, 204]
        said = [each.headers["date"] for each in answers]
        refused = server.raw(b"POST /show HTTP/9.9\r\n\r\n").decode()
        said += re.findall(r"^Date: (.*)\r$", refused, re.MULTILINE)
        assert len(said) == 7
        for each in said:
            assert abs(parsedate_to_datetime(each).timestamp() - time.time()) < 20
            assert each.endswith(" GMT")
    with serving(f"{ECHO}{ROUTE}", tmp_path / "without") as server:
        assert "date" not in server.ask("POST", "/show", "1").headers


def test_dates_are_those_of_the_standard_library() -> None:
    for unix in (0, 951_782_399, 951_782_400, 1_709_164_800, 1_767_225_599, 4_102_444_799):
        assert date.text(unix) == formatdate(unix, usegmt=True)
