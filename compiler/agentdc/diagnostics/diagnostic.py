"""The record of one finding. Rendering is elsewhere (`render/`); deciding is in the stages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial

from agentdc.diagnostics.codes import Code
from agentdc.diagnostics.span import Span


class Severity(Enum):
    """How much a finding matters.

    ERROR: the run certainly fails, a safeguard would be dropped, or the file breaks the dialect. WARNING: it
    may fail, does nothing, or is wider than needed. HINT: advice.
    """

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Label:
    """A marked place with a few words about it (may be empty)."""

    span: Span
    message: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `message`: one line, in the user's words. `primary`: where it is, or None when the finding is not about a
    place in a text (an unreadable file). `labels`: the other half, such as an earlier duplicate. `notes`:
    facts. `help`: what to do, or None.
    """

    code: Code
    severity: Severity
    message: str
    primary: Label | None = None
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None

    @property
    def is_error(self) -> bool:
        """True for the severity that refuses a build."""
        return self.severity is Severity.ERROR


def _finding(
    severity: Severity,
    code: Code,
    message: str,
    at: Span | None = None,
    label: str = "",
    *,
    labels: Iterable[Label] = (),
    notes: Iterable[str] = (),
    help: str | None = None,
) -> Diagnostic:
    primary = None if at is None else Label(at, label)
    return Diagnostic(code, severity, message, primary, tuple(labels), tuple(notes), help)


# One constructor for each level keeps the errors modules short.
error = partial(_finding, Severity.ERROR)
warning = partial(_finding, Severity.WARNING)
hint = partial(_finding, Severity.HINT)


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file and position; findings without a place come first; equal places keep their order."""

    def key(diagnostic: Diagnostic) -> tuple[str, int]:
        if diagnostic.primary is None:
            return "", -1
        return diagnostic.primary.span.file.name, diagnostic.primary.span.start

    return sorted(diagnostics, key=key)
