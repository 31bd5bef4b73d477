"""The MCP client against servers made with the official SDK, over pipes and over HTTP."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from mcp_routing import Bench, bench, declared, over_http, python

from agentdc_runtime.errors import McpError, PolicyError, WorkflowError
from agentdc_runtime.host.console import Refusal
from agentdc_runtime.mcp.router import Tool

WAYS = ["stdio", "http", "json", "stateless", "bearer=s3cret-token"]


@asynccontextmanager
async def reached(way: str) -> AsyncIterator[Bench]:
    """A router with one server of the SDK behind it."""
    if way == "stdio":
        async with bench(declared("sdk", command=python("sdk"))) as made:
            yield made
        return
    async with over_http(way) as url:
        server = declared("sdk", url=url, bearer="TOKEN")
        async with bench(server, environ={"TOKEN": "s3cret-token"}) as made:
            yield made


@pytest.fixture(params=WAYS)
def tried(request: pytest.FixtureRequest) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Runs a test once for each way to reach the server."""

    def go(test: Callable[[Bench], Awaitable[None]]) -> None:
        async def main() -> None:
            async with reached(request.param) as made:
                await test(made)

        asyncio.run(main())

    return go


Tried = Callable[[Callable[[Bench], Awaitable[None]]], None]


def test_tools_are_called(tried: Tried) -> None:
    async def go(made: Bench) -> None:
        answer = await made.router.call(made.run(), None, "add", {"a": 2, "b": 40})
        assert answer == {
            "content": [{"type": "text", "text": "42"}], "is_error": False, "server": "sdk",
            "structured": {"sum": 42}, "tool": "add",
        }  # fmt: skip
        refused = await made.router.call(made.run(), "sdk", "refuse", None)
        assert refused["is_error"]
        assert refused["content"] == [{"type": "text", "text": "it cannot be done"}]
        assert await made.call("progress") == "done"  # with notifications before the answer
        assert (
            await made.call("echo", {"text": "Übergrößenträger \u2028 \x7f"})
            == "Übergrößenträger \u2028 \x7f"
        )

    tried(go)


def test_resources_are_read(tried: Tried) -> None:
    async def go(made: Bench) -> None:
        read = await made.router.read(made.run(), None, "note://second")
        assert read["server"] == "sdk"
        assert read["uri"] == "note://second"
        assert [each["text"] for each in read["contents"]] == ["two"]
        with pytest.raises(McpError, match="error -32002: Resource not found: note://none"):
            await made.router.read(made.run(), None, "note://none")

    tried(go)


def test_all_pages_of_the_catalogue_are_read(tried: Tried) -> None:
    async def go(made: Bench) -> None:
        tools = {each.name: each for each in await made.router.tools(made.run())}
        assert len(tools) == 12  # six pages
        assert isinstance(tools["add"], Tool)
        assert tools["add"].schema["required"] == ["a", "b"]
        assert tools["add"].output_schema == {
            "type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"],
        }  # fmt: skip
        assert tools["add"].description == "The tool add."
        assert tools["refuse"].output_schema is None

    tried(go)


def test_calls_go_side_by_side(tried: Tried) -> None:
    async def go(made: Bench) -> None:
        began = monotonic()
        waits = [made.call("wait", {"seconds": 1}) for _ in range(20)]
        sums = [made.router.call(made.run(), None, "add", {"a": n, "b": 1}) for n in range(50)]
        answers = await asyncio.gather(*sums)
        assert [each["structured"]["sum"] for each in answers] == list(range(1, 51))
        assert await asyncio.gather(*waits) == ["waited"] * 20
        assert monotonic() - began < 15  # one after the other would be 20 seconds

    tried(go)


def test_a_call_ends_at_its_deadline_and_the_next_one_works(tried: Tried) -> None:
    async def go(made: Bench) -> None:
        with pytest.raises(McpError, match="gave no answer to tools/call within"):
            await made.call("wait", {"seconds": 60}, seconds=0.5)
        assert await made.call("echo", {"text": "still here"}) == "still here"
        assert not made.named("sidecar.exited")

    tried(go)


def test_answers_beyond_the_limit_are_refused_and_the_next_one_works(tried: Tried) -> None:
    async def go(made: Bench) -> None:
        with pytest.raises(McpError, match="the answer is larger than 16 MiB"):
            await made.call("big", {"bytes": 17_000_000})
        assert len(await made.call("big", {"bytes": 8_000_000})) == 8_000_000

    tried(go)


@pytest.mark.parametrize("way", ["stdio", "http"])
def test_the_catalogue_is_asked_for_again_after_it_changed(way: str) -> None:
    async def go() -> None:
        async with reached(way) as made:
            before = {each.name for each in await made.router.tools(made.run())}
            await made.call("grow")
            async with asyncio.timeout(20):
                while (after := {each.name for each in await made.router.tools(made.run())}) == before:
                    await asyncio.sleep(0.01)
            assert after - before == {"grown_0"}

    asyncio.run(go())


def test_a_deadline_cancels_the_work_of_the_server() -> None:
    async def go() -> None:
        async with bench(declared("sdk", command=python("sdk"))) as made:
            with pytest.raises(McpError):
                await made.call("wait", {"seconds": 600}, seconds=0.3)
            async with asyncio.timeout(20):
                while await made.call("cancelled") != "600":
                    await asyncio.sleep(0.01)

    asyncio.run(go())


def test_a_killed_server_comes_back() -> None:
    async def go() -> None:
        async with bench(declared("sdk", command=python("sdk"))) as made:
            waiting = asyncio.create_task(made.call("wait", {"seconds": 600}))
            assert await made.call("echo", {"text": "a"}) == "a"
            began = monotonic()
            os.kill(made.named("sidecar.started")[0]["pid"], signal.SIGKILL)
            with pytest.raises(McpError, match="signal SIGKILL"):
                await waiting
            assert monotonic() - began < 1  # spec 04, H07
            assert await made.call("echo", {"text": "b"}) == "b"

    asyncio.run(go())


def test_floods_on_standard_error_block_nothing() -> None:
    async def go() -> None:
        async with bench(declared("sdk", command=python("sdk"))) as made:
            assert await made.call("shout") == "shouted"

    asyncio.run(go())


def test_the_environment_is_ours_with_secrets_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "inherited")

    async def go() -> None:
        plain = declared("plain", command=python("sdk"), env={"THEIRS": "KEY"})
        few = declared("few", command=python("sdk"), supervisor={"env_pass": ["PATH"]})
        async with bench(plain, few, environ={"KEY": "s3cret-value"}) as made:
            assert await made.call("variable", {"name": "OURS"}, server="plain") == "inherited"
            assert await made.call("variable", {"name": "THEIRS"}, server="plain") == "s3cret-value"
            assert await made.call("variable", {"name": "OURS"}, server="few") == "(unset)"

    asyncio.run(go())


def test_a_secret_that_is_missing_ends_the_start() -> None:
    async def go(server: dict[str, object]) -> str:
        with pytest.raises(Refusal) as caught:
            async with bench(server):
                pass
        return caught.value.message

    message = asyncio.run(go(declared("sdk", command=python("sdk"), env={"DSN": "ABSENT"})))
    assert "env `DSN`: secret `ABSENT`" in message
    assert "ABSENT" in asyncio.run(go(declared("sdk", url="http://127.0.0.1:9/mcp", bearer="ABSENT")))


def test_a_wrong_token_and_a_wrong_address_end_the_start() -> None:
    async def go() -> None:
        async with over_http("bearer=right-token") as url:
            with pytest.raises(Refusal, match="answered with the status 401"):
                async with bench(declared("sdk", url=url, bearer="T"), environ={"T": "wrong-token"}):
                    pass
            with pytest.raises(Refusal, match="answered with the status 401"):
                async with bench(declared("sdk", url=f"{url}/other")):
                    pass
        with pytest.raises(Refusal, match="write request on"):
            async with bench(declared("sdk", url=url)):
                pass  # nobody listens there any more

    asyncio.run(go())


def test_a_session_that_the_server_forgot_is_begun_anew() -> None:
    async def go() -> None:
        async with over_http() as url, bench(declared("sdk", url=url)) as made:
            assert await made.call("echo", {"text": "a"}) == "a"
            server = made.router.server("sdk")
            exchange = server._exchange  # type: ignore[attr-defined]
            assert exchange.id
            await exchange.forget()
            with pytest.raises(McpError, match="has forgotten the session"):
                await made.call("echo", {"text": "b"})
            assert await made.call("echo", {"text": "c"}) == "c"

    asyncio.run(go())


def test_lists_decide_before_anything_is_sent() -> None:
    async def go() -> None:
        few = declared("sdk", command=python("sdk"), allow_tools=["ad*"], allow_resources=["note://f**"])
        async with bench(few) as made:
            assert [each.name for each in await made.router.tools(made.run())] == ["add"]
            with pytest.raises(PolicyError, match="mcp tool `echo` denied by allowlist on server `sdk`"):
                await made.call("echo", {"text": "a"})
            with pytest.raises(PolicyError, match="mcp resource `note://second` denied by allowlist"):
                await made.router.read(made.run(), None, "note://second")
            assert (await made.router.read(made.run(), None, "note://first"))["contents"]

    asyncio.run(go())


def test_a_server_must_be_named_among_several() -> None:
    async def go() -> None:
        async with bench(*(declared(name, command=python("sdk")) for name in ("b", "a"))) as made:
            with pytest.raises(
                WorkflowError, match="several MCP servers, and no `server` says which: `a`, `b`"
            ):
                await made.call("add")
            with pytest.raises(WorkflowError, match="unknown MCP server `c`; there are `a`, `b`"):
                await made.call("add", server="c")
            assert await made.call("echo", {"text": "x"}, server="b") == "x"

    asyncio.run(go())
