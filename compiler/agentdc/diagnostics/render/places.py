"""Places as other programs want them: relative paths, and columns in UTF-16 code units."""

from __future__ import annotations

import posixpath

from agentdc.diagnostics.span import SourceFile


def relative(name: str, root: str) -> str:
    """The path from `root`, an absolute one, without `.` and detours: no report tells where a checkout lies."""
    if posixpath.isabs(name):
        return posixpath.relpath(name, root)
    return posixpath.normpath(name) if name else "."


def utf16_position(file: SourceFile, offset: int) -> tuple[int, int]:
    """1-based line and column of a character offset, the column in UTF-16 code units."""
    line, column = file.position(offset)
    before = file.line(line)[: column - 1]
    return line, column + sum(ord(character) > 0xFFFF for character in before)
