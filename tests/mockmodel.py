"""`agentdc mock-llm` as a process of its own: the peer of every test that asks a model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from command import AGENTDC, environment


@dataclass(frozen=True, slots=True)
class MockModel:
    """A running one. `url`: where it listens, without a slash at the end. `socket`: its Unix socket, if any."""

    url: str
    socket: Path
    log: Path

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What was asked so far."""
        return [json.loads(line) for line in self.log.read_text().split("\n") if line]

    @property
    def prompts(self) -> list[str]:
        """The last message of each request."""
        return [each["asked"]["messages"][-1]["content"] for each in self.requests if each["asked"]]


@contextmanager
def mock_model(script: str, folder: Path) -> Iterator[MockModel]:
    """One that plays a script; its files lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    source, log, socket = folder / "mock.toml", folder / "requests.jsonl", folder / "model.sock"
    source.write_text(script, encoding="utf-8")
    command = [*AGENTDC, "mock-llm", str(source), "--bind", "127.0.0.1:0"]
    command += ["--unix", str(socket), "--requests", str(log)]
    with subprocess.Popen(
        command, cwd=folder, env=environment(folder), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert first.startswith("listening on "), first + process.stderr.read()
        process.stderr.readline()  # the socket
        try:
            yield MockModel(first.removeprefix("listening on ").strip(), socket, log)
        finally:
            process.terminate()
            assert process.wait(30) == 0
