"""A plan onto a base: the graph from the one, everything else from the other (spec 01 §11.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomli

GRAPH = ("name", "description", "start_nodes", "triggers", "http_routes", "nodes", "edges")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an answer says. `dropped`: sections that a plan may not bring in. `problem`: why it is none, or empty."""

    graph: Mapping[str, Any]
    dropped: tuple[str, ...] = ()
    problem: str = ""


def read(answer: str) -> Plan:
    """The plan in a model's answer, which may stand in one fence."""
    try:
        document = tomli.loads(unfenced(answer))
    except (tomli.TOMLDecodeError, RecursionError) as problem:
        return Plan({}, problem=f"it is not TOML: {problem}")
    dropped = tuple(sorted(key for key in document if key not in GRAPH))
    return Plan({key: document[key] for key in GRAPH if key in document}, dropped)


def unfenced(answer: str) -> str:
    """The text without one fence around it."""
    text = answer.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        return text.partition("\n")[2].removesuffix("```")
    return text


def rest(base: Mapping[str, Any]) -> dict[str, Any]:
    """What of a base is not its graph."""
    return {key: value for key, value in base.items() if key not in GRAPH}
