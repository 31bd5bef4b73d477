"""MCP servers that do one thing wrong: the call ends in its time with words that help, and nothing else is harmed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
from pathlib import Path
from time import monotonic

import pytest
from mcp_routing import Bench, bench, declared, python

from agentdc_runtime.errors import McpError
from agentdc_runtime.host.console import Refusal

FEW = {"max_restarts": 0}


async def _fails(made: Bench, seconds: float = 20) -> str:
    with pytest.raises(McpError) as caught:
        await made.call("any", seconds=seconds)
    return caught.value.reason


async def _failure(mode: str, seconds: float = 20) -> str:
    async with bench(declared("odd", command=python("odd", mode), supervisor=FEW)) as made:
        return await _fails(made, seconds)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("exits", 'closed the pipe unexpectedly (exit code 3); its last words: "out of paper"'),
        ("closes", "closed the pipe unexpectedly"),
        ("huge", "the answer is larger than 16 MiB"),
        ("huge_and_late_id", "the answer is larger than 16 MiB"),
        ("endless", "the answer is larger than 16 MiB"),
        ("garbage", 'a line of its output is not JSON-RPC: "Listening on port 8080"'),
        ("not_utf8", "a line of its output is not JSON-RPC"),
        ("no_result", "response lacked `result`"),
        ("odd_error", 'error "E1": first second ?[31mred'),
    ],
)
def test_a_call_that_goes_wrong_says_why(mode: str, words: str) -> None:
    reason = asyncio.run(_failure(mode))
    assert words in reason
    assert "\n" not in reason
    assert len(reason) < 1000


@pytest.mark.parametrize("mode", ["silent", "wrong_id"])
def test_a_call_without_an_answer_ends_at_its_deadline_and_is_cancelled(mode: str) -> None:
    async def go() -> None:
        async with bench(declared("odd", command=python("odd", mode))) as made:
            began = monotonic()
            assert "gave no answer to tools/call within" in await _fails(made, 0.3)
            assert 0.3 <= monotonic() - began < 20
            # The notice came: it is the server's last word, which the next failure repeats.
            assert re.search(r'its last words: "cancelled \d+"', await _fails(made, 0.3))
            assert not made.named("sidecar.exited")  # it answers pings, so it is left alone

    asyncio.run(go())


def test_the_limit_of_one_call_is_the_servers_own() -> None:
    async def go() -> None:
        async with bench(declared("odd", command=python("odd", "silent"), timeout_secs=1)) as made:
            assert "within 1 s" in await _fails(made, 3600)

    asyncio.run(go())


def test_a_server_that_answers_nothing_at_all_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentdc_runtime.mcp.server._PING", 0.2)

    async def go() -> None:
        async with bench(declared("odd", command=python("odd", "hung"))) as made:
            await _fails(made, 0.2)
            await made.told("sidecar.recovered")
            assert made.named("sidecar.exited")[0]["signal"] == 9
            pids = [each["pid"] for each in made.named("sidecar.started")]
            assert pids[0] != pids[1]
            with pytest.raises(ProcessLookupError):
                os.kill(pids[0], 0)

    asyncio.run(go())


def test_pings_find_a_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentdc_runtime.mcp.server._PING", 0.1)

    async def go() -> None:
        asked = {"ping_interval_secs": 0.05}
        async with bench(declared("odd", command=python("odd", "hung"), supervisor=asked)) as made:
            with pytest.raises(McpError, match="answers nothing, so it is ended"):
                await made.call("any")
            await made.told("sidecar.recovered")

    asyncio.run(go())


@pytest.mark.parametrize(
    ("mode", "text"), [("floods", "flooded"), ("wrong_then_right", "for you"), ("batches", "one of two")]
)
def test_what_does_not_matter_is_passed_over(mode: str, text: str) -> None:
    async def go() -> str:
        async with bench(declared("odd", command=python("odd", mode))) as made:
            return await made.call("any")

    assert asyncio.run(go()) == text


def test_an_odd_result_is_read_as_far_as_it_can_be() -> None:
    async def go() -> dict[str, object]:
        async with bench(declared("odd", command=python("odd", "odd_result"))) as made:
            return await made.router.call(made.run(), None, "any", None)

    assert asyncio.run(go()) == {
        "content": [], "is_error": False, "server": "odd", "structured": None, "tool": "any",
    }  # fmt: skip


def test_answers_find_their_calls_in_any_order() -> None:
    async def go() -> list[str]:
        async with bench(declared("odd", command=python("odd", "reorders"))) as made:
            calls = [made.call("any", {"text": f"call {number}"}) for number in range(30)]
            return list(await asyncio.gather(*calls))

    assert asyncio.run(go()) == [f"call {number}" for number in range(30)]


def test_a_server_may_ask_whether_we_are_there_and_nothing_else() -> None:
    async def go() -> str:
        async with bench(declared("odd", command=python("odd", "asks"))) as made:
            return await made.call("any")

    ping, sampling = json.loads(asyncio.run(go()))
    assert ping == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert sampling["id"] == "s1"
    assert sampling["error"]["code"] == -32601


def test_pages_without_end_are_an_error_and_odd_entries_are_left_out() -> None:
    async def go() -> None:
        async with bench(declared("odd", command=python("odd", "pages"))) as made:
            with pytest.raises(McpError, match="more than 1000 pages"):
                await made.router.tools(made.run())
        async with bench(declared("odd", command=python("odd", "changes"))) as made:
            assert [tool.name for tool in await made.router.tools(made.run())] == ["tool0"]

    asyncio.run(go())


def test_a_server_of_another_protocol_ends_the_start() -> None:
    async def go() -> str:
        with pytest.raises(Refusal) as caught:
            async with bench(declared("odd", command=python("odd", "no_version"))):
                pass
        return caught.value.message

    assert "failed to start MCP server `odd`" in asyncio.run(go())
    assert "it answers with protocol version 1999-01-01" in asyncio.run(go())


def test_a_crash_is_followed_by_a_restart_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    memory = tmp_path / "lives"

    async def go() -> None:
        async with bench(declared("odd", command=python("odd", "dies_once", str(memory)))) as made:
            with pytest.raises(McpError, match="closed the pipe unexpectedly"):
                await made.call("any")
            assert memory.read_text() == "1"  # the call was not repeated
            assert await made.call("any") == "life 1"  # waits for the new one
            assert [name for name, _ in made.events] == [
                "sidecar.started", "sidecar.exited", "sidecar.restarting", "sidecar.started", "sidecar.recovered",
            ]  # fmt: skip
            assert made.named("sidecar.restarting") == [{"name": "odd", "attempt": 1, "delay_ms": 10}]
            assert made.named("sidecar.exited")[0]["code"] == 1

    asyncio.run(go())


@pytest.mark.parametrize(("tool", "twice"), [("any", True), ("other", False)])
def test_only_what_is_idempotent_is_sent_twice_and_only_when_asked(
    tool: str, twice: bool, tmp_path: Path
) -> None:
    async def go() -> None:
        command = python("odd", "dies_once", str(tmp_path / "lives"))
        async with bench(declared("odd", command=command, replay="idempotent")) as made:
            if twice:
                assert await made.call(tool) == "life 1"
            else:
                with pytest.raises(McpError, match="closed the pipe unexpectedly"):
                    await made.call(tool)

    asyncio.run(go())


def test_too_many_crashes_are_the_end_and_calls_fail_at_once() -> None:
    async def go() -> None:
        quick = {"max_restarts": 2, "base_delay_ms": 1}
        async with bench(declared("odd", command=python("odd", "exits"), supervisor=quick)) as made:
            for _ in range(3):
                with pytest.raises(McpError) as caught:
                    await made.call("any")
                assert caught.value.transient
            with pytest.raises(McpError) as caught:
                await made.call("any")
            assert not caught.value.transient  # a retry would be of no use
            assert "the server `odd` is failed: exit code 3: out of paper" in caught.value.reason
            (failed,) = made.named("sidecar.failed")
            assert failed == {"name": "odd", "attempts": 2, "last_error": "exit code 3: out of paper"}

    asyncio.run(go())


def test_fifty_megabytes_do_not_stay_in_memory() -> None:
    async def go() -> None:
        async with bench(declared("odd", command=python("odd", "huge"))) as made:
            for _ in range(3):
                await _fails(made)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(go())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 120_000  # KiB: the limit of 16 MiB, held a few times at most
