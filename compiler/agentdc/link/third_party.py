"""Third-party packages that an app links: which distributions they come from, which version, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata

REASONS = {"httpx": "http_request nodes and OAuth2 secrets", "certifi": "of httpx"}


def third_party(modules: Iterable[str]) -> list[tuple[str, str, str]]:
    """(distribution, version, reason) of every imported top-level module that is neither ours nor the library's."""
    distributions = metadata.packages_distributions()
    return [
        (each, metadata.version(each), REASONS.get(each, "imported"))
        for module in sorted(set(modules) - sys.stdlib_module_names)
        for each in distributions.get(module, ())
    ]
