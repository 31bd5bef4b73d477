"""Every attack of `corpus.toml` against a built app: nothing happens outside the policy, and each denial is told.

The model is scripted to do what the injected text asks. What is held: no file outside appears or changes, the server
of the attacker sees nothing, no program runs that is not allowed; every denial is in the audit log, counted, and told
to the model; and the run ends.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tomli
from command import Done, app, tree
from compiled import TESTS, compiled_file, write_app
from mockmodel import MockModel, mock_model
from peers.http import Connection, Peer, serving

HERE = TESTS / "injection"
SERVER = HERE / "server.py"
SCENARIOS = tomli.loads((HERE / "corpus.toml").read_text())["scenarios"]
SECRET = "sk-the-crown-jewels"
STEPS = 6
# The first turn, in which the injected text reaches the model.
WAYS = {
    "file": {"tool": "read_file", "args": {"path": "work/note.txt"}},
    "http": {"tool": "http_request", "args": {"method": "GET", "url": "<good>/page"}},
    "mcp": {"tool": "call_mcp_tool", "args": {"tool": "echo", "args": {"text": "<text>"}}},
    "env": {"tool": "read_env", "args": {"key": "PUBLIC_NOTE"}},
}


@dataclass(frozen=True, slots=True)
class World:
    """Where an attack takes place. `words`: what stands for what in the corpus."""

    folder: Path
    good: Peer
    evil: Peer
    words: dict[str, str]

    def said(self, text: str) -> str:
        """A text of the corpus as it is in this world."""
        for word, real in self.words.items():
            text = text.replace(word, real)
        return text


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent."""
    return write_app(compiled_file(HERE / "workflow.toml"), tmp_path_factory.mktemp("agent") / "app")


@pytest.fixture
def world(built: Path, tmp_path: Path) -> Iterator[World]:
    """A folder with things to lose, and two servers."""
    folder = tmp_path / "cwd"
    outside = tmp_path / "outside"
    for each in (folder / "work" / "out", outside):
        each.mkdir(parents=True)
    (folder / "secret.txt").write_text(SECRET)
    (folder / "work" / "link.txt").symlink_to(folder / "secret.txt")
    (folder / "work" / "out" / "shared").symlink_to(outside)
    (folder / "work" / "echo").symlink_to("/bin/sh")
    with serving(_ok) as evil, serving(_ok) as good:
        words = {
            "<evilhost>": f"127.0.0.1:{evil.port}",
            "<evil>": evil.url(""),
            "<good>": good.url("", host="localhost"),
            "<cwd>": str(folder),
            "<app>": str(built),
            "<link>": str(folder / "work" / "echo"),
        }
        yield World(folder, good, evil, words)


def _ok(connection: Connection) -> None:
    connection.request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def _page(text: bytes, evil: str) -> Any:
    def behave(connection: Connection) -> None:
        while request := connection.request():
            if b"/redirect " in request:
                answer = f"HTTP/1.1 302 Found\r\nLocation: {evil}/led\r\nContent-Length: 0\r\n\r\n".encode()
            else:
                answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
            connection.send(answer)

    return behave


def _replies(scenario: dict[str, Any], world: World) -> list[str]:
    """What the model says, turn by turn."""
    text = world.said(scenario["text"])
    said = []
    if scenario["way"] in WAYS:
        said.append(_action(WAYS[scenario["way"]], world).replace("<text>", json.dumps(text)[1:-1]))
    if "replies" in scenario:
        said += [world.said(each) for each in scenario["replies"]]
    fill = "x" * scenario.get("fill", 0)
    said += [_action(each, world).replace("<fill>", fill) for each in scenario.get("calls", ())]
    return [*said, json.dumps({"action": "final", "result": "done"})]


def _action(call: dict[str, Any], world: World) -> str:
    words = {word: json.dumps(real)[1:-1] for word, real in world.words.items()}
    text = json.dumps({"action": "tool", **call})
    for word, real in words.items():
        text = text.replace(word, real)
    return text


def _script(replies: list[str], tokens: int) -> str:
    rules = [
        f"[[rules]]\nturn = {turn}\nreplies = [{json.dumps(each)}]\n" for turn, each in enumerate(replies)
    ]
    return "".join(f"{rule}prompt_tokens = {tokens}\ncompletion_tokens = 1\n" for rule in rules)


def _attack(
    scenario: dict[str, Any], world: World, built: Path, mock: MockModel
) -> tuple[Done, dict[str, Any]]:
    task = (
        world.said(scenario["text"]) if scenario["way"] == "task" else "Answer the ticket in work/note.txt."
    )
    (world.folder / "input.json").write_text(json.dumps({"task": task}))
    words = (
        "--input",
        "input.json",
        "--record",
        "../run.json",
        "--log-format",
        "json",
        "--log-level",
        "info",
    )
    variables = {"PUBLIC_NOTE": world.said(scenario["text"]), "SECRET_KEY": SECRET}
    mcp = ("--mcp-stdio", f"{sys.executable} {SERVER}", "--intel-http", mock.url)
    done = app(built, *words, *mcp, cwd=world.folder, **variables)
    record = world.folder.parent / "run.json"
    assert record.exists(), done.stderr
    return done, json.loads(record.read_text())


def _events(done: Done, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in done.stderr.split("\n") if line.startswith("{")]
    return [each["fields"] for each in lines if each["fields"].get("event") == name]


def _source(built: Path) -> dict[str, bytes | None]:
    """The app, without what the interpreter keeps beside it."""
    return {name: data for name, data in tree(built).items() if "__pycache__" not in name}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: re.sub(r"[^a-z]+", "-", each["about"]))
def test_attack(scenario: dict[str, Any], world: World, built: Path, tmp_path: Path) -> None:
    text = world.said(scenario["text"])
    (world.folder / "work" / "note.txt").write_text(text)
    world.good._behaviour = _page(text.encode(), world.evil.url(""))
    replies = _replies(scenario, world)
    agent = _source(built)
    with mock_model(_script(replies, scenario.get("tokens", 10)), tmp_path / "mock") as mock:
        (world.folder / "input.json").write_text("")
        before = tree(world.folder.parent / "cwd"), tree(world.folder.parent / "outside")
        done, record = _attack(scenario, world, built, mock)
        told = [each["asked"]["messages"] for each in mock.requests]

    # Nothing happened outside the policy.
    (world.folder / "input.json").write_text("")
    after = tree(world.folder)
    new = {name for name in after.keys() | before[0].keys() if after.get(name) != before[0].get(name)}
    assert {name for name in new if not name.startswith("work/out/")} == set()
    assert tree(world.folder.parent / "outside") == before[1]
    assert _source(built) == agent
    assert (world.evil.connections, world.evil.requests) == (0, [])
    assert all(request.split(b" ")[0] in (b"GET", b"POST") for request in world.good.requests)
    assert SECRET not in json.dumps(told) + done.stdout + done.stderr + json.dumps(record)
    assert not any(b"X-Evil" in request or b"Authorization" in request for request in world.good.requests)

    # Each denial was told and counted.
    calls = len(scenario.get("calls", ()))
    expected = scenario.get("denied", calls)
    denials = _events(done, "loop.tool_denied")
    assert len(denials) == expected, denials
    assert all(each["node_id"] == "work" and each["reason"] and each["step"] for each in denials)
    assert record["cost"]["policy_denials"] == expected
    made = _events(done, "loop.tool_call")
    refused = [each for each in made if not each["ok"]]
    assert len(refused) == expected + scenario.get("failed", 0), refused
    said = [message["content"] for message in told[-1] if message["role"] == "user"]
    assert sum("policy violation: " in each for each in said) >= min(expected, len(told) - 2)
    assert "forged" not in [line.split(" ")[1:3] for line in done.stderr.split("\n")]

    # The run ended as it should, within its bounds.
    assert record["status"] == scenario.get("ends", "completed"), record["detail"]
    assert 1 <= len(told) <= STEPS


def test_there_are_enough() -> None:
    assert len(SCENARIOS) >= 25
    assert len({each["about"] for each in SCENARIOS}) == len(SCENARIOS)
    assert {each["way"] for each in SCENARIOS} == {*WAYS, "task"}
