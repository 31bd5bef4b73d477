"""Where a text declares `[signing]`, for the carets of this stage.

The text need not be TOML, so this scans lines rather than parsing. It decides nothing: at worst a caret is missing.
"""

from __future__ import annotations

import re

from agentdc.diagnostics.span import SourceFile, Span

# Strings and comments may hold lines that look like headers. Every alternative matches without a closing quote too,
# which keeps the scan linear on hostile text.
_OPAQUE = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)'
    r"|'''.*?(?:'''|\Z)"
    r'|"(?:\\[^\n]|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*",
    re.DOTALL,
)
_HEADER = re.compile(
    r"^[ \t]*(?:(?P<table>\[[ \t]*(?:workflows[ \t]*\.[ \t]*)?signing[ \t]*\])|(?P<key>signing)[ \t]*[=.])",
    re.MULTILINE,
)
_NEXT_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


def block(source: SourceFile) -> Span | None:
    """The header of the block, or the key of an inline table; None when there is none to see."""
    found = _HEADER.search(_without_strings(source.text))
    if found is None:
        return None
    group = "table" if found["table"] else "key"
    return Span(source, found.start(group), found.end(group))


def header(source: SourceFile) -> Span | None:
    """The header line of the block, which shows nothing of what is in it; None for an inline table."""
    found = block(source)
    return found if found and source.text[found.start] == "[" else None


def key(source: SourceFile, name: str) -> Span | None:
    """The key `name` of the block, else the block, else None."""
    text = _without_strings(source.text)
    found = _HEADER.search(text)
    if found is None or not found["table"]:
        return block(source)
    following = _NEXT_TABLE.search(text, found.end())
    end = following.start() if following else len(text)
    entry = re.compile(rf"^[ \t]*({re.escape(name)})[ \t]*=", re.MULTILINE).search(text, found.end(), end)
    return Span(source, entry.start(1), entry.end(1)) if entry else block(source)


def _without_strings(text: str) -> str:
    """The text with strings and comments blanked, offsets and line ends kept."""
    return _OPAQUE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
