"""Who may call, how often, and what a repeated delivery gets (spec 02 §2, §3, §13), with curl and openssl."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import make
from serving import ECHO, START, Server, received, serving, start, until


def route(path: str, more: str) -> str:
    return f'\n[[http_routes]]\nmethod = "POST"\npath = "{path}"\nstart_node = "go"\n{more}\n'


BODY = '{"a":1}'
GUARDED = f"""{ECHO}
{route("/bearer", 'auth = " bearer : people "')}
{route("/basic", 'auth = "basic"')}
{route("/hmac", 'auth = "hmac:parcels"')}
{route("/stamped", 'auth = "hmac:stamped"')}
{route("/open", 'auth = "NONE"')}
[auth.bearer.people]
tokens = ["literal-token"]
tokens_env = "TOKENS"
[auth.basic.default]
credentials_env = "USERS"
[auth.hmac.parcels]
secret_env = "HOOK_KEY"
[auth.hmac.stamped]
secret_env = "HOOK_KEY"
prefix = ""
header = "X-Sig"
encoding = "base64"
timestamp_header = "X-Time"
[[secrets]]
name = "TOKENS"
source = "file"
path = "tokens.txt"
[check]
allow = ["literal_secret"]
"""
USERS = "ann:secret\ncarol:pa:ss\n"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "tokens.txt").write_text("one-token\n\n two-token \n")
    variables = {"USERS": USERS, "HOOK_KEY": "k3y"}
    with serving(GUARDED, folder, **variables) as server:
        yield server


def curl(server: Server, path: str, *words: str) -> tuple[int, str]:
    """Status and body."""
    command = ["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", "-d", BODY]
    command += ["-H", "Content-Type: application/json", *words, f"{server.url}{path}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    body, _, status = said.rpartition("\n")
    return int(status), body


def principal(body: str) -> object:
    return json.loads(body)["final_value"]["value"]["principal"]


@pytest.mark.parametrize("token", ["literal-token", "one-token", "two-token"])
def test_bearer(guarded: Server, token: str) -> None:
    status, body = curl(guarded, "/bearer", "-H", f"Authorization: Bearer {token}")
    assert (status, principal(body)) == (200, {"kind": "bearer", "name": "people"})


def test_bearer_tokens_are_read_anew(guarded: Server) -> None:
    assert curl(guarded, "/bearer", "--oauth2-bearer", "three-token")[0] == 401
    tokens = guarded.folder / "tokens.txt"
    before = tokens.read_text()
    tokens.write_text("three-token")
    assert curl(guarded, "/bearer", "--oauth2-bearer", "three-token")[0] == 200
    tokens.write_text(before)


def test_basic(guarded: Server) -> None:
    status, body = curl(guarded, "/basic", "-u", "carol:pa:ss")
    assert (status, principal(body)) == (200, {"kind": "basic", "name": "carol"})
    assert guarded.ask("POST", "/basic", "1", {"Authorization": "Basic Y2Fyb2w6cGE6c3M="}).status == 200


def test_hmac_signed_by_openssl(guarded: Server) -> None:
    command = ["openssl", "dgst", "-sha256", "-hmac", "k3y", "-hex"]
    said = subprocess.run(command, input=BODY, capture_output=True, text=True, check=True).stdout
    signature = said.split()[-1]
    assert f"sha256={signature}" == "sha256=32db719f172c48e89dbfa56ed20d9e19cdbfdbe9f652ccdf5fa03494d2444853"
    for shown in (signature, signature.upper()):
        status, body = curl(guarded, "/hmac", "-H", f"x-agent-signature: sha256={shown}")
        assert (status, principal(body)) == (200, {"kind": "hmac", "name": "parcels"})


def test_hmac_with_a_time(guarded: Server) -> None:
    for age, status in ((0, 200), (290, 200), (400, 401), (-400, 401)):
        stamp = str(int(time.time()) - age)
        digest = hmac.digest(b"k3y", f"{stamp}.{BODY}".encode(), hashlib.sha256)
        headers = ("-H", f"X-Time: {stamp}", "-H", f"X-Sig: {base64.b64encode(digest).decode()}")
        assert curl(guarded, "/stamped", *headers)[0] == status


DENIED = [
    ("/bearer", {}, "missing Authorization header", "Bearer"),
    ("/bearer", {"Authorization": "Basic eA=="}, "not a Bearer token", "Bearer"),
    ("/bearer", {"Authorization": "Bearer "}, "empty", "Bearer"),
    ("/bearer", {"Authorization": "Bearer s3cret-guess"}, "not accepted", "Bearer"),
    ("/basic", {}, "missing Authorization header", 'Basic realm="shop"'),
    ("/basic", {"Authorization": "Basic !!"}, "not base64", 'Basic realm="shop"'),
    ("/basic", {"Authorization": "Basic YW5uOnNlY3JldA"}, "not base64", 'Basic realm="shop"'),
    ("/basic", {"Authorization": "Basic /w=="}, "not UTF-8", 'Basic realm="shop"'),
    ("/basic", {"Authorization": "Basic YW5uOm5v"}, "not accepted", 'Basic realm="shop"'),
    ("/hmac", {}, "missing signature header", None),
    ("/hmac", {"X-Agent-Signature": "abc"}, "prefix", None),
    ("/hmac", {"X-Agent-Signature": "sha256=abc"}, "not hexadecimal", None),
    ("/hmac", {"X-Agent-Signature": "sha256=" + "0" * 64}, "does not match", None),
    ("/stamped", {"X-Sig": "AAAA"}, "missing timestamp header", None),
]


@pytest.mark.parametrize(("path", "headers", "detail", "challenge"), DENIED)
def test_denied(
    guarded: Server, path: str, headers: dict[str, str], detail: str, challenge: str | None
) -> None:
    before = guarded.metric("agentd_workflow_starts_total")
    answer = guarded.ask("POST", path, "{not json", headers)  # a bad body is 401 without credentials
    assert (answer.status, answer.json["error"]) == (401, "unauthorized")
    assert detail in answer.json["detail"]
    assert answer.headers.get("www-authenticate") == challenge
    assert answer.headers["connection"] == "keep-alive"
    for value in headers.values():
        secret = value.rpartition(" ")[2]
        assert len(secret) < 6 or secret not in guarded.said + answer.body.decode()
    assert guarded.metric("agentd_workflow_starts_total") == before
    assert 'event="http.auth_denied"' in guarded.said


def test_anonymous(guarded: Server) -> None:
    status, body = curl(guarded, "/open")
    assert (status, principal(body)) == (200, {"kind": "anonymous", "name": ""})


def test_unset_secret_denies(tmp_path: Path) -> None:
    text = f'{ECHO}{route("/hmac", "auth = " + chr(34) + "hmac" + chr(34))}[auth.hmac.default]\nsecret_env = "NOPE"\n'
    with serving(text, tmp_path) as server:
        assert "no secret" in server.ask("POST", "/hmac", "1").json["detail"]


def test_secret_of_a_command(tmp_path: Path) -> None:
    text = f"""{ECHO}{route("/in", 'auth = "bearer"')}[auth.bearer.default]
tokens_env = "TOKEN"
[[secrets]]
name = "TOKEN"
source = "command"
argv = ["/bin/cat", "token.txt"]
"""
    (tmp_path / "token.txt").write_text("first-token")
    with serving(text, tmp_path, "--log-level", "info") as server:
        assert server.ask("POST", "/in", "1", {"Authorization": "Bearer first-token"}).status == 200
        (tmp_path / "token.txt").write_text("other-token")
        assert server.ask("POST", "/in", "1", {"Authorization": "Bearer other-token"}).status == 401
        server.process.send_signal(signal.SIGHUP)  # what a command printed is kept until a reload
        until(lambda: 'event="reload.succeeded"' in server.said)
        assert server.ask("POST", "/in", "1", {"Authorization": "Bearer other-token"}).status == 200
        assert server.ask("POST", "/in", "1", {"Authorization": "Bearer first-token"}).status == 401
        assert "-token" not in server.said


def test_unknown_binding_refuses_the_start(tmp_path: Path) -> None:
    guarded = route("/in", 'auth = "bearer:people"')
    built = make(f'{ECHO}{guarded}[auth.bearer.people]\ntokens_env = "T"\n', tmp_path / "b")
    operands = next(built.glob("*/operands.json"))
    operands.write_text(operands.read_text().replace("bearer:people", "bearer:ghost"))
    server = start(built, tmp_path)
    assert server.process.wait(10) == 5
    assert "bearer:ghost" in server.said
    assert "[auth.bearer.ghost]" in server.said


LIMITED = f"""{ECHO}
{route("/slow", "rate_limit = { capacity = 1, per_second = 0.1 }")}
{route("/burst", "rate_limit = { capacity = 5, per_second = 100000.0 }")}
"""


def test_rate_limit(tmp_path: Path) -> None:
    with serving(LIMITED, tmp_path) as server:
        assert server.ask("POST", "/slow", "1").status == 200
        answer = server.ask("POST", "/slow", "1")
        assert (answer.status, answer.json["error"]) == (429, "rate limited")
        assert 9_000 < answer.json["retry_after_ms"] <= 10_000
        assert answer.headers["retry-after"] == "10"
        assert answer.headers["connection"] == "keep-alive"
        assert 'event="http.rate_limited"' in server.said
        assert [server.ask("POST", "/burst", "1").status for _ in range(20)] == [200] * 20


ONCE = f"""{START}
[[nodes]]
id = "show"
type = "shell_run"
command = "/bin/sh"
args_from = "trigger.args"
[[nodes]]
id = "check"
type = "condition"
expr = "trigger.fail"
[[nodes]]
id = "failed"
type = "fail"
[[nodes]]
id = "done"
type = "respond"
status = 201
content_type = "text/plain"
body_template = "{{{{stdout}}}}"
input_from = "show"
[[edges]]
from = "show"
to = "check"
[[edges]]
from = "check"
to = "failed"
when = "true"
[[edges]]
from = "check"
to = "done"
when = "false"
{route("/once", 'idempotency_key = "trigger.id"')}
{route("/body", 'idempotency_key = "body_sha256"')}
{route("/short", 'idempotency_key = "id"' + chr(10) + "idempotency_ttl_secs = 1")}
[policy.shell]
commands = ["*"]
[check]
allow = ["maybe_unset", "unhandled_error_branch"]
"""


def delivery(identity: object, *, fail: bool = False, seconds: float = 0) -> str:
    line = f"sleep {seconds}; echo x >> ran.txt; wc -l < ran.txt"
    return json.dumps({"id": identity, "args": ["-c", line], "fail": fail})


@pytest.fixture
def once(tmp_path: Path) -> Iterator[Server]:
    with serving(ONCE, tmp_path, "--state-dir", "state") as server:
        yield server


def test_replay(once: Server) -> None:
    first = once.ask("POST", "/once", delivery("a-17/9"))
    again = once.ask("POST", "/once", delivery("a-17/9"))
    assert (first.status, first.body) == (again.status, again.body) == (201, b"1\n")
    assert "x-agentd-idempotent-replay" not in first.headers
    assert again.headers["x-agentd-idempotent-replay"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert once.ask("POST", "/once", delivery(17)).body == b"2\n"
    assert once.ask("POST", "/once", delivery("17")).body == b"2\n"
    assert once.ask("POST", "/once", delivery(True)).body == b"3\n"


def test_other_routes_have_other_keys(once: Server) -> None:
    assert once.ask("POST", "/once", delivery("same")).body == b"1\n"
    assert once.ask("POST", "/short", delivery("same")).body == b"2\n"
    assert once.ask("POST", "/body", delivery("same")).body == b"3\n"
    assert once.ask("POST", "/body", delivery("same")).body == b"3\n"


def test_answers_are_forgotten_in_time(once: Server) -> None:
    assert once.ask("POST", "/short", delivery("x")).body == b"1\n"
    assert once.ask("POST", "/short", delivery("x")).body == b"1\n"
    time.sleep(1.2)
    assert once.ask("POST", "/short", delivery("x")).body == b"2\n"


@pytest.mark.parametrize("identity", [None, "", [], {}])
def test_no_key(once: Server, identity: object) -> None:
    answer = once.ask("POST", "/once", delivery(identity))
    assert answer.status == 400
    assert "idempotency" in answer.json["error"]


def test_failed_run_is_not_kept(once: Server) -> None:
    assert once.ask("POST", "/once", delivery("f", fail=True)).status == 422
    assert once.ask("POST", "/once", delivery("f")).body == b"2\n"


def test_delivery_in_flight(once: Server) -> None:
    answers: list[int] = []
    slow = threading.Thread(
        target=lambda: answers.append(once.ask("POST", "/once", delivery("s", seconds=1)).status)
    )
    slow.start()
    until(lambda: once.metric("agentdc_inflight_runs") == 1)
    answer = once.ask("POST", "/once", delivery("s"))
    assert answer.status == 409
    assert "in flight" in answer.json["error"]
    slow.join()
    assert answers == [201]


def test_many_deliveries_with_duplicates(once: Server) -> None:
    """A thousand with 30 % duplicates, from eight callers: each effect once, all answers of a key equal."""
    bodies: dict[str, set[bytes]] = {}
    lock = threading.Lock()

    def call(part: int) -> None:
        for number in range(part, 1000, 8):
            identity = f"key-{number % 700}"
            while True:
                answer = once.ask("POST", "/once", delivery(identity))
                if answer.status != 409:
                    break
                time.sleep(0.01)
            assert answer.status == 201
            with lock:
                bodies.setdefault(identity, set()).add(answer.body)

    callers = [threading.Thread(target=call, args=(part,)) for part in range(8)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert len(bodies) == 700
    assert all(len(each) == 1 for each in bodies.values())
    assert (once.folder / "ran.txt").read_text().count("x") == 700


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """The row of a dead process is taken over at once; what it had answered is replayed."""
    built = make(ONCE, tmp_path / "built")
    with serving("", tmp_path, "--state-dir", "state", app=built) as server:
        assert server.ask("POST", "/once", delivery("done")).body == b"1\n"
        with socket.create_connection((server.host, server.port)) as peer:
            body = delivery("cut", seconds=5).encode()
            peer.sendall(b"POST /once HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            until(lambda: server.metric("agentdc_inflight_runs") == 1)
            server.process.kill()
            server.process.wait()
            assert received(peer) == b""
    with serving("", tmp_path, "--state-dir", "state", app=built) as server:
        assert server.ask("POST", "/once", delivery("done")).headers["x-agentd-idempotent-replay"] == "true"
        assert server.ask("POST", "/once", delivery("cut")).status == 201


def test_keys_need_a_state_directory(tmp_path: Path) -> None:
    server = start(make(ONCE, tmp_path / "built"), tmp_path)
    assert server.process.wait(10) == 5
    assert "POST /once" in server.said
    assert "--state-dir" in server.said


def test_newer_state_is_refused(tmp_path: Path) -> None:
    import sqlite3

    built = make(ONCE, tmp_path / "built")
    with serving("", tmp_path, "--state-dir", "state", app=built):
        pass
    database = sqlite3.connect(tmp_path / "state" / "state.db")
    database.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    database.commit()
    database.close()
    server = start(built, tmp_path, "--state-dir", "state")
    assert server.process.wait(10) == 5
    assert "state_schema_newer" in server.said
