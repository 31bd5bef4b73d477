"""Compares two capability statements; `rules` says what each category means. Pure.

What belongs to something that only one of the two has (a limit of a node, the auth of a route) is not told: the thing
itself is. Without a `[policy]` everything is allowed, so there `*` stands for every list of a family that some
node uses. Where a sandbox is off, its parts are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from agentdc.check.capabilities import Record, Statement
from agentdc.diffing import rules


class Verdict(Enum):
    """What a difference is, the gravest first."""

    WIDENED = "widened"
    ADDED = "added"
    CHANGED = "changed"
    NARROWED = "narrowed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `before`, `after`: the levels, or the patterns that took each other's place; may be empty."""

    verdict: Verdict
    category: str
    of: str
    subject: str
    before: str = ""
    after: str = ""
    note: str = ""

    @property
    def key(self) -> tuple[int, str, str, str]:
        """The order of reports."""
        return list(Verdict).index(self.verdict), self.category, self.of, self.subject


def compare(old: Statement, new: Statement) -> list[Difference]:
    """All differences, the gravest first."""
    before, after = _Side(old), _Side(new)
    found = [*_sets(before, after), *_singles(before, after)]
    return sorted(found, key=lambda each: each.key)


class _Side:
    """A statement, looked up by key."""

    def __init__(self, statement: Statement) -> None:
        self.singles: dict[tuple[str, str, str], Record] = {}
        self.sets: dict[tuple[str, str], list[str]] = {}
        self.owners = {"", "sandbox"}
        for each in statement.records:
            self.owners |= {each.of, each.subject, f"{each.category} {each.subject}"}
            if each.category in rules.SETS:
                self.sets.setdefault((each.category, each.of), []).append(each.subject)
            else:
                self.singles[each.category, each.of, each.subject] = each
        self.free = self.level("policy", "[policy]") == "absent"
        self.sandboxed = self.level("sandbox", "mode") != "off"
        self.used = {each.removeprefix("use ") for each, _, _ in self.singles if each.startswith("use ")}

    def level(self, category: str, subject: str) -> str:
        """The level of a record of the workflow itself, or empty."""
        found = self.singles.get((category, "", subject))
        return "" if found is None else found.level

    def allowed(self, category: str, of: str) -> list[str]:
        """The members of a set; what a missing policy allows is everything."""
        family = category.removeprefix("policy ").removesuffix(" method")
        if self.free and category.startswith("policy ") and family in self.used:
            return ["*"]
        return self.sets.get((category, of), [])


def _sets(before: _Side, after: _Side) -> Iterator[Difference]:
    keys = {*before.sets, *after.sets, *((category, "") for category in rules.SETS)}
    for category, of in sorted(keys):
        if _apart(category, before, after):
            continue
        if category.startswith("policy ") and _untouched(category, before, after):
            continue
        old, new = before.allowed(category, of), after.allowed(category, of)
        covers = rules.SETS[category]
        for each in new:
            if not rules.covered(each, old, covers):
                inner = rules.covering(each, old, covers)
                verdict = Verdict.WIDENED if inner else Verdict.ADDED
                yield Difference(verdict, category, of, each, ", ".join(inner), each if inner else "")
        for each in old:
            if not rules.covered(each, new, covers):
                inner = rules.covering(each, new, covers)
                verdict = Verdict.NARROWED if inner else Verdict.REMOVED
                yield Difference(verdict, category, of, each, each if inner else "", ", ".join(inner))


def _apart(category: str, before: _Side, after: _Side) -> bool:
    """Parts of a sandbox that only one of the two has are told with its mode."""
    return category.startswith("sandbox ") and not (before.sandboxed and after.sandboxed)


def _untouched(category: str, before: _Side, after: _Side) -> bool:
    """A list of one policy where the other side has no policy, and no node that the list is about."""
    family = category.removeprefix("policy ").removesuffix(" method")
    return any(each.free and family not in each.used for each in (before, after))


def _singles(before: _Side, after: _Side) -> Iterator[Difference]:
    for key in sorted({*before.singles, *after.singles}):
        old, new = before.singles.get(key), after.singles.get(key)
        category, of, subject = key
        inner = category in {"sandbox", "sandbox floor", "sandbox profile"} and subject != "mode"
        if (inner or of.startswith("sandbox")) and not (before.sandboxed and after.sandboxed):
            continue
        if of not in before.owners or of not in after.owners:
            continue
        verdict = _verdict(category, subject, old, new)
        if verdict is not None:
            either = new or old
            assert either is not None
            levels = ["" if each is None else each.level for each in (old, new)]
            yield Difference(verdict, category, of, subject, levels[0], levels[1], either.note)


def _verdict(category: str, subject: str, old: Record | None, new: Record | None) -> Verdict | None:
    if old is not None and new is not None and old.level == new.level:
        return None
    if category in rules.LIMITS:
        return _limit(category, old, new)
    if old is None or new is None:
        held = category in rules.GUARDS
        if held:
            return Verdict.NARROWED if old is None else Verdict.WIDENED
        if rules.ladder(category, subject) is not None and category != "relay role":
            return None  # of something that only one of the two has
        if category in rules.FLOORS or (category, subject) in rules.LOOSEST:
            return None
        return Verdict.ADDED if old is None else Verdict.REMOVED
    return _levels(category, subject, old.level, new.level)


def _limit(category: str, old: Record | None, new: Record | None) -> Verdict | None:
    if category == "node limit" and (old is None or new is None):
        return None  # the node is of another kind now
    return _numbers(*(rules.UNLIMITED if each is None else each.level for each in (old, new)))


def _numbers(old: str, new: str) -> Verdict | None:
    before, after = rules.number(old), rules.number(new)
    if before is None or after is None:
        return Verdict.CHANGED
    if before == after:
        return None
    return Verdict.WIDENED if after > before else Verdict.NARROWED


def _levels(category: str, subject: str, old: str, new: str) -> Verdict | None:
    """Two levels of one thing that both have."""
    steps = rules.ladder(category, subject)
    if steps is not None and {old, new} <= set(steps):
        return Verdict.WIDENED if steps.index(new) < steps.index(old) else Verdict.NARROWED
    if category == "ceiling" and "0" in {old, new}:
        return None  # what has one from now on, or none any more, is told by itself
    if category in rules.COUNTED:
        return _numbers(old, new)
    if category in rules.FLOORS:
        return _numbers(new, old)
    loosest = rules.LOOSEST.get((category, subject))
    if loosest is not None and loosest in {old, new}:
        return Verdict.WIDENED if new == loosest else Verdict.NARROWED
    if category.startswith("use "):
        return _sources(old.split("; "), new.split("; "))
    return Verdict.CHANGED


def _sources(old: Iterable[str], new: Iterable[str]) -> Verdict:
    before, after = set(old), set(new)
    if before < after:
        return Verdict.WIDENED
    return Verdict.NARROWED if after < before else Verdict.CHANGED
