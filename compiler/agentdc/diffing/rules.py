"""What a difference between two records means: more, less, or something else. One table over the categories.

- *sets*: each subject is something that is allowed; a pattern may cover others, and `*` covers all.
- *things*: being there allows something; another level is a change that cannot be judged.
- *limits*: numbers that hold back; `unlimited` is the most.
- *guards*: being there holds back.
- *ladders*: levels from the loosest to the tightest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

Covers = Callable[[str, str], bool]  # (pattern, other pattern)
UNLIMITED = "unlimited"


def plain(pattern: str, other: str) -> bool:
    """Equal, or `*`."""
    return pattern in {"*", other}


def name(pattern: str, other: str) -> bool:
    """Matcher N of the policy (spec 02 §5.3), for everything that `other` matches."""
    return _covers(*_name(pattern), *_name(other))


def path(pattern: str, other: str) -> bool:
    """Matcher P of the policy, for everything that `other` matches."""
    return _covers(*_path(pattern), *_path(other))


def folder(pattern: str, other: str) -> bool:
    """A path of the sandbox, with everything below it."""
    return pattern == other or other.startswith(pattern.rstrip("/") + "/")


def _name(pattern: str) -> tuple[str | None, str | None]:
    """(covered exactly, covered as a beginning)."""
    return (None, pattern[:-1]) if pattern.endswith("*") else (pattern, None)


def _path(pattern: str) -> tuple[str | None, str | None]:
    for ending in ("/**", "/*"):
        if pattern.endswith(ending):
            stem = pattern.removesuffix(ending)
            return stem, f"{stem}/"
    return _name(pattern)


def _covers(exact: str | None, start: str | None, other_exact: str | None, other_start: str | None) -> bool:
    one = other_exact is None or other_exact == exact or (start is not None and other_exact.startswith(start))
    return one and (other_start is None or (start is not None and other_start.startswith(start)))


SETS: dict[str, Covers] = {
    "accepted algorithm": plain,
    "accepted audience": plain,
    "accepted subject": plain,
    "bus contact": plain,
    "page header": plain,
    "page origin": plain,
    "passed variable": plain,
    "policy env.read": name,
    "policy fs.delete": path,
    "policy fs.list": path,
    "policy fs.read": path,
    "policy fs.write": path,
    "policy http": path,
    "policy http method": plain,
    "policy mcp.resource": name,
    "policy mcp.tool": name,
    "policy shell": path,
    "resource": name,
    "sandbox net_bind": plain,
    "sandbox net_connect": plain,
    "sandbox read path": folder,
    "sandbox write path": folder,
    "tool": name,
}
LIMITS = frozenset({"limit", "node limit"})
FLOORS = frozenset({"sandbox floor"})
GUARDS = frozenset({"approval", "approval before", "policy rego", "safeguard"})
COUNTED = frozenset({"ceiling", "loop"})
"""Things whose level is a number: more is more."""
LADDERS: dict[tuple[str, str], tuple[str, ...]] = {
    ("drift", ""): ("warn", "refuse"),
    ("policy", "[policy]"): ("absent", "present"),
    ("relay role", ""): ("operator", "observer"),
    ("relay switch", ""): ("on", "off"),
    ("sandbox", "allow_root"): ("on", "off"),
    ("sandbox", "bus_access"): ("on", "off"),
    ("sandbox", "defaults"): ("on", "off"),
    ("sandbox", "mode"): ("off", "best_effort", "required"),
    ("sandbox", "seccomp"): ("off", "default"),
    ("sandbox", "tmp"): ("shared", "private", "none"),
    ("signature", "required"): ("no", "yes"),
    ("transport", "TLS"): ("off", "on"),
    ("transport", "client certificates"): ("none", "optional", "required"),
    ("transport", "errors"): ("told to callers", "opaque"),
}
LOOSEST = {("route auth", "auth"): "none", ("sandbox", "self"): "off"}
"""Of some levels only the loosest can be compared: any way to prove who one is, is tighter than none."""


def ladder(category: str, subject: str) -> tuple[str, ...] | None:
    """The levels from the loosest on, where they can be compared."""
    return LADDERS.get((category, subject)) or LADDERS.get((category, ""))


def covered(pattern: str, by: Collection[str], covers: Covers) -> bool:
    """Whether one pattern of a list covers all that this one does."""
    return any(covers(each, pattern) for each in by)


def covering(pattern: str, others: Iterable[str], covers: Covers) -> list[str]:
    """Those of the others that this pattern covers."""
    return sorted(each for each in others if covers(pattern, each))


def number(level: str) -> float | None:
    """The value of a limit; None when it is no number."""
    if level == UNLIMITED:
        return float("inf")
    try:
        return float(level)
    except ValueError:
        return None
