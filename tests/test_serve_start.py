"""In which order a serving app starts (spec 02 §0): what is looked at before a log is opened, and before anybody can
connect. Processes are looked at from outside, in /proc."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from pathlib import Path

import pytest
from command import app, make
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from serving import ECHO, Server, start, until

from agentdc.driver.check import Signing

ROUTE = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
"""
LOGS = """
[logging]
level = "info"
target = "file:main.log"
[logging.audit]
target = "file:audit.log"
"""
JWKS = """
[auth.oidc.staff]
issuer = "https://login.example"
jwks_file = "keys.json"
"""


def signed(text: str, folder: Path) -> Path:
    """The app of a signed text."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    text = f"{text}\n[signing]\nrequired = true\npublic_key_pem = '''\n{public}'''\n"
    folder.mkdir(parents=True)
    (folder / "workflow.toml.sig").write_bytes(_encoded(key.sign(text.encode())))
    return make(text, folder, signing=Signing())


def _encoded(signature: bytes) -> bytes:
    from base64 import b64encode

    return b64encode(signature)


def test_a_workflow_that_is_refused_names_no_log(tmp_path: Path) -> None:
    built = signed(f"{ECHO}{ROUTE}{LOGS}", tmp_path / "built")
    done = app(built, "--mode", "once", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "signing.verified" in (tmp_path / "main.log").read_text()
    assert "signing.verified" in (tmp_path / "audit.log").read_text()
    for name in ("main.log", "audit.log"):
        (tmp_path / name).unlink()
    embedded = next(built.glob("*/workflow.toml"))
    embedded.write_bytes(embedded.read_bytes() + b"# tampered\n")
    for flags in ((), ("--mode", "once")):
        done = app(built, *flags, cwd=tmp_path)
        assert done.returncode == 5
        assert 'event="signing.verification_failed"' in done.stderr
        assert "workflow signature verification failed: " in done.stderr
    assert not (tmp_path / "main.log").exists()
    assert not (tmp_path / "audit.log").exists()
    done = app(built, "--log-target", "file:mine.log", "--log-format", "json", cwd=tmp_path)
    assert done.returncode == 5  # where the operator wants the log, it is
    line = json.loads((tmp_path / "mine.log").read_text())
    assert line["fields"]["event"] == "signing.verification_failed"


def _listens(process: int) -> bool:
    """Whether a process holds a socket that listens."""
    inodes = {line.split()[9] for line in _table("tcp") + _table("tcp6") if line.split()[3] == "0A"}
    held = set()
    for each in Path(f"/proc/{process}/fd").iterdir():
        try:
            held.add(str(each.readlink()))
        except FileNotFoundError:
            continue
    return any(f"socket:[{inode}]" in held for inode in inodes)


def _table(name: str) -> list[str]:
    path = Path("/proc/net") / name
    return path.read_text().splitlines()[1:] if path.exists() else []


def _catches(process: int, number: int) -> bool:
    text = Path(f"/proc/{process}/status").read_text()
    mask = int(next(line for line in text.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return bool(mask & (1 << (number - 1)))


@pytest.fixture
def held(tmp_path: Path) -> Server:
    """An app that is stuck in its start: it reads the keys of a token issuer, and nobody has written them yet."""
    os.mkfifo(tmp_path / "keys.json")
    server = start(make(f"{ECHO}{ROUTE}{JWKS}", tmp_path / "built"), tmp_path)
    until(lambda: server.process.poll() is not None or _catches(server.process.pid, signal.SIGTERM), 30)
    assert server.process.poll() is None, server.said
    return server


def test_a_signal_while_it_starts_ends_it_before_it_listens(held: Server) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        assert _catches(held.process.pid, number)
    assert not _listens(held.process.pid)
    held.process.send_signal(signal.SIGTERM)
    (held.folder / "keys.json").write_text(_keys())  # returns once they are read: the start goes on
    assert held.process.wait(10) == 0
    assert "listening" not in held.said


def test_it_listens_when_all_is_prepared(held: Server) -> None:
    assert not _listens(held.process.pid)
    (held.folder / "keys.json").write_text(_keys())
    until(lambda: "listening" in held.said)
    assert _listens(held.process.pid)
    assert held.end() == 0


def _keys() -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from jwt.algorithms import ECAlgorithm

    key = generate_private_key(SECP256R1()).public_key()
    return json.dumps({"keys": [ECAlgorithm.to_jwk(key, as_dict=True)]})


def test_triggers_are_prepared_before_the_port_is_bound(tmp_path: Path) -> None:
    """Of two things that are wrong, the one that is told is the one that was tried first."""
    trigger = '\n[[triggers]]\ntype = "fs_watch"\npath = "nowhere"\nstart_node = "go"\n'
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = start(make(f"{ECHO}{ROUTE}{trigger}", tmp_path / "built"), tmp_path, "--bind", address)
        assert server.process.wait(10) == 5
    assert "fs_watch: there is nothing at nowhere" in server.said
    assert "cannot listen" not in server.said


@pytest.mark.parametrize("flags", [[], ["--workers", "2"], ["--mode", "once"]])
def test_limits_of_the_budget_hold_in_every_mode(tmp_path: Path, flags: list[str]) -> None:
    """As the kernel sees them; the processes of several workers have them too."""
    text = SLEEP.replace("ROUTE", ROUTE)
    server = start(make(text, tmp_path / "built"), tmp_path, *flags)
    try:
        once = "once" in flags
        until(lambda: _tasks(server.process.pid) if once else "listening" in server.said, 30)
        tasks = [server.process.pid, *_tasks(server.process.pid)]
        assert len(tasks) == (3 if "2" in flags else 2 if once else 1)
        for each in tasks:
            limits = Path(f"/proc/{each}/limits").read_text()
            assert re.search(r"Max address space +1073741824 +1073741824 ", limits)
            assert re.search(r"Max cpu time +600 +600 ", limits)
    finally:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(15)


SLEEP = """
name = "slow"
start_nodes = [{ name = "go", source = "http" }]
nodes = [
  { id = "args", type = "parse_json", input_from = "text.rendered" },
  { id = "text", type = "template_render", template = '["5"]' },
  { id = "wait", type = "shell_run", command = "/bin/sleep", args_from = "args.parsed" },
]
edges = [{ from = "text", to = "args" }, { from = "args", to = "wait" }]
ROUTE
[policy.shell]
commands = ["*"]
[budget]
max_memory_mb = 1024
max_cpu_secs = 600
"""


def _tasks(process: int) -> list[int]:
    """Its child processes."""
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
