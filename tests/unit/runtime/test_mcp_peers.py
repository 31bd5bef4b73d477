"""The MCP client against servers that people run: from PyPI, and from npm where that is installed."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcp_routing import bench, declared
from peers.echo import echo
from peers.http import serving

from agentdc_runtime.errors import McpError

NPM = Path(sys.prefix) / "npm" / "node_modules" / ".bin"
npm = pytest.mark.skipif(not NPM.is_dir() or shutil.which("node") is None, reason="npm is not installed")


def _module(name: str, *words: str) -> list[str]:
    return [sys.executable, "-m", name, *words]


def _package(name: str, *words: str) -> list[str]:
    return [str(NPM / name), *words]


def test_time() -> None:
    async def go() -> None:
        async with bench(declared("time", command=_module("mcp_server_time"))) as made:
            given = {"source_timezone": "Europe/London", "time": "12:00", "target_timezone": "Asia/Kolkata"}
            answer = await made.router.call(made.run(), None, "convert_time", given)
            assert answer["structured"]["target"]["timezone"] == "Asia/Kolkata"
            wrong = await made.router.call(made.run(), None, "get_current_time", {"timezone": "Atlantis"})
            assert wrong["is_error"]
            with pytest.raises(McpError, match="-32602"):
                await made.call("tell_fortune")

    asyncio.run(go())


def test_git(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]
    for words in (["init", "-q"], ["add", "a.txt"], ["commit", "-q", "-m", "first words"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    (tmp_path / "a.txt").write_text("two\n")

    async def go() -> None:
        command = _module("mcp_server_git", "--repository", str(tmp_path))
        async with bench(declared("git", command=command)) as made:
            where = {"repo_path": str(tmp_path)}
            assert "first words" in await made.call("git_log", where)
            assert "+two" in await made.call("git_diff_unstaged", where)
            outside = await made.router.call(made.run(), None, "git_status", {"repo_path": "/"})
            assert outside["is_error"]
            names = {each.name for each in await made.router.tools(made.run())}
            assert {"git_status", "git_commit", "git_log"} <= names

    asyncio.run(go())


def test_fetch() -> None:
    async def go(url: str) -> None:
        command = _module("mcp_server_fetch", "--ignore-robots-txt", "--allow-private-ips")
        async with bench(declared("fetch", command=command)) as made:
            answer = await made.router.call(made.run(), None, "fetch", {"url": url, "raw": True})
            text = answer["content"][0]["text"]
            assert not answer["is_error"], text
            assert "GET" in text

    with serving(echo) as peer:
        asyncio.run(go(peer.url("")))


@npm
def test_filesystem(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text("secret")

    async def go() -> None:
        command = _package("mcp-server-filesystem", str(folder))
        async with bench(
            declared("files", command=command, allow_tools=["read_*", "write_file", "list*"])
        ) as made:
            place = str(folder / "note.txt")
            await made.call("write_file", {"path": place, "content": "hello\n"})
            assert (folder / "note.txt").read_text() == "hello\n"
            assert "[FILE] note.txt" in await made.call("list_directory", {"path": str(folder)})
            outside = await made.router.call(
                made.run(), None, "read_file", {"path": str(tmp_path / "outside.txt")}
            )
            assert outside["is_error"]

    asyncio.run(go())


@npm
def test_memory() -> None:
    async def go() -> None:
        async with bench(declared("memory", command=_package("mcp-server-memory"))) as made:
            graph = await made.router.call(made.run(), None, "read_graph", {})
            assert set(graph["structured"]) == {"entities", "relations"}
            read = await made.router.read(made.run(), None, "memory://knowledge-graph")
            assert read["contents"][0]["uri"] == "memory://knowledge-graph"

    asyncio.run(go())


@npm
def test_everything() -> None:
    async def go() -> None:
        async with bench(declared("all", command=_package("mcp-server-everything"))) as made:
            assert await made.call("echo", {"message": "hello"}) == "Echo: hello"
            assert "is 42" in await made.call("get-sum", {"a": 2, "b": 40})
            answer = await made.router.call(
                made.run(), None, "get-structured-content", {"location": "New York"}
            )
            assert set(answer["structured"]) == {"temperature", "conditions", "humidity"}
            image = await made.router.call(made.run(), None, "get-tiny-image", {})
            assert {each["type"] for each in image["content"]} == {"image", "text"}
            steps = {"duration": 1, "steps": 4}
            assert "completed" in await made.call("trigger-long-running-operation", steps)
            tools = await made.router.tools(made.run())
            assert json.dumps([each.schema for each in tools])
            assert len(tools) > 8

    asyncio.run(go())


def test_a_command_that_is_there_is_found_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")

    async def go() -> None:
        async with bench(
            declared("time", command=[Path(sys.executable).name, "-m", "mcp_server_time"])
        ) as made:
            assert await made.call("get_current_time", {"timezone": "Etc/UTC"})

    asyncio.run(go())
