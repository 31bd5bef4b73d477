"""TLS, client certificates and their exchange on a live listener (spec 02 §4), with curl and openssl as callers."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from command import make
from peers.authority import Authority
from serving import ECHO, Server, serving, start, until

ROUTE = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
"""
TLS = """
[server.tls]
cert_file = "server.pem"
key_file = "server.key"
"""
MUTUAL = f"""{TLS}
[server.tls.client_auth]
mode = "required"
ca_file = "clients.pem"
"""


def place(folder: Path, authority: Authority, name: str = "localhost") -> None:
    """A server certificate where the workflow says it is, replaced as a whole."""
    certificate, key = authority.issue(name, "DNS:localhost,IP:127.0.0.1")
    for source, target in ((certificate, "server.pem"), (key, "server.key")):
        shutil.copy(source, folder / f"{target}.new")
        (folder / f"{target}.new").replace(folder / target)


def curl(server: Server, *words: str | Path, path: str = "/show", body: str = "1") -> tuple[int, str, str]:
    """Exit status, standard output and error of curl; prints the body, then the status on a line."""
    url = f"https://localhost:{server.port}{path}"
    command = ["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", "-d", body, *map(str, words), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_https(folder: Path) -> None:
    authority = Authority(folder)
    place(folder, authority)
    with serving(f"{ECHO}{ROUTE}{TLS}", folder) as server:
        assert server.scheme == "https"
        status, said, _ = curl(server, "--cacert", authority.file)
        assert (status, said.splitlines()[-1]) == (0, "200")
        assert curl(server)[0] == 60  # a caller that does not trust the authority
        for version in ("1.2", "1.3"):
            assert curl(server, "--cacert", authority.file, f"--tlsv{version}", "--tls-max", version)[0] == 0
        assert curl(server, "--cacert", authority.file, "--tlsv1.0", "--tls-max", "1.1")[0] == 35
        assert server.raw(b"GET /healthz HTTP/1.1\r\n\r\n") in {b"", b"\x15\x03\x01\x00\x02\x02\x46"}
        until(lambda: 'event="tls.handshake_failed"' in server.said)


def test_client_certificates(folder: Path) -> None:
    authority, clients, strangers = (
        Authority(folder),
        Authority(folder, "clients"),
        Authority(folder, "strangers"),
    )
    place(folder, authority)
    text = f'{ECHO}{ROUTE}auth = "mtls"\n{MUTUAL}'
    certificate, key = clients.issue("caller", "DNS:Caller.Example,IP:127.0.0.9,DNS:two.example")
    with serving(text, folder) as server:
        trust = ("--cacert", authority.file)
        status, said, _ = curl(server, *trust, "--cert", certificate, "--key", key)
        assert (status, said.splitlines()[-1]) == (0, "200")
        principal = json.loads(said.rpartition("\n")[0])["final_value"]["value"]["principal"]
        shown = subprocess.run(
            ["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        fingerprint = shown.strip().partition("=")[2].replace(":", "").lower()
        assert principal == {
            "kind": "mtls",
            "name": f"sha256:{fingerprint}",
            "cn": "caller",
            "sans": ["caller.example", "two.example"],
        }
        for version in ("1.2", "1.3"):
            assert curl(server, *trust, "--tls-max", version)[0] != 0  # none presented
        for issuer, name, expired in ((strangers, "stranger", False), (clients, "late", True)):
            other, other_key = issuer.issue(name, "DNS:x", expired=expired)
            assert curl(server, *trust, "--cert", other, "--key", other_key)[0] != 0
        until(lambda: server.said.count('event="tls.handshake_failed"') >= 4)


def test_optional_client_certificates(folder: Path) -> None:
    authority, clients = Authority(folder), Authority(folder, "clients")
    place(folder, authority)
    text = f"""{ECHO}{ROUTE}
[[http_routes]]
method = "POST"
path = "/known"
start_node = "go"
auth = "mtls"
{MUTUAL.replace("required", "optional")}"""
    certificate, key = clients.issue("caller", "DNS:x")
    with serving(text, folder) as server:
        trust = ("--cacert", authority.file)
        assert curl(server, *trust)[1].endswith("\n200")
        said = curl(server, *trust, path="/known")[1]
        assert said.splitlines() == [
            '{"detail":"no client certificate was presented","error":"unauthorized"}',
            "401",
        ]
        assert curl(server, *trust, "--cert", certificate, "--key", key, path="/known")[1].endswith("\n200")
        # An identity comes along whatever the kind of the route.
        said = curl(server, *trust, "--cert", certificate, "--key", key)[1].rpartition("\n")[0]
        assert json.loads(said)["final_value"]["value"]["principal"] == {
            "kind": "anonymous",
            "name": "",
            "cn": "caller",
            "sans": ["x"],
        }


BAD_FILES = {
    "no certificate file": ("server.pem", None, "server.tls.cert_file server.pem: No such file or directory"),
    "no certificate inside": (
        "server.pem",
        "hello",
        "server.tls.cert_file server.pem: there is no PEM certificate in it",
    ),
    "broken certificate": (
        "server.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "server.tls.cert_file server.pem: the certificate in it is damaged",
    ),
    "no key": ("server.key", "hello", "server.tls.key_file server.key: there is no PEM private key in it"),
    "no authorities": (
        "clients.pem",
        "",
        "server.tls.client_auth.ca_file clients.pem: there is no PEM certificate in it",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file(folder: Path, case: str) -> None:
    name, content, message = BAD_FILES[case]
    place(folder, Authority(folder))
    Authority(folder, "clients")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    _refused(folder, message)


def test_key_of_another_certificate(folder: Path) -> None:
    authority = Authority(folder)
    place(folder, authority)
    Authority(folder, "clients")
    shutil.copy(authority.issue("other", "DNS:x")[1], folder / "server.key")
    _refused(
        folder,
        "server.tls.key_file server.key: it is not the key of the first certificate in server.tls.cert_file",
    )


def test_encrypted_key_never_asks(folder: Path) -> None:
    place(folder, Authority(folder))
    Authority(folder, "clients")
    subprocess.run(
        [
            "openssl",
            "ec",
            "-aes256",
            "-passout",
            "pass:x",
            "-in",
            folder / "server.key",
            "-out",
            folder / "k",
        ],
        check=True,
        capture_output=True,
    )
    (folder / "k").replace(folder / "server.key")
    _refused(folder, "server.tls.key_file server.key: ")


def _refused(folder: Path, message: str) -> None:
    server = start(make(f"{ECHO}{ROUTE}{MUTUAL}", folder / "built"), folder)
    assert server.process.wait(15) == 5
    assert message in server.said
    assert "Traceback" not in server.said


@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_key_that_others_may_use(folder: Path, mode: int, refused: bool) -> None:
    """Refused where the workflow asks for that; a reload to such a key keeps the one that there was."""
    place(folder, Authority(folder))
    (folder / "server.key").chmod(mode)
    built = make(f"{ECHO}{ROUTE}{TLS}refuse_shared_key = true\n", folder / "built")
    if refused:
        message = f"key_file server.key: others than its owner may use it: its mode is {mode:04o}, not 0600"
        server = start(built, folder)
        assert server.process.wait(15) == 5
        assert message in server.said
        return
    with serving("", folder, app=built) as server:
        (folder / "server.key").chmod(0o644)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: 'event="reload.failed" stage="tls"' in server.said)
        assert curl(server, "--cacert", folder / "authority.pem")[0] == 0


def test_key_that_others_may_use_is_taken_by_default(folder: Path) -> None:
    place(folder, Authority(folder))
    (folder / "server.key").chmod(0o644)
    with serving(f"{ECHO}{ROUTE}{TLS}", folder) as server:
        assert curl(server, "--cacert", folder / "authority.pem")[0] == 0


@pytest.mark.parametrize("form", ["pkcs8", "sec1", "pkcs1"])
def test_key_formats(folder: Path, form: str) -> None:
    authority = Authority(folder)
    place(folder, authority)
    if form == "pkcs1":
        run = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
        run += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "rsa.key", "-out", "server.pem"]
        subprocess.run(run, cwd=folder, check=True, capture_output=True)
        command = ["openssl", "rsa", "-traditional", "-in", "rsa.key", "-out", "server.key"]
    elif form == "sec1":
        command = ["openssl", "ec", "-in", "server.key", "-out", "sec1.key"]
    else:
        command = ["openssl", "version"]  # it is in this form already
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    if form == "sec1":
        (folder / "sec1.key").replace(folder / "server.key")
    first = (folder / "server.key").read_text().splitlines()[0]
    assert {"pkcs8": "BEGIN PRIVATE", "sec1": "BEGIN EC ", "pkcs1": "BEGIN RSA "}[form] in first
    trusted = folder / "server.pem" if form == "pkcs1" else authority.file
    with serving(f"{ECHO}{ROUTE}{TLS}", folder) as server:
        assert curl(server, "--cacert", trusted)[0] == 0


def test_certificates_rotate_under_load(folder: Path) -> None:
    """New connections get the new certificate, old ones live on, and no request fails."""
    authority = Authority(folder)
    place(folder, authority, "first")
    with serving(f"{ECHO}{ROUTE}{TLS}", folder, "--log-level", "info") as server:
        context = ssl.create_default_context(cafile=str(authority.file))
        old = _connected(server, context)
        assert _name(old) == "first"
        failures: list[str] = []
        count = [0]
        stop = threading.Event()

        def call() -> None:
            while not stop.is_set():
                try:
                    with _connected(server, context) as peer:
                        for _ in range(5):
                            _ask(peer)
                            count[0] += 1
                except (OSError, AssertionError) as error:
                    failures.append(repr(error))

        callers = [threading.Thread(target=call) for _ in range(4)]
        for each in callers:
            each.start()
        for name in ("second", "third"):
            time.sleep(0.3)
            place(folder, authority, name)
            server.process.send_signal(signal.SIGHUP)
            until(lambda name=name: _served(server, context) == name)  # type: ignore[misc]
        _ask(old)
        assert _name(old) == "first"
        stop.set()
        for each in callers:
            each.join()
        assert failures == []
        assert count[0] > 100
        assert server.said.count('event="reload.succeeded"') == 2
        assert 'event="reload.tls" workflow="shop" tls_active=true' in server.said


def test_a_session_is_not_resumed_past_a_new_authority(folder: Path) -> None:
    authority, clients, others = Authority(folder), Authority(folder, "clients"), Authority(folder, "others")
    place(folder, authority)
    certificate, key = clients.issue("caller", "DNS:x")
    with serving(f"{ECHO}{ROUTE}{MUTUAL}", folder, "--log-level", "info") as server:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=str(authority.file))
            context.load_cert_chain(certificate, key)
            context.maximum_version = version
            with _connected(server, context) as peer:
                _ask(peer)
                session = peer.session
            with _connected(server, context, session) as peer:
                _ask(peer)
                assert peer.session_reused
            shutil.copy(folder / "clients.pem", folder / "kept.pem")
            shutil.copy(others.file, folder / "clients.pem")
            before = server.said.count("reload.succeeded")
            server.process.send_signal(signal.SIGHUP)
            until(lambda before=before: server.said.count("reload.succeeded") > before)  # type: ignore[misc]
            with pytest.raises((OSError, AssertionError)), _connected(server, context, session) as peer:
                _ask(peer)  # an alert, or the end of the connection before an answer
            shutil.copy(folder / "kept.pem", folder / "clients.pem")
            server.process.send_signal(signal.SIGHUP)
            until(lambda before=before: server.said.count("reload.succeeded") > before + 1)  # type: ignore[misc]


def test_bad_reload_keeps_what_there_was(folder: Path) -> None:
    authority = Authority(folder)
    place(folder, authority)
    with serving(f"{ECHO}{ROUTE}{TLS}", folder, "--log-level", "info") as server:
        (folder / "server.key").write_text("no key")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: 'event="reload.failed"' in server.said)
        assert 'stage="tls"' in server.said
        assert "reload.succeeded" not in server.said
        assert curl(server, "--cacert", authority.file)[0] == 0


def test_expiry_is_told(folder: Path) -> None:
    place(folder, Authority(folder))
    run = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-subj", "/CN=localhost"]
    run += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "server.key", "-out", "server.pem"]
    subprocess.run(run, cwd=folder, check=True, capture_output=True)
    with serving(f"{ECHO}{ROUTE}{TLS}", folder) as server:
        until(lambda: 'event="tls.certificate_expiring"' in server.said)
        assert "the server certificate expires in 2 days" in server.said or "3 days" in server.said
        text = curl(server, "--cacert", folder / "server.pem", "-G", path="/metrics", body="")[1]
        line = next(each for each in text.splitlines() if each.startswith("agentdc_tls_certificate_expiry"))
        assert 2 * 86_400 < float(line.split()[-1]) - time.time() <= 3 * 86_400


def test_file_that_asks_for_a_reload(folder: Path) -> None:
    place(folder, Authority(folder))
    flags = ("--reload-file", "touched", "--log-level", "info")
    with serving(f"{ECHO}{ROUTE}{TLS}", folder, *flags) as server:
        until(lambda: 'event="reload_file.watching"' in server.said)
        assert (folder / "touched").exists()
        time.sleep(0.3)
        (folder / "touched").touch()
        until(lambda: 'event="reload.succeeded"' in server.said)
        assert server.said.count('event="reload_file.triggered"') == 1


def _connected(
    server: Server, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    return context.wrap_socket(plain, server_hostname="localhost", session=session)


def _ask(peer: ssl.SSLSocket) -> None:
    peer.sendall(b"POST /show HTTP/1.1\r\nContent-Length: 1\r\n\r\n1")
    assert peer.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")


def _name(peer: ssl.SSLSocket) -> str:
    subject = (peer.getpeercert() or {})["subject"]
    return dict(part[0] for part in subject)["commonName"]  # type: ignore[arg-type, misc, return-value]


def _served(server: Server, context: ssl.SSLContext) -> str:
    with _connected(server, context) as peer:
        return _name(peer)
