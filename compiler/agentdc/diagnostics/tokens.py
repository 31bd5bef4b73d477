"""The tokens of a TOML text, right or broken: texts, comments, punctuation, line ends, and words between them.

Every text has tokens. Up to the first mistake of a broken one they are what a TOML reader sees. Values are not
understood, and which punctuation belongs together is the caller's business.
"""

from __future__ import annotations

import re

TOKEN = re.compile(
    r'(?P<text>"""(?:\\.|[^\\])*?(?:"{3,5}|\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:\\[^\n]|[^"\\\n])*"?'
    r"|'[^'\n]*'?)"
    r"|(?P<comment>#[^\n]*)"
    r"|(?P<mark>[\[\]{}=,.])"
    r"|(?P<end>\n)"
    r"""|(?P<word>[^\s\[\]{}=,."'#]+)""",
    re.DOTALL,
)


def is_open(text: str) -> bool:
    """True for a token of the group `text` that has no end."""
    quote = text[0]
    if text.startswith(quote * 3):
        return len(text) < 6 or not text.endswith(quote * 3) or _escaped(text, 3)
    return len(text) < 2 or not text.endswith(quote) or _escaped(text, 1)


def _escaped(text: str, quotes: int) -> bool:
    """True when the quotes at the end of a basic text belong to it, because of a backslash before them."""
    stem = text[:-quotes]
    return text[0] == '"' and (len(stem) - len(stem.rstrip("\\"))) % 2 == 1
