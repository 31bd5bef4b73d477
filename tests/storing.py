"""A store in a folder of its own, for tests of its parts: what they share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from agentdc_runtime.state.store import Store


class Told:
    """What was emitted, by name."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        self.events.append((event, dict(fields)))

    def names(self) -> list[str]:
        return [event for event, _ in self.events]


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def scalar(store: Store, question: str) -> Any:
    with store.reading() as reader:
        return reader.all(question)[0][0]
