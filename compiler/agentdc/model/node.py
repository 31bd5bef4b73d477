"""What every node kind shares. The fields of each kind are declared with the kind (`nodes/<kind>.py`)."""

from __future__ import annotations

from typing import Literal

from agentdc.model.base import U32, U64, Section


class Retry(Section):
    """`[nodes.retry]` (spec 01 §2.4): attempts in total, linear back-off in ms, jitter as a fraction."""

    max_attempts: U32
    backoff_ms: U64 = 100
    on: Literal["any", "transient"] = "any"
    jitter: float = 0.0


class NodeModel(Section):
    """One `[[nodes]]` entry; each kind adds its fields."""

    id: str
    type: str
    retry: Retry | None = None
