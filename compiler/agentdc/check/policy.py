"""Patterns of the policy that do not mean what they seem to (spec 02 §5.1, §5.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agentdc.check import errors
from agentdc.diagnostics import Diagnostic
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

_PATHS = (("fs", "read"), ("fs", "write"), ("fs", "delete"), ("fs", "list"))
_NAMES = (("env", "read_keys"), ("mcp", "tools"), ("mcp", "resources"))
_OTHERS = (("http", "urls"), ("shell", "commands"))
_OPEN_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/]+\*\Z")


def check(workflow: Workflow, touches: Iterable[str], at: Places) -> Iterator[Diagnostic]:
    """Findings in the order of the sections; one finding when there is no policy and something to limit."""
    if workflow.policy is None:
        if touches:
            yield errors.policy_absent(sorted(touches), at.key(("name",)))
        return
    for section, name in (*_PATHS, *_NAMES, *_OTHERS):
        patterns: tuple[str, ...] = getattr(getattr(workflow.policy, section), name, ())
        for index, pattern in enumerate(patterns):
            where = ("policy", section, name, index)
            yield from _pattern(section, name, pattern, where, at)


def _pattern(
    section: str, name: str, pattern: str, where: tuple[str | int, ...], at: Places
) -> Iterator[Diagnostic]:
    if (section, name) in _NAMES:
        if pattern.endswith("**"):
            yield errors.name_double_star(pattern, at.value(where))
        elif "*" in pattern[:-1]:
            yield errors.inner_star(pattern, at.value(where))
        return
    stem = pattern.removesuffix("/**") if pattern.endswith("/**") else pattern.removesuffix("*")
    if "*" in stem:
        yield errors.inner_star(pattern, at.value(where))
    if name == "urls" and _OPEN_HOST.match(pattern) and not pattern.endswith("://*"):
        yield errors.open_host(pattern, at.value(where))
    if (section, name) in _PATHS and pattern != "*" and not pattern.startswith("/"):
        yield errors.relative_pattern(pattern, at.value(where))
