"""Source text and places in it.

A span is a half-open range of character offsets into one `SourceFile`; lines and columns are computed on
demand, 1-based, in characters. Nothing here knows what the text means.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class SourceFile:
    """One text a diagnostic can point into.

    `name` is the path as the user wrote it; `data` the exact bytes. Bytes that are not UTF-8 decode with
    replacement characters, so that a diagnostic about them can still show the line.
    """

    name: str
    data: bytes = field(repr=False)

    @cached_property
    def text(self) -> str:
        """The text with universal newlines kept as written."""
        return self.data.decode("utf-8", "replace")

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        offset = self.text.find("\n")
        while offset >= 0:
            starts.append(offset + 1)
            offset = self.text.find("\n", offset + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """1-based line and column of a character offset; offsets past the end are the end."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The character offset of a 1-based line and column, clamped to the text."""
        line = max(1, min(line, len(self._line_starts)))
        return min(self._line_starts[line - 1] + max(column, 1) - 1, len(self.text))

    def line(self, number: int) -> str:
        """The 1-based line without its line ending."""
        start = self._line_starts[number - 1]
        end = self.text.find("\n", start)
        return (self.text[start:] if end < 0 else self.text[start:end]).removesuffix("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range `start`…`end` of character offsets in `file`."""

    file: SourceFile
    start: int
    end: int

    @property
    def line(self) -> int:
        """1-based line of the first character."""
        return self.file.position(self.start)[0]

    @property
    def column(self) -> int:
        """1-based column of the first character."""
        return self.file.position(self.start)[1]
