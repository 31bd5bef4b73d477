"""Recorded answers of models beside fixtures: where they lie, how they are read and written.

A cassette is JSON: `{"version": 1, "answers": [{"key", "request", "reply"}]}`. It holds no keys of providers and no
values of secrets, since what is recorded went through the same filter as the log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentdc.diagnostics import code, error
from agentdc.driver import files
from agentdc.testing.models import Fixture
from agentdc.testing.subject import Subject

NAME = "cassette.json"
VERSION = 1
_REPLY = {"content": str, "prompt": int, "completion": int, "cut": bool, "calls": list}
_REPLY_REST = ("stop", "raw", "model")


def applies(test: Fixture, subject: Subject) -> bool:
    """Whether a fixture asks models and does not script them."""
    asks = any(next(subject.nodes(kind), None) for kind in ("llm_infer", "agent_loop"))
    return asks and not test.mocks.intel and not test.mocks.agent_loop


def document(path: Path, *, record: bool, replay: bool) -> dict[str, Any] | None:
    """What the harness is told; None when nobody answers. FileProblem when the cassette cannot be used."""
    if record:
        return {"record": True, "entries": []}
    if not path.is_file():
        return {"record": False, "entries": []} if replay else None
    return {"record": False, "entries": read(path)}


def read(path: Path) -> list[dict[str, Any]]:
    """The answers in a cassette."""
    try:
        held = json.loads(files.read(str(path), "the cassette"))
    except (ValueError, RecursionError):
        raise _unusable(path, "it is not JSON") from None
    if (
        not isinstance(held, dict)
        or held.get("version") != VERSION
        or not isinstance(held.get("answers"), list)
    ):
        raise _unusable(path, f"it is no cassette of version {VERSION}")
    for number, each in enumerate(held["answers"], 1):
        if not _is_answer(each):
            raise _unusable(path, f"its answer {number} lacks a part, or has one of the wrong type")
    answers: list[dict[str, Any]] = held["answers"]
    return answers


def write(path: Path, entries: Sequence[dict[str, Any]]) -> None:
    """Write a cassette; the same answers give the same bytes."""
    text = json.dumps(
        {"version": VERSION, "answers": list(entries)}, indent=1, sort_keys=True, ensure_ascii=False
    )
    files.write_file(path, f"{text}\n".encode("utf-8", "replace"), 0o644)


def _is_answer(each: Any) -> bool:
    if not isinstance(each, dict) or not isinstance(each.get("key"), str):
        return False
    reply = each.get("reply")
    return (
        isinstance(reply, dict)
        and all(isinstance(reply.get(name), kind) for name, kind in _REPLY.items())
        and all(name in reply for name in _REPLY_REST)
    )


def _unusable(path: Path, why: str) -> files.FileProblem:
    message = f"cannot use the cassette {path}: {why}"
    advice = "run agentdc test --record to make a new one"
    return files.FileProblem(error(code("cassette_invalid"), message, help=advice))
