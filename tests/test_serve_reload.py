"""Reloads (spec 02 §9) beyond certificates: the signature, one asked for during another, apps without a port."""

from __future__ import annotations

import os
import signal
import subprocess
from base64 import b64encode
from pathlib import Path

from command import make
from serving import ECHO, serving, start, until

from agentdc.driver.check import Signing

ROUTE = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
"""


def openssl(*words: str, cwd: Path) -> None:
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True)


def test_signature_is_verified_again(tmp_path: Path) -> None:
    """The bytes are the same; the key that they are held against may be another one by now."""
    for name in ("ops", "other"):
        openssl("genpkey", "-algorithm", "ed25519", "-out", f"{name}.pem", cwd=tmp_path)
        openssl("pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub", cwd=tmp_path)
    folder = tmp_path / "built"
    folder.mkdir()
    text = f"{ECHO}{ROUTE}"
    (tmp_path / "workflow.toml").write_text(text)
    command = ("pkeyutl", "-sign", "-rawin", "-inkey", "ops.pem", "-in", "workflow.toml", "-out", "raw")
    openssl(*command, cwd=tmp_path)
    (folder / "workflow.toml.sig").write_bytes(b64encode((tmp_path / "raw").read_bytes()))
    pin = tmp_path / "pin.pub"
    pin.write_bytes((tmp_path / "ops.pub").read_bytes())
    built = make(text, folder, signing=Signing(required=True, key_file=str(pin)))
    flags = ("--signing-key-file", str(pin), "--signing-required", "--log-level", "info")
    with serving("", tmp_path, *flags, app=built) as server:
        assert server.said.count('event="signing.verified"') == 1
        server.process.send_signal(signal.SIGHUP)
        until(lambda: 'event="reload.succeeded"' in server.said)
        assert server.said.count('event="signing.verified"') == 2
        pin.write_bytes((tmp_path / "other.pub").read_bytes())
        server.process.send_signal(signal.SIGHUP)
        until(lambda: 'event="reload.failed" stage="signature"' in server.said)
        pin.unlink()
        server.process.send_signal(signal.SIGHUP)
        until(lambda: server.said.count('event="reload.failed" stage="signature"') == 2)
        assert server.said.count('event="reload.succeeded"') == 1
        assert server.ask("POST", "/show", "1").status == 200


# The secret of a command that reads from a pipe: a reload waits as long as nobody writes into it.
WAITS = """
[[secrets]]
name = "TOKEN"
source = "command"
argv = ["/bin/cat", "token"]
"""


def test_a_reload_that_is_asked_for_during_another_one_is_not_lost(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    with serving(f"{ECHO}{ROUTE}{WAITS}", tmp_path, "--log-level", "info") as server:
        token.unlink()
        os.mkfifo(token)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: 'event="reload.started"' in server.said)
        server.process.send_signal(signal.SIGHUP)
        server.process.send_signal(signal.SIGHUP)
        assert server.ask("POST", "/show", "1").status == 200  # so both have arrived
        assert server.said.count('event="reload.started"') == 1
        token.write_text("second")
        until(lambda: server.said.count('event="reload.started"') == 2)
        assert server.said.count('event="reload.succeeded"') == 1
        token.write_text("third")
        until(lambda: server.said.count('event="reload.succeeded"') == 2)
        assert server.ask("POST", "/show", "1").status == 200
        assert server.said.count('event="reload.started"') == 2


def test_an_app_without_a_port_reloads(tmp_path: Path) -> None:
    trigger = '\n[[triggers]]\ntype = "interval"\nevery = "1h"\nstart_node = "go"\n'
    text = ECHO.replace('"http"', '"event"') + trigger + WAITS
    (tmp_path / "token").write_text("first")
    built = make(text, tmp_path / "built")
    server = start(built, tmp_path, "--log-level", "info", "--reload-file", "touched", bind=None)
    try:
        until(lambda: 'event="reload_file.watching"' in server.said)
        assert "listening" not in server.said
        server.process.send_signal(signal.SIGHUP)
        until(lambda: server.said.count('event="reload.succeeded"') == 1)
        os.utime(tmp_path / "touched", (1, 1))
        until(lambda: server.said.count('event="reload.succeeded"') == 2)
        (tmp_path / "token").unlink()
        server.process.send_signal(signal.SIGHUP)
        until(lambda: 'event="reload.failed" stage="secrets"' in server.said)
    finally:
        assert server.end() == 0


def test_an_app_that_needs_nothing_from_outside(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path, "--log-level", "info") as server:
        server.process.send_signal(signal.SIGHUP)
        until(lambda: 'event="reload.skipped"' in server.said)
        assert "reload.started" not in server.said
        assert server.ask("POST", "/show", "1").status == 200
