"""Tokens of an issuer whose keys a running app fetches over HTTPS: rotation, an issuer that is down, denials."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import agentdc, make
from peers import tokens
from peers.authority import Authority
from serving import ECHO, Server, serving, until

from agentdc.driver.build import BuildRequest, Format, build


class Issuer:
    """An HTTPS server that gives out a key set. `keys`: what it gives; `down`: it fails."""

    def __init__(self, folder: Path) -> None:
        self.keys = tokens.key_set(tokens.jwk("P-256", 1, kid="one"))
        self.down = False
        self.asked = 0
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = issuer.keys.encode()
                self.send_response(500 if issuer.down else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.authority = Authority(folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context: ssl.SSLContext = self.authority.server("issuer", "DNS:localhost,IP:127.0.0.1")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    made = Issuer(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


def workflow(url: str) -> str:
    return f"""{ECHO}
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
auth = "oidc:people"
[auth.oidc.people]
issuer = "{tokens.ISSUER}"
audience = ["shop"]
algorithms = ["ES256"]
jwks_url = "{url}"
"""


def token(number: int, kid: str, **changed: object) -> str:
    claims = {
        "iss": tokens.ISSUER,
        "sub": "dana",
        "aud": "shop",
        "exp": int(time.time()) + 60,
        "iat": int(time.time()),
    }
    return tokens.token("ES256", {**claims, **changed}, key=tokens.private("P-256", number), kid=kid)


def ask(server: Server, bearer: str) -> tuple[int, object]:
    answer = server.ask("POST", "/show", "{}", {"Authorization": f"Bearer {bearer}"})
    told = answer.json
    return answer.status, told["final_value"]["value"]["principal"] if answer.status == 200 else told[
        "detail"
    ]


def test_keys_are_fetched_and_follow_a_rotation(issuer: Issuer, tmp_path: Path) -> None:
    trust = {"SSL_CERT_FILE": str(issuer.authority.file)}
    with serving(workflow(issuer.url), tmp_path, "--log-level", "info", **trust) as server:
        assert ask(server, token(1, "one")) == (200, {"kind": "oidc", "name": "dana"})
        assert ask(server, token(1, "one", aud="other")) == (401, "oidc.bad-audience")
        assert ask(server, token(1, "one", exp=1)) == (401, "oidc.expired")
        assert ask(server, token(2, "one")) == (401, "oidc.bad-signature")
        assert ask(server, "no.such.token")[0] == 401
        issuer.keys = tokens.key_set(tokens.jwk("P-256", 2, kid="two"))
        before = issuer.asked
        until(
            lambda: ask(server, token(2, "two"))[0] == 200, 15
        )  # asked for in between, at most every ten seconds
        assert issuer.asked <= before + 2
        assert ask(server, token(1, "one")) == (401, "oidc.unknown-kid")
        assert 'event="oidc.verified"' in server.said
        assert token(1, "one")[:20] not in server.said


def test_an_issuer_that_is_down_denies_and_does_not_stop_the_start(issuer: Issuer, tmp_path: Path) -> None:
    issuer.down = True
    trust = {"SSL_CERT_FILE": str(issuer.authority.file)}
    with serving(workflow(issuer.url), tmp_path, **trust) as server:
        assert ask(server, token(1, "one")) == (401, "oidc.keys-unavailable")
        issuer.down = False
        until(lambda: ask(server, token(1, "one"))[0] == 200, 15)


def test_an_issuer_that_is_not_trusted(issuer: Issuer, tmp_path: Path) -> None:
    with serving(workflow(issuer.url), tmp_path) as server:
        assert ask(server, token(1, "one")) == (401, "oidc.keys-unavailable")


def test_keys_of_a_file_follow_a_reload(tmp_path: Path) -> None:
    text = workflow("x").replace('jwks_url = "x"', 'jwks_file = "keys.json"')
    (tmp_path / "keys.json").write_text(tokens.key_set(tokens.jwk("P-256", 1, kid="one")))
    with serving(text, tmp_path, "--reload-file", "again", "--log-level", "info") as server:
        assert ask(server, token(1, "one"))[0] == 200
        (tmp_path / "keys.json").write_text(tokens.key_set(tokens.jwk("P-256", 2, kid="two")))
        time.sleep(0.3)
        (tmp_path / "again").touch()
        until(lambda: 'event="reload.succeeded"' in server.said)
        assert ask(server, token(1, "one"))[0] == 401
        assert ask(server, token(2, "two"))[0] == 200
        (tmp_path / "keys.json").write_text("{}")
        time.sleep(0.3)
        (tmp_path / "again").touch()
        until(lambda: 'stage="auth"' in server.said)
        assert ask(server, token(2, "two"))[0] == 200


def test_a_zipapp_cannot_hold_what_verifies_tokens(tmp_path: Path) -> None:
    source = tmp_path / "w.toml"
    source.write_text(workflow("https://login.example/keys"))
    built = build(BuildRequest(str(source), str(tmp_path / "app.pyz"), Format.ZIPAPP))
    assert [each.code.slug for each in built.diagnostics if each.is_error] == ["not_pure_python"]
    assert "cryptography" in built.diagnostics[-1].message
    app = make(workflow("https://login.example/keys"), tmp_path / "dir")
    manifest = json.loads(next(app.glob("*/manifest.json")).read_text())
    assert {"cryptography", "httpx", "uvloop"} <= {each["name"] for each in manifest["dependencies"]}
    assert "cryptography" in (app / "requirements.txt").read_text()


def test_the_checker_says_what_is_wrong_with_a_key_set(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(workflow("x").replace('jwks_url = "x"', "jwks_json = '{\"keys\": []}'"))
    done = agentdc("check", "w.toml", cwd=tmp_path)
    assert done.returncode == 5
    assert "bad_jwks" in done.stdout
