"""Apps that wait: HTTP, commands, secrets and children, in every form that a build makes, against real peers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command import AGENTDC, agentdc, environment, make, run

from agentdc.codegen.package import LINKABLE
from agentdc.driver.build import Format
from agentdc.link.vendor import vendored

START = '[[start_nodes]]\nname = "go"\nsource = "manual"\n'
SECRET = "s3cret-value-99"
FETCH = f"""\
name = "fetch"
{START}
[[nodes]]
id = "get"
type = "http_request"
method = "get"
url_from = "trigger.url"
headers = {{ X-Key = "key {{{{secret:API}}}}" }}

[[nodes]]
id = "version"
type = "shell_run"
command = "/usr/bin/git"
args_from = "trigger.args"

[[edges]]
from = "get"
to = "version"

[[secrets]]
name = "API"
source = "command"
argv = ["/bin/echo", "{SECRET}"]

[budget]
max_run_time_secs = 30

[policy.http]
urls = ["http://127.0.0.1/*", "http://127.0.0.1:*"]
methods = ["GET"]

[policy.shell]
commands = ["/usr/bin/git"]

[check]
allow = ["unhandled_error_branch", "policy_open_host"]
"""


class Echo(BaseHTTPRequestHandler):
    """Answers with the header that it was sent."""

    def do_GET(self) -> None:
        body = (self.headers["X-Key"] or "").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def command(form: str, folder: Path) -> list[str]:
    if form == "run":
        (folder / "fetch.toml").write_text(FETCH)
        return [*AGENTDC, "run", "fetch.toml"]
    if form == "directory":
        return [sys.executable, str(make(FETCH, folder, form=Format.DIRECTORY))]
    if form == "pyz":
        return [str(make(FETCH, folder, form=Format.ZIPAPP))]
    return ["env", "-i", str(make(FETCH, folder, form=Format.BINARY))]


@pytest.mark.parametrize(
    "form", ["directory", "pyz", "run", pytest.param("binary", marks=pytest.mark.freeze)]
)
def test_every_form_does_the_same(form: str, tmp_path: Path, port: int) -> None:
    given = {"url": f"http://127.0.0.1:{port}/x", "args": ["--version"]}
    (tmp_path / "in.json").write_text(json.dumps(given))
    words = [*command(form, tmp_path), "--input", "in.json", "--record", "r.json", "--log-level", "debug"]
    env = environment(tmp_path, PATH=os.environ["PATH"])
    done = run(words, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["last_node"] == "version"
    assert outcome["final_value"]["stdout"].startswith("git version")
    record = (tmp_path / "r.json").read_text()
    got = json.loads(record)["trace"]["entries"][0]
    assert got["output"]["status"] == 200  # the peer sent the secret back; the record does not keep it
    assert got["output"]["body"].startswith("key ")
    assert SECRET not in record
    assert SECRET not in done.stderr


def test_a_run_from_the_cache_notices_a_changed_child(tmp_path: Path) -> None:
    child = f'name = "child"\n{START}[[nodes]]\nid = "say"\ntype = "template_render"\ntemplate = "one"\n'
    main = f'name = "main"\n{START}[[nodes]]\nid = "below"\ntype = "call"\nworkflow = "child.toml"\n'
    (tmp_path / "main.toml").write_text(main)
    for word in ("one", "two", "one"):
        (tmp_path / "child.toml").write_text(child.replace('"one"', f'"{word}"'))
        for _ in range(2):  # built, then taken from the cache
            done = agentdc("run", "main.toml", cwd=tmp_path)
            assert json.loads(done.stdout)["final_value"] == {"result": {"rendered": word}}
    (tmp_path / "child.toml").unlink()
    gone = agentdc("run", "main.toml", cwd=tmp_path)
    assert (gone.returncode, "child_unreadable" in gone.stderr) == (5, True)


def test_a_stop_lets_the_command_end_and_nothing_follows(tmp_path: Path) -> None:
    text = (
        f'name = "slow"\n{START}[[nodes]]\nid = "wait"\ntype = "shell_run"\ncommand = "/bin/sh"\n'
        'args_from = "trigger.args"\n[[nodes]]\nid = "after"\ntype = "merge"\n'
        '[[edges]]\nfrom = "wait"\nto = "after"\n'
    )
    app = make(text, tmp_path)
    started, ended = tmp_path / "started", tmp_path / "ended"
    script = f"touch {started}; sleep 1; touch {ended}"
    (tmp_path / "in.json").write_text(json.dumps({"args": ["-c", script]}))
    words = [sys.executable, "-I", "-S", str(app), "--input", "in.json"]
    with subprocess.Popen(
        words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + 30
        while not started.exists() and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=30)
    assert (process.returncode, out, ended.exists()) == (143, "", True)
    assert "stopped by signal 15 after node `wait`" in said


def test_a_secret_that_cannot_be_had_ends_the_start(tmp_path: Path) -> None:
    secret = '[[secrets]]\nname = "A"\nsource = "env"\nvar = "NOT_SET"\n'
    text = f'name = "x"\n{START}[[nodes]]\nid = "n"\ntype = "merge"\n{secret}'
    app = make(text, tmp_path)
    done = run([sys.executable, "-I", "-S", str(app)], cwd=tmp_path, env=environment(tmp_path))
    assert (done.returncode, done.stdout) == (5, "")
    assert "[[secrets]]" in done.stderr
    assert "secret `A`: " in done.stderr


def test_the_write_budget_holds(tmp_path: Path) -> None:
    text = (
        f'name = "x"\n{START}[[nodes]]\nid = "n"\ntype = "write_file"\npath_from = "trigger.path"\n'
        'content_from = "trigger.text"\n[budget]\nmax_fs_write_mb = 1\n'
    )
    app = make(text, tmp_path)
    (tmp_path / "in.json").write_text(json.dumps({"path": "out.txt", "text": "x" * (2**20 + 1)}))
    done = run(
        [sys.executable, "-I", "-S", str(app), "--input", "in.json"], cwd=tmp_path, env=environment(tmp_path)
    )
    assert (done.returncode, (tmp_path / "out.txt").exists()) == (5, False)
    assert "budget.fs_write" in done.stderr


@pytest.mark.parametrize("name", ["httpx", "rich"])
def test_a_workflow_named_like_a_package(name: str, tmp_path: Path, port: int) -> None:
    """Its own package neither hides what it links, nor is taken for something that it links."""
    text = FETCH.replace('name = "fetch"', f'name = "{name}"', 1)
    app = make(text, tmp_path, form=Format.ZIPAPP)
    (tmp_path / "in.json").write_text(
        json.dumps({"url": f"http://127.0.0.1:{port}/x", "args": ["--version"]})
    )
    done = run(
        [str(app), "--input", "in.json"], cwd=tmp_path, env=environment(tmp_path, PATH=os.environ["PATH"])
    )
    assert done.returncode == 0, done.stderr
    manifest = run([str(app), "--manifest"], cwd=tmp_path, env=environment(tmp_path, PATH=os.environ["PATH"]))
    linked = {each["name"] for each in json.loads(manifest.stdout)["dependencies"]}
    assert {"httpx", "httpcore", "h11", "anyio", "idna"} <= linked
    assert "rich" not in linked


def test_no_package_of_an_app_takes_the_name_of_one_that_it_links() -> None:
    assert set(vendored(["httpx"]).packages) <= LINKABLE
