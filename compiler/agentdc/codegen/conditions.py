"""Boolean expressions of generated code: built from tests, simplified, negated, written with few parentheses.

Every test evaluates to True or False, never to another value, so that the results can be counted.

>>> short = both(Test("x.__class__ is str", "x.__class__ is not str"), Test("len(x) < 9", "len(x) >= 9"))
>>> short.text, short.negated.text
('x.__class__ is str and len(x) < 9', 'x.__class__ is not str or len(x) >= 9')
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Condition: TypeAlias = "Test | All | Any"

MOST_JOINED = 30


@dataclass(frozen=True, slots=True)
class Test:
    """One test and its opposite, as source. `strict`: false for the marker of a missing value."""

    __test__ = False  # no test of pytest

    text: str
    opposite: str
    strict: bool = False

    @property
    def negated(self) -> Condition:
        """The opposite."""
        return Test(self.opposite, self.text)


@dataclass(frozen=True, slots=True)
class All:
    """True when every part is."""

    parts: tuple[Condition, ...]

    @property
    def text(self) -> str:
        """As source."""
        return _joined(" and ", [_grouped(each) for each in self.parts]) or "True"

    @property
    def negated(self) -> Condition:
        """True when any part is not."""
        return either(*(each.negated for each in self.parts))

    @property
    def strict(self) -> bool:
        """See `Test`."""
        return any(each.strict for each in self.parts)


@dataclass(frozen=True, slots=True)
class Any:
    """True when at least one part is."""

    parts: tuple[Condition, ...]

    @property
    def text(self) -> str:
        """As source."""
        return _joined(" or ", [_grouped(each) for each in self.parts]) or "False"

    @property
    def negated(self) -> Condition:
        """True when no part is."""
        return both(*(each.negated for each in self.parts))

    @property
    def strict(self) -> bool:
        """See `Test`."""
        return all(each.strict for each in self.parts)


TRUE = All(())
FALSE = Any(())


def both(*parts: Condition) -> Condition:
    """All of them; one that is always true is left out."""
    kept: list[Condition] = []
    for each in parts:
        if each == FALSE:
            return FALSE
        kept += each.parts if isinstance(each, All) else [each]
    return kept[0] if len(kept) == 1 else All(tuple(kept))


def either(*parts: Condition) -> Condition:
    """Any of them; one that is never true is left out."""
    kept: list[Condition] = []
    for each in parts:
        if each == TRUE:
            return TRUE
        kept += each.parts if isinstance(each, Any) else [each]
    return kept[0] if len(kept) == 1 else Any(tuple(kept))


def chosen(test: Condition, then: Condition, otherwise: Condition) -> Condition:
    """`then` where `test` is true, else `otherwise`."""
    if then == otherwise:
        return then
    if test in {TRUE, FALSE}:
        return then if test == TRUE else otherwise
    when = test.text

    def choice(yes: Condition, no: Condition) -> str:
        return f"({yes.text} if {when} else {no.text})"

    return Test(choice(then, otherwise), choice(then.negated, otherwise.negated))


def exactly_one(parts: list[Condition]) -> Condition:
    """True when one part is, and no other."""
    if len(parts) == 1:
        return parts[0]
    texts = [f"({each.text})" for each in parts]
    count = " + ".join(texts) if len(parts) <= MOST_JOINED else f"sum(({', '.join(texts)}))"
    return Test(f"{count} == 1", f"{count} != 1")


def _joined(word: str, texts: list[str]) -> str:
    """In groups of groups when there are many: tools nest an expression as deep as it is long."""
    while len(texts) > MOST_JOINED:
        texts = [
            f"({word.join(texts[start : start + MOST_JOINED])})"
            for start in range(0, len(texts), MOST_JOINED)
        ]
    return word.join(texts)


def _grouped(part: Condition) -> str:
    return part.text if isinstance(part, Test) else f"({part.text})"
