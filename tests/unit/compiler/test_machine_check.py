"""Files that the app reads at its start, as far as they lie where `check` runs: openssl's certificates and others."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
from peers.authority import Authority

import agentdc
from agentdc.check import machine
from agentdc.check.validate import Options
from agentdc.diagnostics import Diagnostic, SourceFile
from agentdc.driver.check import check_source
from agentdc_runtime.errors import ConfigError
from agentdc_runtime.host import tls

TEXT = """\
name = "greeter"
start_nodes = [{ name = "go", source = "http" }]
nodes = [{ id = "say", type = "template_render", template = "hello" }]
http_routes = [{ method = "POST", path = "/say", start_node = "go" }]
[server.tls]
cert_file = "server.pem"
key_file = "server.key"
[server.tls.client_auth]
mode = "required"
ca_file = "clients.pem"
"""
DAMAGED = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def found() -> list[Diagnostic]:
    return check_source(SourceFile("w.toml", TEXT.encode()), Options()).diagnostics


def slugs() -> list[str]:
    return [each.code.slug for each in found()]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_is_not_here_says_nothing() -> None:
    assert slugs() == []


def test_what_openssl_made_is_sound() -> None:
    authority = Authority(Path(), "clients")
    certificate, _ = authority.issue("localhost", "DNS:localhost")
    Path("server.pem").write_bytes(certificate.read_bytes() + authority.file.read_bytes())
    assert slugs() == []


CONTENTS = [b"", b"hello", DAMAGED, b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"\xff\xfe", b"x" + DAMAGED]


@pytest.mark.parametrize("content", CONTENTS)
def test_what_is_told_here_refuses_the_start_there(content: bytes) -> None:
    Path("server.pem").write_bytes(content)
    Path("server.key").write_text("never looked at")
    [told] = found()
    assert (told.code.slug, told.is_error) == ("bad_certificate", False)
    with pytest.raises(ConfigError) as refused:
        tls.server_context({"cert_file": "server.pem", "key_file": "server.key"})
    reason = str(refused.value.reason).partition("server.pem: ")[2]
    assert reason in told.message


def test_the_second_of_a_chain() -> None:
    good = Authority(Path(), "clients").file.read_bytes()
    Path("clients.pem").write_bytes(good + DAMAGED)
    [told] = found()
    assert told.message == "the ca_file cannot be used: certificate 2 of 2 in it is damaged"
    with pytest.raises(ssl.SSLError):
        ssl.create_default_context().load_verify_locations("clients.pem")


def test_nothing_that_waits_is_read() -> None:
    """A pipe that nobody writes into; a folder; a file that may not be read is passed over, too."""
    os.mkfifo("server.pem")
    Path("clients.pem").mkdir()
    assert slugs() == []


def test_private_keys_are_not_asked_for() -> None:
    asked: list[str] = []

    def read(path: str) -> bytes:
        asked.append(path)
        raise FileNotFoundError(path)

    agentdc.check_text(TEXT, read=read)
    assert {"server.pem", "clients.pem"} <= set(asked)
    assert "server.key" not in asked
    report = check_source(SourceFile("w.toml", TEXT.encode()), Options())
    assert report.workflow is not None
    assert [path for _, path in machine.named(report.workflow)] == ["server.pem", "clients.pem"]
