"""Texts for XML documents: whatever they hold, what comes out is well-formed (XML 1.0 §2.2)."""

from __future__ import annotations

import re
from xml.sax.saxutils import quoteattr

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def attribute(value: str) -> str:
    """The value with quotes around it; line ends and tabs survive reading."""
    return quoteattr(_ILLEGAL.sub("�", value), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def content(value: str) -> str:
    """The value as it stands between tags."""
    return "".join(_ESCAPES.get(each, each) for each in _ILLEGAL.sub("�", value))
