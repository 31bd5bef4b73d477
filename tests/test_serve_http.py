"""The listener as a caller sees it: one test per row of spec 02 §1, on a real socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.promtool import complaints
from serving import ECHO, START, Server, received, serving

ROUTES = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"

[[http_routes]]
method = "get"
path = "/show"
start_node = "go"

[[http_routes]]
method = "PUT"
path = "/put-only"
start_node = "go"
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(f"{ECHO}{ROUTES}", tmp_path_factory.mktemp("shop")) as server:
        yield server


def refusal(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n{body}".encode()


MALFORMED = {
    "no path": (b"GET\r\n\r\n", refusal("400 Bad Request", '{"error":"missing path"}')),
    "empty line": (b"\r\n", refusal("400 Bad Request", '{"error":"missing path"}')),
    "request line not UTF-8": (
        b"GET /\xff HTTP/1.1\r\n\r\n",
        refusal("400 Bad Request", '{"error":"request line read failed"}'),
    ),
    "header not UTF-8": (
        b"GET / HTTP/1.1\r\nX: \xff\r\n\r\n",
        refusal("400 Bad Request", '{"error":"header read failed"}'),
    ),
    "no blank line": (
        b"GET / HTTP/1.1\r\nX: y\r\n",
        refusal("400 Bad Request", '{"error":"unexpected EOF in headers"}'),
    ),
    "headers too large": (
        b"GET / HTTP/1.1\r\nX: " + b"y" * 16_384,
        refusal("431 Request Header Fields Too Large", '{"error":"headers too large"}'),
    ),
    "length is no number": (
        b"POST /show HTTP/1.1\r\nContent-Length: +5\r\n\r\nhello",
        refusal("400 Bad Request", '{"error":"invalid Content-Length"}'),
    ),
    "body too large": (
        b"POST /show HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n",
        refusal("413 Payload Too Large", '{"cap_bytes":1048576,"error":"body exceeds server cap"}'),
    ),
    "body cut off": (
        b"POST /show HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe",
        refusal("400 Bad Request", '{"error":"truncated body"}'),
    ),
    "two lengths": (
        b"POST /show HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        refusal("400 Bad Request", '{"error":"conflicting Content-Length"}'),
    ),
    "length and chunks": (
        b"POST /show HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        refusal("400 Bad Request", '{"error":"conflicting Transfer-Encoding"}'),
    ),
    "blank before the colon": (
        b"GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n",
        refusal("400 Bad Request", '{"error":"invalid header name"}'),
    ),
    "HTTP/2 in clear": (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        refusal("505 HTTP Version Not Supported", '{"error":"HTTP version not supported"}'),
    ),
    "nothing at all": (b"", b""),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed(shop: Server, case: str) -> None:
    sent, expected = MALFORMED[case]
    assert shop.raw(sent, half_close=True) == expected


def test_the_largest_body_that_is_accepted(shop: Server) -> None:
    body = b'"' + b"x" * (1_048_576 - 2) + b'"'
    answer = shop.ask("POST", "/show", body)
    assert (answer.status, len(answer.body) > 1_000_000) == (200, True)


def test_body_that_is_too_large_is_refused_before_it_is_sent(shop: Server) -> None:
    with socket.create_connection((shop.host, shop.port), timeout=10) as peer:
        peer.sendall(b"POST /show HTTP/1.1\r\nContent-Length: 9999999\r\nExpect: 100-continue\r\n\r\n")
        assert received(peer).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("POST", "/nowhere", 404, {"error": "Not Found", "path": "/nowhere"}),
        ("POST", "/show/", 404, {"error": "Not Found", "path": "/show/"}),
        ("POST", "/SHOW", 404, {"error": "Not Found", "path": "/SHOW"}),
        ("POST", "http://example.com/show", 404, {"error": "Not Found", "path": "http://example.com/show"}),
        ("DELETE", "/show?a=1", 405, {"error": "Method Not Allowed", "path": "/show"}),
        ("POST", "/put-only", 405, {"error": "Method Not Allowed", "path": "/put-only"}),
        ("POST", "/healthz", 404, {"error": "Not Found", "path": "/healthz"}),
    ],
)
def test_no_route(shop: Server, method: str, path: str, status: int, body: object) -> None:
    answer = shop.ask(method, path)
    assert (answer.status, answer.json) == (status, body)
    assert answer.headers["connection"] == "keep-alive"


def test_allow_names_every_method(shop: Server) -> None:
    assert shop.ask("PATCH", "/show").headers["allow"] == "GET, POST"


def test_route_methods_do_not_mind_their_case(shop: Server) -> None:
    assert shop.ask("GET", "/show").status == 200
    assert shop.raw(b"post /show HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_query_is_cut_off(shop: Server) -> None:
    assert shop.ask("GET", "/show?x=/y?z").status == 200


def test_health(shop: Server) -> None:
    answer = shop.ask("GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ok", "workflow": "shop"})
    assert answer.headers["content-type"] == "application/json"


def test_head_has_no_body(shop: Server) -> None:
    for path, status in (("/healthz", 200), ("/metrics", 200), ("/show", 405), ("/nowhere", 404)):
        sent = f"HEAD {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode()
        head, _, body = shop.raw(sent).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert body == b""
        assert b"Content-Length: 0" not in head


def test_promtool_accepts_the_metrics(shop: Server) -> None:
    shop.ask("POST", "/show", b"{}")
    text = shop.ask("GET", "/metrics")
    assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert complaints(text.body) == ""


def test_counters_count(shop: Server) -> None:
    names = (
        "agentd_workflow_starts_total",
        "agentd_workflow_completions_total",
        "agentd_node_executions_total",
    )
    before = [shop.metric(name) for name in names]
    for _ in range(3):
        shop.ask("POST", "/show", b"1")
    assert [shop.metric(name) - was for name, was in zip(names, before, strict=True)] == [3, 3, 3]


PARTS = (
    b'intro\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\none --b\r\n--b\r\n'
    b'Content-Disposition: form-data; name="f"; filename="x"\r\n\r\nfile\r\n--b--\r\n'
)
PAYLOADS = [
    ("application/json", b'{"a":1}', {"kind": "http", "a": 1, "principal": "ANON"}),
    ("application/json", b'{"kind":"mine"}', {"kind": "mine", "principal": "ANON"}),
    ("application/json", b'{"principal":"forged"}', {"kind": "http", "principal": "ANON"}),
    ("text/plain", b'{"a":1}', {"kind": "http", "a": 1, "principal": "ANON"}),
    ("application/json", b"", {"kind": "http", "principal": "ANON"}),
    ("application/json", b"null", {"kind": "http", "principal": "ANON"}),
    ("application/json", b"[1,2]", {"kind": "http", "input": [1, 2], "principal": "ANON"}),
    ("application/json", b'"x"', {"kind": "http", "input": "x", "principal": "ANON"}),
    (
        "application/x-www-form-urlencoded; charset=utf-8",
        b"a=1&b=x+y%21&a=2&c",
        {"kind": "http", "a": "2", "b": "x y!", "c": "", "principal": "ANON"},
    ),
    ("application/x-www-form-urlencoded", b"", {"kind": "http", "principal": "ANON"}),
    (
        'multipart/form-data; boundary="b"',
        PARTS,
        {"kind": "http", "a": "one --b", "principal": "ANON"},
    ),
]


@pytest.mark.parametrize(("media_type", "body", "trigger"), PAYLOADS)
def test_payload(shop: Server, media_type: str, body: bytes, trigger: dict[str, object]) -> None:
    answer = shop.ask("POST", "/show", body, {"Content-Type": media_type})
    anonymous = {"kind": "anonymous", "name": ""}
    expected = {key: anonymous if value == "ANON" else value for key, value in trigger.items()}
    assert answer.json["final_value"]["value"] == expected


BAD_BODIES = [
    ("application/json", b"{", "invalid JSON body"),
    ("application/json", b"NaN", "invalid JSON body"),
    ("application/json", b"\xff", "invalid JSON body"),
    ("application/json", b"\xef\xbb\xbf1", "invalid JSON body"),
    ("application/json", b"[" * 200 + b"]" * 200, "invalid JSON body"),
    ("application/x-www-form-urlencoded", b"a=%4", "percent escape"),
    ("application/x-www-form-urlencoded", b"a=%zz", "percent escape"),
    ("application/x-www-form-urlencoded", b"a=%ff", "UTF-8"),
    ("multipart/form-data", b"x", "boundary"),
    ("multipart/form-data; boundary", b"x", "boundary"),
    ("multipart/form-data; boundary=b", b"--b\r\nname\r\n--b--", "blank line"),
    ("multipart/form-data; boundary=b", b"--b\r\nX: y\r\n\r\n1\r\n--b--", "no name"),
    ("multipart/form-data; boundary=b", b"--b\r\n\xff\r\n--b--", "UTF-8"),
]


@pytest.mark.parametrize(("media_type", "body", "text"), BAD_BODIES)
def test_bad_body(shop: Server, media_type: str, body: bytes, text: str) -> None:
    answer = shop.ask("POST", "/show", body, {"Content-Type": media_type})
    assert answer.status == 400
    assert text in answer.json["error"]


def test_chunks_and_pipelining_and_continue(shop: Server) -> None:
    sent = (
        b"POST /show HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n[1\r\n3\r\n,2]\r\n0\r\nT: x\r\n\r\n"
        b"GET /healthz HTTP/1.1\r\n\r\n"
        b"POST /show HTTP/1.1\nContent-Length: 1\nConnection: close\n\n7"
    )
    answers = shop.raw(sent)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert answers.index(b'"input":[1,2]') < answers.index(b'"status":"ok"') < answers.index(b'"input":7')


def test_continue_is_sent_when_it_is_waited_for(shop: Server) -> None:
    with socket.create_connection((shop.host, shop.port), timeout=10) as peer:
        peer.sendall(
            b"POST /show HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert peer.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.sendall(b"7")
        assert received(peer).startswith(b"HTTP/1.1 200 ")


def test_connection_header_is_obeyed(shop: Server) -> None:
    assert b"Connection: close\r\n" in shop.raw(b"GET /healthz HTTP/1.1\r\nConnection: x, CLOSE\r\n\r\n")
    assert b"Connection: close\r\n" in shop.raw(b"GET /healthz HTTP/1.0\r\n\r\n")
    kept = shop.raw(b"GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /x HTTP/1.0\r\n\r\n")
    assert kept.count(b"HTTP/1.1 ") == 2


def test_a_connection_ends_after_a_hundred_requests(shop: Server) -> None:
    answers = shop.raw(b"GET /healthz HTTP/1.1\r\n\r\n" * 120)
    assert answers.count(b"HTTP/1.1 200") == 100
    assert answers.count(b"Connection: close") == 1
    assert answers.rindex(b"Connection: close") > answers.rindex(b"Connection: keep-alive")


OUTCOMES = (
    f"""\
{START}
[check]
allow = ["value_mismatch"]

[[nodes]]
id = "show"
type = "switch"
expr = "trigger.do"

[[nodes]]
id = "no"
type = "fail"
reason = "not today"

[[nodes]]
id = "said"
type = "respond"
status = 201
content_type = "text/plain"
body_template = "made {{{{do}}}}"
input_from = "trigger"

[[nodes]]
id = "gone"
type = "respond"
status = 204
body_template = "nothing of this is sent"

[[nodes]]
id = "odd"
type = "respond"
status = 299
body_template = "odd"

[[nodes]]
id = "broken"
type = "parse_json"
input_from = "trigger.do"

[[nodes]]
id = "then"
type = "fail"
reason = "after a reply"

[[http_routes]]
method = "POST"
path = "/do"
start_node = "go"
"""
    + "".join(
        f'\n[[edges]]\nfrom = "show"\nto = "{node}"\nwhen = "{node}"\n'
        for node in ("no", "said", "gone", "odd", "broken")
    )
    + """
[[nodes]]
id = "first"
type = "respond"
body_template = "lost"

[[edges]]
from = "show"
to = "first"
when = "late"

[[edges]]
from = "first"
to = "then"
"""
)


@pytest.fixture(scope="module")
def doer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(OUTCOMES, tmp_path_factory.mktemp("doer")) as server:
        yield server


@pytest.mark.parametrize(
    ("word", "status", "kind", "body"),
    [
        (
            "other",
            200,
            "application/json",
            {"status": "completed", "final_value": "ANY", "last_node": "show"},
        ),
        ("no", 422, "application/json", {"status": "failed", "reason": "not today", "last_node": "no"}),
        (
            "late",
            422,
            "application/json",
            {"status": "failed", "reason": "after a reply", "last_node": "then"},
        ),
        ("said", 201, "text/plain", b"made said"),
        ("gone", 204, "application/json", b""),
        ("odd", 299, "application/json", b"odd"),
    ],
)
def test_outcome(doer: Server, word: str, status: int, kind: str, body: object) -> None:
    answer = doer.ask("POST", "/do", json.dumps({"do": word}))
    assert (answer.status, answer.headers["content-type"]) == (status, kind)
    if isinstance(body, bytes):
        assert answer.body == body
    else:
        assert isinstance(body, dict)
        found = answer.json
        assert {**found, **({"final_value": "ANY"} if "final_value" in found else {})} == body
    assert answer.headers["connection"] == "keep-alive"


def test_an_error_of_a_node_closes_the_connection(doer: Server) -> None:
    answer = doer.ask("POST", "/do", '{"do": "broken"}')
    assert answer.status == 500
    assert answer.json["error"].startswith("tool `parse_json` failed: ")
    assert answer.headers["connection"] == "close"


def test_headers_come_in_order_and_reasons_are_known(doer: Server) -> None:
    said = doer.raw(b'POST /do HTTP/1.1\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{"do": "odd"}')
    head = said.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head == [
        b"HTTP/1.1 299 Response",
        b"Content-Type: application/json",
        b"Content-Length: 3",
        b"Connection: close",
    ]


def test_no_body_and_no_length_where_none_is_allowed(doer: Server) -> None:
    said = doer.raw(b'POST /do HTTP/1.1\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{"do": "gone"}')
    assert said.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in said


def test_run_that_takes_too_long(tmp_path: Path) -> None:
    text = f"""{START}
[[nodes]]
id = "show"
type = "shell_run"
command = "/bin/sleep"
args_from = "trigger.args"
[[nodes]]
id = "after"
type = "merge"
[[edges]]
from = "show"
to = "after"
[[http_routes]]
method = "POST"
path = "/sleep"
start_node = "go"
[policy.shell]
commands = ["*"]
"""
    with serving(text, tmp_path, "--timeout-secs", "1") as server:
        answer = server.ask("POST", "/sleep", '{"args": ["1.2"]}')
        assert (answer.status, answer.json["status"]) == (504, "timed_out")
        assert answer.json["last_node"] == "show"
        assert answer.json["elapsed_ms"] >= 1000
