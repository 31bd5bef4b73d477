"""`application/x-www-form-urlencoded` (spec 02 §1.6). Links nothing.

Not the standard library's decoder: that one lets broken escapes and broken UTF-8 pass.

    b"a=1&b=x+y%21&a=2&c"  ->  {"a": "2", "b": "x y!", "c": ""}
"""

from __future__ import annotations


class FormError(ValueError):
    """A form that cannot be decoded; the text never quotes it."""


def urlencoded(body: bytes) -> dict[str, str]:
    """The fields; of a repeated one the last. FormError."""
    try:
        text = body.decode().replace("+", " ")
    except UnicodeDecodeError:
        raise FormError("not UTF-8") from None
    found: dict[str, str] = {}
    escaped = "%" in text
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            if escaped:
                name = _unescaped(name) if "%" in name else name
                value = _unescaped(value) if "%" in value else value
            found[name] = value
    return found


def _unescaped(text: str) -> str:
    first, *rest = text.encode().split(b"%")
    digits = b"".join([each[:2] for each in rest])
    # `fromhex` would skip blanks, and two short escapes could make up for each other.
    if len(digits) != 2 * len(rest) or not digits.isalnum():
        raise FormError("a percent escape needs two hexadecimal digits")
    try:
        octets = bytes.fromhex(digits.decode())
    except ValueError:
        raise FormError("a percent escape needs two hexadecimal digits") from None
    parts = [first]
    for at, each in enumerate(rest):
        parts += (octets[at : at + 1], each[2:])
    try:
        return b"".join(parts).decode()
    except UnicodeDecodeError:
        raise FormError("a field is not UTF-8 once its percent escapes are decoded") from None
