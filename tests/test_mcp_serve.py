"""Built apps as MCP servers, to the official SDK's client over pipes and HTTP, and to requests as inspectors send."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from command import PATH, make
from mcp import ClientSession, StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from serving import serving

WORKFLOW = """\
name = "office"
description = "Answers for an office."

[[start_nodes]]
name = "greet"
source = "manual"
entry_node = "hello"

[[start_nodes]]
name = "first"
source = "http"
entry_node = "pick"

[[start_nodes]]
name = "list"
source = "manual"
entry_node = "words"

[[start_nodes]]
name = "refuse"
source = "manual"
entry_node = "no"

[[start_nodes]]
name = "break"
source = "manual"
entry_node = "file"

[[start_nodes]]
name = "sleep"
source = "manual"
entry_node = "wait"

[[http_routes]]
method = "POST"
path = "/first"
start_node = "first"
input_schema = "NUMBERS"

[mcp_serve]
path = "/mcp"
MORE

[[nodes]]
id = "hello"
type = "template_render"
input_from = "trigger"
template = "Hello, {{name}} ({{kind}})!"

[[nodes]]
id = "pick"
type = "json_select"
input_from = "trigger.numbers"
path = "0"

[[nodes]]
id = "words"
type = "template_render"
template = "one two"

[[nodes]]
id = "done"
type = "terminate"

[[nodes]]
id = "no"
type = "fail"
reason = "not on Sundays"

[[nodes]]
id = "file"
type = "read_file"
path_from = "trigger.path"

[[nodes]]
id = "wait"
type = "shell_run"
command = "/bin/sleep"
args_from = "trigger.seconds"

[[edges]]
from = "words"
to = "done"

[policy.fs]
read = ["/srv/**"]

[policy.shell]
commands = ["/bin/sleep", "/usr/bin/sleep"]

[check]
allow = ["unhandled_error_branch", "wide_grant", "literal_secret"]
"""
NUMBERS = {"type": "array", "items": {"type": "integer"}}
SCHEMA = json.dumps({"type": "object", "properties": {"numbers": NUMBERS}, "required": ["numbers"]})
WORKFLOW = WORKFLOW.replace('"NUMBERS"', f"'{SCHEMA}'")
GUARDED = """auth = "bearer:tools"

[auth.bearer.tools]
tokens = ["a-long-token"]
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(WORKFLOW.replace("MORE", ""), tmp_path_factory.mktemp("office"))


@asynccontextmanager
async def over_pipes(built: Path, *words: str) -> AsyncIterator[ClientSession]:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-I", "-S", str(built), "--mcp-serve", "stdio", *words],
        env={"PATH": PATH},
    )
    async with stdio_client(command) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


@pytest.fixture(params=["stdio", "http"])
def asked(request: pytest.FixtureRequest, built: Path, tmp_path: Path) -> Callable[[Any], None]:
    """Runs a test with a client, once for each way to reach the app."""

    def go(test: Callable[[Any], Awaitable[None]]) -> None:
        async def piped() -> None:
            async with over_pipes(built) as session:
                await test(session)

        async def over_http(url: str) -> None:
            async with Client(url) as client:
                await test(client)

        if request.param == "stdio":
            asyncio.run(piped())
        else:
            with serving("", tmp_path, "--mcp-serve", "http", app=built) as app:
                asyncio.run(over_http(f"{app.url}/mcp"))

    return go


def test_the_tools_are_the_start_nodes(asked: Callable[[Any], None]) -> None:
    async def go(client: Any) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["greet", "first", "list", "refuse", "break", "sleep"]
        assert tools["greet"].description == "Answers for an office. Begins at the start node greet."
        assert tools["greet"].input_schema == {"type": "object"}
        assert tools["first"].input_schema["required"] == ["numbers"]
        assert tools["greet"].output_schema["properties"] == {"rendered": {"type": "string"}}
        assert tools["list"].output_schema["properties"] == {"result": {"type": "null"}}
        assert tools["refuse"].output_schema is None

    asked(go)


def test_tools_are_called(asked: Callable[[Any], None]) -> None:
    async def go(client: Any) -> None:
        await client.list_tools()  # from here on the client holds answers against the output schemas
        greeted = await client.call_tool("greet", {"name": "Ann"})
        assert greeted.structured_content == {"rendered": "Hello, Ann (mcp)!"}
        assert json.loads(greeted.content[0].text) == greeted.structured_content
        first = await client.call_tool("first", {"numbers": [7, 8]})
        assert first.structured_content == {"found": True, "value": 7}
        ended = await client.call_tool("list", {})
        assert ended.structured_content == {"result": None}

    asked(go)


def test_what_goes_wrong_is_a_result(asked: Callable[[Any], None]) -> None:
    async def go(client: Any) -> None:
        wrong = await client.call_tool("first", {"numbers": ["seven"]})
        assert wrong.is_error
        assert wrong.content[0].text == (
            "the arguments do not fit the input schema: /numbers/0: must be an integer (type)"
        )
        refused = await client.call_tool("refuse", {})
        assert refused.is_error
        assert refused.content[0].text == "not on Sundays"
        denied = await client.call_tool("break", {"path": "/etc/passwd"})
        assert denied.is_error
        assert denied.content[0].text.startswith("policy violation: read_file: fs_read of ")
        with pytest.raises(MCPError) as caught:
            await client.call_tool("no_such_tool", {})
        assert caught.value.error.code == -32602

    asked(go)


def test_calls_go_side_by_side(asked: Callable[[Any], None]) -> None:
    async def go(client: Any) -> None:
        slow = [client.call_tool("sleep", {"seconds": ["1"]}) for _ in range(10)]
        quick = [client.call_tool("greet", {"name": str(number)}) for number in range(50)]
        async with asyncio.timeout(9):  # one after the other they take ten seconds
            answers = await asyncio.gather(*slow, *quick)
        assert [each.structured_content["rendered"] for each in answers[10:]] == [
            f"Hello, {number} (mcp)!" for number in range(50)
        ]

    asked(go)


def test_a_token_is_demanded_where_one_is_declared(tmp_path: Path) -> None:
    built = make(WORKFLOW.replace("MORE", GUARDED), tmp_path / "guarded")
    with serving("", tmp_path, app=built) as app:
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        plain = httpx.post(f"{app.url}/mcp", json=message)
        assert plain.status_code == 401
        assert plain.headers["www-authenticate"].startswith("Bearer")
        known = httpx.post(f"{app.url}/mcp", json=message, headers={"Authorization": "Bearer a-long-token"})
        assert known.status_code == 200
        assert len(known.json()["result"]["tools"]) == 6


def test_requests_as_an_inspector_sends_them(built: Path, tmp_path: Path) -> None:
    with serving("", tmp_path, app=built) as app:
        url = f"{app.url}/mcp"
        ping = {"jsonrpc": "2.0", "id": "a", "method": "ping"}
        assert httpx.post(url, json=ping).json() == {"jsonrpc": "2.0", "id": "a", "result": {}}
        noted = httpx.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert (noted.status_code, noted.content) == (202, b"")
        assert httpx.get(url, headers={"Accept": "text/event-stream"}).status_code == 405
        assert httpx.delete(url).status_code == 405
        for origin, status in (("http://evil.example", 403), (app.url, 200)):
            assert httpx.post(url, json=ping, headers={"Origin": origin}).status_code == status
        for version, status in (("1999-01-01", 400), ("2025-06-18", 200)):
            assert httpx.post(url, json=ping, headers={"MCP-Protocol-Version": version}).status_code == status
        assert httpx.post(url, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
        broken = httpx.post(url, content=b"{", headers={"Content-Type": "application/json"})
        assert (broken.status_code, broken.json()["error"]["code"]) == (400, -32700)
        for body in ([], 7, [ping], {}, {"id": 1}, {**ping, "id": None}, {**ping, "id": True}):
            answer = httpx.post(url, json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600), body
        unknown = httpx.post(url, json={**ping, "method": "resources/list"}).json()
        assert unknown["error"]["code"] == -32601
        for arguments in ([], "text", 4):
            call = {"name": "greet", "arguments": arguments}
            answer = httpx.post(url, json={**ping, "method": "tools/call", "params": call}).json()
            assert answer["error"]["code"] == -32602
        forged = {"name": "greet", "arguments": {"name": "x", "principal": {"name": "root"}}}
        assert httpx.post(url, json={**ping, "method": "tools/call", "params": forged}).status_code == 200


def _piped(built: Path, lines: list[bytes], *words: str) -> tuple[int, list[Any], str]:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(built), "--mcp-serve", "stdio", *words],
        input=b"".join(each + b"\n" for each in lines), capture_output=True, timeout=60, check=False,
        env={"PATH": PATH},
    )  # fmt: skip
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def test_lines_that_are_no_messages_are_answered_and_passed_over(built: Path) -> None:
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    lines = [b"", b"hello", b"\xff\xfe", b"[]", b"{" * 100_000, b"x" * 17_000_000, ping]
    status, answers, errors = _piped(built, lines)
    assert status == 0
    codes = [each["error"]["code"] for each in answers if "error" in each]
    assert sorted(codes) == [-32700, -32700, -32700, -32700, -32600]
    assert [each for each in answers if "result" in each] == [{"jsonrpc": "2.0", "id": 1, "result": {}}]
    assert errors == ""


def test_the_end_of_the_input_waits_for_what_was_begun(built: Path) -> None:
    call = {"name": "sleep", "arguments": {"seconds": ["1"]}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    status, answers, _ = _piped(built, [json.dumps(message).encode()])
    assert status == 0
    assert answers[0]["result"]["structuredContent"]["exit_code"] == 0


def test_a_dry_run_promises_no_output(built: Path) -> None:
    listing = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    _, answers, _ = _piped(built, [listing], "--dry-run")
    assert all("outputSchema" not in tool for tool in answers[0]["result"]["tools"])


def test_a_signal_ends_it(built: Path) -> None:
    command = [sys.executable, "-I", "-S", str(built), "--mcp-serve", "stdio"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": PATH}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        process.stdin.flush()
        assert b"result" in process.stdout.readline()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_cancelled_call_is_not_answered_and_stops_its_run(built: Path) -> None:
    async def go() -> None:
        async with over_pipes(built) as session:
            with pytest.raises(MCPError):
                await session.call_tool("sleep", {"seconds": ["1"]}, read_timeout_seconds=0.3)
            assert (await session.call_tool("greet", {"name": "x"})).structured_content

    asyncio.run(go())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--mcp-serve", "pipe"), "takes `stdio` or `http`"),
        (("--mcp-serve", "http", "--mode", "once"), "exclude each other"),
        (("--mcp-serve", "stdio", "--mode", "serve"), "exclude each other"),
        (("--mcp-serve", "stdio", "--log-target", "stdout"), "needs standard output for itself"),
    ],
)
def test_words_that_do_not_fit(built: Path, words: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        [sys.executable, str(built), *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert said in done.stderr


def test_an_app_without_the_section_says_so(tmp_path: Path) -> None:
    built = make(WORKFLOW.replace('[mcp_serve]\npath = "/mcp"\nMORE', ""), tmp_path / "plain")
    done = subprocess.run(
        [sys.executable, str(built), "--mcp-serve", "stdio"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "this app was built without [mcp_serve], which `--mcp-serve` needs" in done.stderr
