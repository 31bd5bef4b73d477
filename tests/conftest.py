"""What all tests share: the option that rewrites expectations."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden-update",
        action="store_true",
        help="write what the compiler gives now into the expected files, instead of comparing",
    )


@pytest.fixture(scope="session")
def golden_update(pytestconfig: pytest.Config) -> bool:
    """True when expectations are to be rewritten."""
    return bool(pytestconfig.getoption("--golden-update"))
