"""Regular expressions of JSON Schema (ECMA 262, Unicode mode) to those of the interpreter's `re`.

The usual differences are translated: `$`, `.`, `\\d`, `\\w`, `\\s`, `\\/`, `\\cX`, `\\u{…}`, surrogate pairs,
named groups, back references, `[]`, `[^]`, and what `re` takes for set operations in a class. What `re` cannot do
(`\\p{…}`, look-behind of no fixed width) and what only `re` knows (inline flags, possessive quantifiers) is
refused.

    translated("^\\\\d{3}$")   -> "^[0-9]{3}\\\\Z"
"""

from __future__ import annotations

import re

MAX_LENGTH = 10_000
_SPACES = "\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"
_NOT_SPACES = (
    "\\0-\\x08\\x0e-\\x1f!-\\x9f\\u00a1-\\u167f\\u1681-\\u1fff\\u200b-\\u2027\\u202a-\\u202e\\u2030-\\u205e"
    "\\u2060-\\u2fff\\u3001-\\ufefe\\uff00-\\U0010ffff"
)
# The insides of a class.
_CLASSES = {
    "d": "0-9",
    "D": "\\0-/:-\\U0010ffff",
    "w": "0-9A-Z_a-z",
    "W": "\\0-/:-@\\[-\\^`\\{-\\U0010ffff",
    "s": _SPACES,
    "S": _NOT_SPACES,
}
_WORD = "[0-9A-Z_a-z]"
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_SYNTAX = frozenset("^$\\.*+?()[]{}|/")
_QUANTIFIER = re.compile(r"\{\d+(,\d*)?\}", re.ASCII)
_GROUP_NAME = re.compile(r"\?<([A-Za-z_]\w*)>", re.ASCII)


class PatternError(Exception):
    """A pattern that has no equivalent; the message says why."""


def translated(pattern: str) -> str:
    """The same pattern for `re.search` without flags."""
    if len(pattern) > MAX_LENGTH:
        raise PatternError(f"it has more than {MAX_LENGTH} characters")
    source = _Reader(pattern).alternatives()
    try:
        re.compile(source)
    except (re.error, OverflowError, RecursionError) as problem:
        reason = problem.msg if isinstance(problem, re.error) else "it is too large"
        raise PatternError(reason) from problem
    return source


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def alternatives(self) -> str:
        out: list[str] = []
        repeatable = False  # whether what is before can have a quantifier
        while self._at < len(self._text):
            mark = self._at
            quantifier = self._quantifier()
            if quantifier:
                if not repeatable:
                    raise PatternError(f"nothing to repeat at offset {mark}")
                out.append(quantifier)
                repeatable = False
                continue
            piece, repeatable = self._piece()
            out.append(piece)
        return "".join(out)

    def _take(self, count: int = 1) -> str:
        taken = self._text[self._at : self._at + count]
        if len(taken) < count:
            raise PatternError("it ends too early")
        self._at += count
        return taken

    def _ahead(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _quantifier(self) -> str:
        found = self._text[self._at]
        if found == "{":
            match = _QUANTIFIER.match(self._text, self._at)
            if match is None:
                return ""
            found = match[0]
        elif found not in "*+?":
            return ""
        self._at += len(found)
        if self._at < len(self._text) and self._ahead("?"):
            found += self._take()
        return found

    def _piece(self) -> tuple[str, bool]:
        each = self._take()
        match each:
            case "^":
                return "^", False
            case "$":
                return "\\Z", False
            case "|":
                return "|", False
            case ")":
                return ")", True
            case "(":
                return self._group(), False
            case "[":
                return self._class(), True
            case ".":
                return "[^\\n\\r\\u2028\\u2029]", True
            case "\\":
                return self._escape()
        return escaped(ord(each)), True

    def _group(self) -> str:
        if not self._ahead("?"):
            return "("
        for kind in ("?:", "?=", "?!", "?<=", "?<!"):
            if self._ahead(kind):
                return f"({self._take(len(kind))}"
        name = _GROUP_NAME.match(self._text, self._at)
        if name is None:
            raise PatternError(f"an unknown kind of group at offset {self._at}")
        self._at = name.end()
        return f"(?P<{name[1]}>"

    def _escape(self) -> tuple[str, bool]:
        each = self._take()
        if each in _CLASSES:
            return f"[{_CLASSES[each]}]", True
        if each in "bB":
            # The border of a word, without the flag that would change everything else.
            within = f"(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD})"
            return (f"(?:{within})" if each == "b" else f"(?!{within})"), False
        if each in "123456789":
            digits = each
            while self._at < len(self._text) and self._text[self._at] in "0123456789":
                digits += self._take()
            return f"(?({digits})\\{digits})", True  # a group that took no part matches the empty text
        if each == "k":
            return self._named_reference(), True
        return escaped(self._character(each)), True

    def _named_reference(self) -> str:
        name = re.compile(r"<([A-Za-z_]\w*)>", re.ASCII).match(self._text, self._at)
        if name is None:
            raise PatternError("\\k without the name of a group")
        self._at = name.end()
        return f"(?({name[1]})(?P={name[1]}))"

    def _character(self, each: str) -> int:
        """The code point of an escape whose first letter was taken."""
        if each in _CONTROLS:
            return _CONTROLS[each]
        if each == "0" and not self._text[self._at : self._at + 1].isdecimal():
            return 0
        if each == "x":
            return self._hexadecimal(2)
        if each == "u":
            return self._unicode()
        if each == "c":
            letter = self._take()
            if not (letter.isascii() and letter.isalpha()):
                raise PatternError("\\c without a letter")
            return ord(letter) % 32
        if each in "pP":
            raise PatternError(f"\\{each}{{…}} is not supported")
        if each in _SYNTAX or each == "-" or not each.isalnum():
            return ord(each)
        raise PatternError(f"\\{each} is no escape")

    def _hexadecimal(self, count: int) -> int:
        digits = self._take(count)
        if any(each not in "0123456789abcdefABCDEF" for each in digits):
            raise PatternError("an escape without its hexadecimal digits")
        return int(digits, 16)

    def _unicode(self) -> int:
        if self._ahead("{"):
            end = self._text.find("}", self._at)
            digits = self._text[self._at + 1 : max(end, 0)]
            valid = 0 < len(digits) <= 8 and all(each in "0123456789abcdefABCDEF" for each in digits)
            if not valid or int(digits, 16) > 0x10FFFF:
                raise PatternError("\\u{…} without a code point")
            self._at = end + 1
            return int(digits, 16)
        high = self._hexadecimal(4)
        if 0xD800 <= high < 0xDC00 and self._ahead("\\u") and not self._ahead("\\u{"):
            mark = self._at
            self._take(2)
            low = self._hexadecimal(4)
            if 0xDC00 <= low < 0xE000:
                return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
            self._at = mark
        return high

    def _class(self) -> str:
        inverted = self._ahead("^") and bool(self._take())
        out: list[str] = []
        while not self._ahead("]"):
            low = self._member()
            if self._ahead("-") and not self._ahead("-]"):
                self._take()
                high = self._member()
                out.append(_range(low, high))
            else:
                out.append(low if isinstance(low, str) else escaped(low))
        self._take()
        if not out:
            return "(?:[^\\0]|\\0)" if inverted else "(?!)"
        return f"[{'^' if inverted else ''}{''.join(out)}]"

    def _member(self) -> str | int:
        """One member of a class: the insides of a class that is named by an escape, or a code point."""
        each = self._take()
        if each != "\\":
            return ord(each)
        each = self._take()
        if each in _CLASSES:
            return _CLASSES[each]
        return 8 if each == "b" else self._character(each)


def _range(low: str | int, high: str | int) -> str:
    if isinstance(low, str) or isinstance(high, str):
        raise PatternError("a range in a class ends in a class")
    if low > high:
        raise PatternError("a range in a class runs backwards")
    return f"{escaped(low)}-{escaped(high)}"


def escaped(point: int) -> str:
    """A code point as itself: pure ASCII, without a meaning, in a class and outside."""
    character = chr(point)
    if not character.isascii() or not character.isprintable():
        return f"\\U{point:08x}" if point > 0xFFFF else f"\\u{point:04x}"
    return character if character.isalnum() or character in " _/:;,<>=!@%'\"`" else f"\\{character}"
