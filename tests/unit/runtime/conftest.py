"""Fixtures of the tests of the state store; a file may have others of the same name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from storing import Told

from agentdc_runtime.state.store import Store


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(folder: Path, told: Told) -> Iterator[Store]:
    made = Store(str(folder), told, {"reserve_mb": 1, "retention_days": 2, "max_runs": 3})
    yield made
    made.close()
