"""How much a run of the benchmarks may take: a number for each of three levels, chosen where it is used."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

Choice = TypeVar("Choice")


class Effort(IntEnum):
    """SMOKE: does it run at all (the tests). QUICK: a rough figure in a minute. FULL: what is published."""

    SMOKE = 0
    QUICK = 1
    FULL = 2

    def pick(self, smoke: Choice, quick: Choice, full: Choice) -> Choice:
        """The one of three that is meant at this level."""
        return (smoke, quick, full)[self]

    @property
    def freezes(self) -> bool:
        """Whether there is time to make a binary."""
        return self is Effort.FULL
