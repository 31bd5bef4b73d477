"""The caret view of diagnostics, for people.

User text is shown with control and bidirectional characters made visible, so that a workflow cannot forge or
hide a line of a report (`visible`). What may be a secret is shown as dots: by the section it stands in (`hidden`),
and elsewhere by the key before it (`masked`). Colour is the caller's choice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from agentdc.diagnostics import hidden
from agentdc.diagnostics.diagnostic import Diagnostic, Label, Severity
from agentdc.diagnostics.outcome import Row

_COLOURS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.HINT: "1;36"}
_BLUE = "1;34"
_BOLD = "1"
MAX_LINE = 160  # columns of a source line
MAX_TEXT = 500  # characters of a message; a cycle may name thousands of nodes
_SECRET = re.compile(
    r"""\b(?:[\w-]*secret|tokens?|[\w-]*password|credentials?|api[_-]?key|authorization|bearer|private_key)["']?\s*=\s*""",
    re.IGNORECASE,
)
_QUOTED = re.compile(r""""[^"]*"?|'[^']*'?""")


def render(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> str:
    """All diagnostics, each followed by a blank line."""
    return "".join(_one(diagnostic, colour) + "\n" for diagnostic in diagnostics)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; an empty string when there is nothing to count."""
    counts = dict.fromkeys(Severity, 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
    parts = [f"{n} {s.value}{'s' if n > 1 else ''}" for s, n in counts.items() if n]
    return ", ".join(parts)


def table(rows: Sequence[Row]) -> str:
    """A line for each row, its cells in columns; what is null is unbounded."""
    shown = [[visible("unbounded" if cell is None else str(cell)) for cell in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in shown]
    return "".join(f"{line}\n" for line in lines)


def visible(text: str) -> str:
    """The text with control, format (bidi) and separator characters written as escapes; tabs become a space."""
    return "".join(_visible_character(character) for character in text)


def masked(line: str) -> str:
    """The source line with the literal behind a key that holds secrets replaced by dots, as many as it had."""
    found = _SECRET.search(line)
    if found is None:
        return line
    return line[: found.end()] + _QUOTED.sub(_dots, line[found.end() :])


def _dots(quoted: re.Match[str]) -> str:
    text = quoted.group()
    return "".join(each if each in "\"'" else "•" for each in text)


def _shown(text: str) -> str:
    return visible(text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…")


def _visible_character(character: str) -> str:
    if character == "\t":
        return " "
    if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}:
        code = ord(character)
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    combining = sum(unicodedata.combining(character) > 0 for character in text)
    return len(text) + wide - combining


def _paint(text: str, style: str, colour: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if colour else text


def _one(diagnostic: Diagnostic, colour: bool) -> str:
    severity = diagnostic.severity
    code = diagnostic.code
    head = _paint(f"{severity.value}[{code.number} {code.slug}]", _COLOURS[severity], colour)
    lines = [f"{head}{_paint(': ' + _shown(diagnostic.message), _BOLD, colour)}"]
    labels = ([diagnostic.primary] if diagnostic.primary else []) + list(diagnostic.labels)
    gutter = max((len(str(label.span.line)) for label in labels), default=0)
    if diagnostic.primary is not None:
        lines += _place(diagnostic.primary, gutter, "-->", "^", _COLOURS[severity], colour)
    for label in diagnostic.labels:
        lines += _place(label, gutter, ":::", "-", _BLUE, colour)
    pad = " " * (gutter + 1)
    lines += [f"{pad}= note: {_shown(note)}" for note in diagnostic.notes]
    if diagnostic.help is not None:
        first, *rest = diagnostic.help.split("\n")
        lines.append(f"{pad}{_paint('help:', _BOLD, colour)} {_shown(first)}")
        lines += [f"{pad}      {_shown(line)}" for line in rest]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _place(label: Label, gutter: int, arrow: str, mark: str, style: str, colour: bool) -> list[str]:
    span = label.span
    line, column = span.file.position(span.start)
    end_line, end_column = span.file.position(span.end)
    source = masked(hidden.line(span.file, line))
    stop = end_column - 1 if end_line == line else len(source)
    before, marked, after = source[: column - 1], source[column - 1 : stop], source[stop:]
    if len(before) > MAX_LINE // 2:
        before = "…" + before[-MAX_LINE // 2 :]
    if len(marked) > MAX_LINE // 2:
        marked, after = marked[: MAX_LINE // 2] + "…", ""
    after = after if len(after) <= MAX_LINE // 2 else after[: MAX_LINE // 2] + "…"
    shown_before, shown_marked = visible(before), visible(marked)
    carets = mark * max(1, _width(shown_marked))
    pad = " " * gutter
    bar = _paint("|", _BLUE, colour)
    number = _paint(str(line).rjust(gutter), _BLUE, colour)
    message = f" {_shown(label.message)}" if label.message else ""
    return [
        f"{pad}{_paint(arrow, _BLUE, colour)} {visible(span.file.name)}:{line}:{column}",
        f"{pad} {bar}",
        f"{number} {bar} {shown_before}{shown_marked}{visible(after)}",
        f"{pad} {bar} {' ' * _width(shown_before)}{_paint(carets + message, style, colour)}",
        f"{pad} {bar}",
    ]
