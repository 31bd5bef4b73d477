"""`http_request` with `idempotency_key = true`: one key per visit of a node, whatever happens to the process."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command import Done, make, run
from killing import killed_at, killed_early
from serving import serving

TEXT = """\
name = "pays"
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "pay"
[[start_nodes]]
name = "hook"
source = "http"
entry_node = "once"
[[start_nodes]]
name = "each"
source = "manual"
entry_node = "all"
[[http_routes]]
method = "POST"
path = "/once"
start_node = "hook"
idempotency_key = "id"
[state]
reserve_mb = 0
[policy.http]
urls = ["http://127.0.0.1:*"]
methods = ["POST"]
[check]
allow = ["shared_idempotency_key", "unhandled_error_branch", "policy_may_deny"]

[[nodes]]
id = "pay"
type = "http_request"
method = "POST"
url_from = "trigger.url"
idempotency_key = true
retry = { max_attempts = 3, backoff_ms = 1 }
[[nodes]]
id = "again"
type = "condition"
expr = "pay.body"
[[nodes]]
id = "once"
type = "http_request"
method = "POST"
url_from = "trigger.url"
idempotency_key = true
[[nodes]]
id = "all"
type = "map"
items_from = "trigger.urls"
workflow = "child.toml"
max_items = 9

[[edges]]
from = "pay"
to = "again"
[[edges]]
from = "again"
to = "pay"
when = "true"
max_iterations = 2
"""
CHILD = """\
name = "child"
[[start_nodes]]
name = "go"
source = "manual"
entry_node = "pay"
[[nodes]]
id = "pay"
type = "http_request"
method = "POST"
url_from = "trigger.url"
idempotency_key = true
"""
STATE = ("--state-dir", "state")
SENT = "call:agentdc_runtime.nodes.http_request:_exchange:after"


class Peer:
    """A service that takes note of keys. `drops`: how many requests it hangs up on; `body`: what it answers."""

    def __init__(self) -> None:
        self.keys: list[str | None] = []
        self.drops = 0
        self.body = b""
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                peer.keys.append(self.headers["Idempotency-Key"])
                if peer.drops:
                    peer.drops -= 1
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(peer.body)))
                self.end_headers()
                self.wfile.write(peer.body)

            def log_message(self, format: str, *words: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


@pytest.fixture
def peer() -> Iterator[Peer]:
    found = Peer()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pays")
    (folder / "child.toml").write_text(CHILD)
    return make(TEXT, folder)


def started(built: Path, folder: Path, *words: str, input: str = "") -> Done:
    """The app, with the packages that are installed: `httpx` is one of them."""
    return run([sys.executable, "-I", built, *words], cwd=folder, input=input)


def once(built: Path, folder: Path, start: str, given: object, *flags: str) -> None:
    words = ("--mode", "once", "--start", start, "--input", "-", *flags)
    done = started(built, folder, *words, input=json.dumps(given))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("flags", [(), STATE, (*STATE, "--checkpoint-each-node")])
def test_attempts_share_a_key_and_runs_do_not(
    built: Path, tmp_path: Path, peer: Peer, flags: tuple[str, ...]
) -> None:
    peer.drops = 2
    once(built, tmp_path, "go", {"url": peer.url}, *flags)
    first = set(peer.keys)
    assert (len(peer.keys), len(first), None in first) == (3, 1, False)
    once(built, tmp_path, "go", {"url": peer.url}, *flags)
    assert len(set(peer.keys)) == 2


def test_each_visit_and_each_child_has_a_key_of_its_own(built: Path, tmp_path: Path, peer: Peer) -> None:
    peer.body = b"once more"
    once(built, tmp_path, "go", {"url": peer.url}, *STATE)
    assert (len(peer.keys), len(set(peer.keys))) == (3, 3)
    once(built, tmp_path, "each", {"urls": [{"url": peer.url}] * 4}, *STATE)
    assert (len(peer.keys), len(set(peer.keys))) == (7, 7)


def test_the_same_key_after_a_kill(built: Path, tmp_path: Path, peer: Peer) -> None:
    (tmp_path / "input.json").write_text(json.dumps({"url": peer.url}))
    words = ("--mode", "once", *STATE)
    begin = ("--checkpoint-each-node", "--start", "go", "--input", "input.json")
    killed_early(built, tmp_path, SENT, *words, *begin)
    assert started(built, tmp_path, *words, "--resume-incomplete").returncode == 0
    assert (len(peer.keys), len(set(peer.keys))) == (2, 1)


def test_children_keep_their_keys_after_a_kill(built: Path, tmp_path: Path, peer: Peer) -> None:
    (tmp_path / "input.json").write_text(json.dumps({"urls": [{"url": peer.url}] * 3}))
    words = ("--mode", "once", *STATE)
    begin = ("--checkpoint-each-node", "--start", "each", "--input", "input.json")
    killed_early(built, tmp_path, "commit:close:before", *words, *begin)
    assert started(built, tmp_path, *words, "--resume-incomplete").returncode == 0
    assert (len(peer.keys), len(set(peer.keys))) == (6, 3)


@pytest.mark.parametrize("flags", [(), ("--checkpoint-each-node",)])
def test_the_same_key_when_a_request_comes_again(
    built: Path, tmp_path: Path, peer: Peer, flags: tuple[str, ...]
) -> None:
    """Without a checkpoint too: a delivery that is run again keeps the id of its run."""
    body = json.dumps({"id": "a", "url": peer.url})
    killed_at(built, tmp_path, SENT, body, *STATE, *flags)
    with serving("", tmp_path, *STATE, *flags, "--recover", "off", app=built) as server:
        assert server.ask("POST", "/once", body).status == 200
        assert server.ask("POST", "/once", json.dumps({"id": "b", "url": peer.url})).status == 200
    assert len(peer.keys) == 3
    assert peer.keys[0] == peer.keys[1] != peer.keys[2]
