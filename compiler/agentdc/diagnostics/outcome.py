"""What became of checking one file: the unit that reports about several files are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agentdc.diagnostics.diagnostic import Diagnostic

Row = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The findings about a workflow and its children, in order.

    `file`: as the user wrote it. `name`: of the workflow, as far as it can be read. `read`: False when there was
    nothing to check, and the one finding says why. `tables`: what else was asked for, rows by name.
    """

    file: str
    name: str | None
    diagnostics: tuple[Diagnostic, ...]
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    read: bool = True

    @property
    def failed(self) -> bool:
        """True when any finding is an error."""
        return any(each.is_error for each in self.diagnostics)


def once(outcomes: Iterable[Outcome]) -> Iterator[tuple[str, Diagnostic]]:
    """(file, finding) for every finding; what is found again by way of another workflow is told once."""
    told = set()
    for outcome in outcomes:
        for each in outcome.diagnostics:
            file, place = outcome.file, None
            if each.primary is not None:
                span = each.primary.span
                file, place = span.file.name, (span.start, span.end)
            if (file, place, each.code.number, each.message) not in told:
                told.add((file, place, each.code.number, each.message))
                yield file, each
