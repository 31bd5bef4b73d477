"""How commands talk: diagnostics with or without colour, sizes, times, and progress on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from agentdc.cli import streams
from agentdc.diagnostics import Diagnostic
from agentdc.diagnostics.render import text

OK, USAGE, FINDINGS = 0, 2, 5


def wants_colour(stream: TextIO) -> bool:
    """Colour only on a terminal, and not when NO_COLOR is set or the terminal is dumb."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def diagnostics(found: Sequence[Diagnostic], stream: TextIO) -> None:
    """Every finding, then the counts."""
    if found:
        write = streams.out if stream is sys.stdout else streams.err
        write(f"{text.render(found, colour=wants_colour(stream))}{text.summary(found)}\n")


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{size / 1000:.1f} kB"


class Progress:
    """The current step on one line of a terminal; silent elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._on = stream.isatty()

    def __call__(self, name: str) -> None:
        """Show that a step has begun."""
        if self._on:
            self._stream.write(f"\r\x1b[K{name} …")
            self._stream.flush()

    def clear(self) -> None:
        """Remove the line."""
        if self._on:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
