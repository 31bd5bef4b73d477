"""The two matchers of policy lists (spec 02 §5.3). Linking costs nothing: imports nothing.

Matcher P is for paths, URLs and commands, matcher N for names and MCP. A list is turned into its rules once:
the subjects it covers exactly, and the prefixes it covers. Matching is text against text; what a path leads to
is the business of `paths`.

    path_rules(["/srv/drop/**"]) -> (frozenset({"/srv/drop"}), ("/srv/drop/",))
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Rules: TypeAlias = tuple[frozenset[str], tuple[str, ...]]
    Rule: TypeAlias = tuple[str | None, str | None]  # covered exactly, covered as a prefix


def covers(rules: Rules, subject: str) -> bool:
    """Whether any rule covers the subject; no rules cover nothing."""
    return subject in rules[0] or subject.startswith(rules[1])


def path_matches(pattern: str, subject: str) -> bool:
    """Matcher P, one pattern."""
    return covers(path_rules((pattern,)), subject)


def name_matches(pattern: str, subject: str) -> bool:
    """Matcher N, one pattern."""
    return covers(name_rules((pattern,)), subject)


def path_rules(patterns: Iterable[str]) -> Rules:
    """The rules of a list of P patterns."""
    return gathered(_path_rule(pattern) for pattern in patterns)


def name_rules(patterns: Iterable[str]) -> Rules:
    """The rules of a list of N patterns."""
    return gathered(_name_rule(pattern) for pattern in patterns)


def gathered(each: Iterable[Rule]) -> Rules:
    """Single rules as one pair that is quick to ask."""
    rules = list(each)
    exact = frozenset([subject for subject, _ in rules if subject is not None])
    return exact, tuple([prefix for _, prefix in rules if prefix is not None])


def _path_rule(pattern: str) -> Rule:
    if pattern == "*":
        return None, ""
    folder = folder_of(pattern)
    if folder is not None:
        return folder, folder + "/"
    return _name_rule(pattern)


def _name_rule(pattern: str) -> Rule:
    return (None, pattern[:-1]) if pattern.endswith("*") else (pattern, None)


def folder_of(pattern: str) -> str | None:
    """What stands before `/**` or `/*`, both of which reach all the way down; None for other patterns."""
    if pattern.endswith("/**"):
        return pattern[:-3]
    return pattern[:-2] if pattern.endswith("/*") else None
