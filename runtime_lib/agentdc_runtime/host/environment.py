"""The value rules of environment variables that stand for flags (spec 03 §1.2). Costs nothing to link.

Knows how one text becomes a value; which variable belongs to which flag is in `flags`.
"""

from __future__ import annotations

_ON = ("1", "true", "TRUE", "True")
_PLAINLY_OFF = ("", "0", "false", "no", "off")

LARGEST = 2**64 - 1


def is_on(text: str) -> bool:
    """True for exactly `1`, `true`, `TRUE` and `True`."""
    return text in _ON


def reads_as_on(text: str) -> bool:
    """Whether a person may have meant "on" with a text that counts as off, such as `yes`."""
    return text not in _ON and text.strip().lower() not in _PLAINLY_OFF


def whole_number(text: str) -> int | None:
    """The value of ASCII digits (a `+` before them is allowed) up to 2^64-1, else None."""
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits.lstrip("0")) > 20:
        return None
    number = int(digits.lstrip("0") or "0")
    return number if number <= LARGEST else None
