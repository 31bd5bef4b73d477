"""A serving app as one frozen file, with every optional part at once: nothing it needs may have been left out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from command import make
from peers import tokens
from peers.authority import Authority
from serving import ECHO, serving, start, until

from agentdc.driver.build import Format

SMALL = f"""{ECHO}
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
"""


def route(path: str, more: str) -> str:
    return f'\n[[http_routes]]\nmethod = "POST"\npath = "{path}"\nstart_node = "go"\n{more}\n'


@pytest.mark.freeze
def test_small_binary(tmp_path: Path) -> None:
    binary = make(SMALL, tmp_path / "built", form=Format.BINARY)
    assert binary.stat().st_size < 12_000_000
    with serving("", tmp_path, app=binary) as server:
        assert server.ask("POST", "/show", '{"a": 1}').json["final_value"]["value"]["a"] == 1
        assert server.end() == 0
    with serving("", tmp_path / "two", "--workers", "2", app=binary) as server:
        assert server.ask("POST", "/show", "1").status == 200
        assert server.end(signal.SIGINT) == 0


@pytest.mark.freeze
def test_binary_with_everything(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("localhost", "DNS:localhost,IP:127.0.0.1")
    shutil.copy(certificate, tmp_path / "server.pem")
    shutil.copy(key, tmp_path / "server.key")
    keys = tokens.key_set(tokens.jwk("RSA", 1, kid="one"))
    schema = {"type": "object", "required": ["id"]}
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "order.json").write_text(json.dumps(schema))
    (tmp_path / "in").mkdir()
    text = f"""{ECHO}
{route("/bearer", 'auth = "bearer"')}
{route("/basic", 'auth = "basic"')}
{route("/hmac", 'auth = "hmac"')}
{route("/oidc", 'auth = "oidc"')}
{route("/once", 'idempotency_key = "id"')}
{route("/checked", 'input_schema = "order.json"')}
{route("/open", 'cors = { allow_origins = ["*"] }' + chr(10) + "stream = true")}
[[triggers]]
type = "cron"
schedule = "* * * * * *"
start_node = "go"
[[triggers]]
type = "fs_watch"
path = "in"
start_node = "go"
[auth.bearer.default]
tokens_env = "TOKEN"
[auth.basic.default]
credentials_env = "USERS"
[auth.hmac.default]
secret_env = "KEY"
[auth.oidc.default]
issuer = "{tokens.ISSUER}"
jwks_json = '{keys}'
[server]
readyz = true
openapi_path = "/openapi.json"
[server.tls]
cert_file = "server.pem"
key_file = "server.key"
"""
    binary = make(text, tmp_path / "built", form=Format.BINARY)
    variables = {"TOKEN": "t0ken", "USERS": "ann:secret", "KEY": "k3y"}
    server = start(binary, tmp_path, "--state-dir", "state", "--log-level", "info", **variables)
    try:
        until(lambda: "listening on https://" in server.said, 30)
        server.port = int(server.said.partition("127.0.0.1:")[2].partition("/")[0])
        context = ssl.create_default_context(cafile=str(authority.file))

        def ask(path: str, body: str = "{}", **headers: str) -> tuple[int, str]:
            url = f"https://localhost:{server.port}{path}"
            asked = urllib.request.Request(
                url, body.encode(), {k.replace("_", "-"): v for k, v in headers.items()}
            )
            try:
                with urllib.request.urlopen(asked, timeout=20, context=context) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        now = int(time.time())
        claims = {"iss": tokens.ISSUER, "sub": "dana", "exp": now + 60, "iat": now}
        bearer = tokens.token("RS256", claims, key=tokens.private("RSA", 1), kid="one")
        signature = hmac.digest(b"k3y", b"{}", hashlib.sha256).hex()
        json_type = {"Content_Type": "application/json"}
        assert ask("/bearer", Authorization="Bearer t0ken", **json_type)[0] == 200
        assert (
            ask("/basic", Authorization=f"Basic {base64.b64encode(b'ann:secret').decode()}", **json_type)[0]
            == 200
        )
        assert ask("/hmac", X_Agent_Signature=f"sha256={signature}", **json_type)[0] == 200
        assert ask("/oidc", Authorization=f"Bearer {bearer}", **json_type)[0] == 200
        assert ask("/oidc", **json_type)[0] == 401
        assert ask("/once", '{"id": 1}', **json_type)[0] == 200
        assert ask("/checked", "{}", **json_type)[0] == 400
        assert "event: outcome" in ask("/open", Accept="text/event-stream", **json_type)[1]
        (tmp_path / "in" / "x").write_text("1")
        until(lambda: 'event="fs_watch.completed"' in server.said and 'event="cron.completed"' in server.said)
    finally:
        assert server.end() == 0
    assert "Traceback" not in server.said
    done = subprocess.run([binary, "--manifest"], capture_output=True, check=True, timeout=30)
    assert {"cryptography", "uvloop"} <= {each["name"] for each in json.loads(done.stdout)["dependencies"]}
