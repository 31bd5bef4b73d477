"""JSON text of the dialect, both ways (spec 01 §0). Linking costs well under a millisecond: it imports `_json`.

Reading and writing run in the interpreter's own C code (`_json`), entered below the `json` package: that package
compiles regular expressions at import, which an app that starts in milliseconds would pay for nothing. The C code
differs from the dialect in few places, and only those are handled here: the spelling of floats with an exponent,
`-0`, integers beyond 64 bits, numbers that overflow, lone surrogates, nesting.

Text deeper than 127 containers is refused. A value may be deeper (a loop can wrap its own output at each turn):
writing one falls back to a walk with its own stack, so no depth ends in a RecursionError.

    loads('{"b": [1e-7, -0], "a": 1}')   -> {"b": [1e-07, -0.0], "a": 1}
    compact(that)                        -> '{"a":1,"b":[1e-7,-0.0]}'
"""

from __future__ import annotations

from _json import encode_basestring, make_encoder, make_scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn, TypeAlias

    Json: TypeAlias = Any

MAX_DEPTH = 127

_LEAST = -(2**63)
_MOST = 2**64 - 1
_ENDLESS = float("inf")
_SPACE = " \t\n\r"
_TOO_DEEP = f"more than {MAX_DEPTH} nested containers"


class JsonError(ValueError):
    """The text is not JSON of the dialect; `reason` says why and where, and never quotes the text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fixed(dict[str, "Json"]):
    """A document whose own fields keep the order they were set in; free JSON inside it is sorted as ever."""

    __slots__ = ()


def loads(text: str) -> Json:
    """The one JSON value in `text`; raises JsonError with line and column."""
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        value, end = _scan(text, start)
    except StopIteration as stop:
        _refuse("expecting a value", text, stop.value)
    except _Unfit as unfit:
        _refuse(unfit.reason, text, _token_at(text, unfit.literal))
    except RecursionError:
        _refuse(_TOO_DEEP, text, _too_deep_at(text))
    except ValueError as error:
        _refuse_as(error, text)
    except SystemError:
        # Up to 3.12 the C scanner takes its error class from `json.decoder` only when that is loaded already, and
        # else fails without an exception. With the class there, the second attempt says what is wrong.
        import json.decoder  # noqa: F401

        return loads(text)
    if end < len(text) and (rest := text[end:].lstrip(_SPACE)):
        _refuse("text after the value", text, len(text) - len(rest))
    if len(text) > MAX_DEPTH and text.count("[") + text.count("{") > MAX_DEPTH and _deep(value):
        _refuse(_TOO_DEEP, text, _too_deep_at(text))
    if not text.isascii() or ("\\" in text and ("\\ud" in text or "\\uD" in text)):
        _check_surrogates(text)
    return value


def compact(value: Json) -> str:
    """`value` without spaces, keys sorted at every depth.

    A `Fixed` keeps its order where it is the value itself, a field of another one, or an item of a list of them.
    """
    kind = value.__class__
    if kind is Fixed:
        fields = [f"{encode_basestring(key)}:{compact(item)}" for key, item in value.items()]
        return "{" + ",".join(fields) + "}"
    if kind is list and value and value[0].__class__ is Fixed:
        return "[" + ",".join([compact(item) for item in value]) + "]"
    try:
        text = "".join(_chunks(value, 0))
    except RecursionError:
        return _spelled(value, "", "", ":")
    if ("e-" in text and _may_be_float(text, "e-")) or ("e+" in text and _may_be_float(text, "e+")):
        return _spelled(value, "", "", ":")
    return text


def pretty(value: Json) -> str:
    """`value` indented by two spaces, keys sorted at every depth except the own fields of a `Fixed`."""
    return _spelled(value, "\n", "  ", ": ")


# Reading -----------------------------------------------------------------------------------------------------------


class _Unfit(Exception):
    """A literal that the C scanner took for a number and the dialect does not."""

    def __init__(self, literal: str, reason: str) -> None:
        super().__init__(reason)
        self.literal = literal
        self.reason = reason


def _integer(literal: str) -> float:
    """An integer within 64 bits, else a float; `-0` is a float, as no integer can hold its sign."""
    if len(literal) < 19:
        return int(literal) or (-0.0 if literal[0] == "-" else 0)
    # A longer literal is out of range whatever its digits, and int() refuses very long ones.
    if len(literal) <= 20 and _LEAST <= (number := int(literal)) <= _MOST:
        return number
    return _float(literal)


def _float(literal: str) -> float:
    number = float(literal)
    if -_ENDLESS < number < _ENDLESS:
        return number
    raise _Unfit(literal, "number too large")


def _constant(literal: str) -> NoReturn:
    raise _Unfit(literal, f"{literal} is not JSON")


class _Rules:
    """What the C scanner asks for when it is made."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    array_hook = None
    parse_float = staticmethod(_float)
    parse_int = staticmethod(_integer)
    parse_constant = staticmethod(_constant)


_scan = make_scanner(_Rules())  # type: ignore[arg-type]  # any object with these attributes will do


def _deep(value: Json) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for each in level
            for item in (each.values() if each.__class__ is dict else each)
            if item.__class__ is dict or item.__class__ is list
        ]
        if not level:
            return False
    return True


def _check_surrogates(text: str) -> None:
    """Refuse half of a surrogate pair, escaped or raw. `text` is known to be JSON: a backslash begins an escape."""
    at = text.find("\\")
    while at >= 0:
        size = 2
        if text[at + 1] == "u":
            size = 6
            if "d800" <= text[at + 2 : at + 6].lower() <= "dfff":
                low = text[at + 6 : at + 12].lower()
                if text[at + 3] in "cdefCDEF" or not "\\udc00" <= low <= "\\udfff":
                    _refuse("lone surrogate escape", text, at)
                size = 12
        at = text.find("\\", at + size)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        _refuse("lone surrogate", text, error.start)


def _refuse(reason: str, text: str, at: int) -> NoReturn:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    raise JsonError(f"{reason} at line {line} column {column}") from None


def _refuse_as(error: ValueError, text: str) -> NoReturn:
    # The C scanner imports this class at its first error; naming it here lets the linker see that.
    from json import JSONDecodeError

    if not isinstance(error, JSONDecodeError):
        raise error
    _refuse(error.msg[0].lower() + error.msg[1:].removesuffix(" at"), text, error.pos)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Brackets, strings and literals with their offsets; brackets inside strings are not seen."""
    import re

    for match in re.finditer(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]|[^\s,:\[\]{}"]+', text, re.DOTALL):
        yield match[0], match.start()


def _token_at(text: str, literal: str) -> int:
    return next((at for word, at in _tokens(text) if word.startswith(literal)), 0)


def _too_deep_at(text: str) -> int:
    depth = 0
    for word, at in _tokens(text):
        depth += (word in "[{") - (word in "]}")
        if depth > MAX_DEPTH:
            return at
    return 0


# Writing -----------------------------------------------------------------------------------------------------------


def _not_json(value: object) -> NoReturn:
    raise TypeError(f"not a JSON value: {type(value).__name__}")


# No circularity check (values are trees), no indentation, sorted keys, no skipped keys, no NaN.
_chunks = make_encoder(None, _not_json, encode_basestring, None, ":", ",", True, False, False)


def _may_be_float(text: str, mark: str) -> bool:
    """Whether `mark` stands anywhere as the exponent of a float would; that may still be inside a string."""
    at = text.find(mark)
    while at >= 0:
        tail = text[at + 2 : at + 6]
        rest = tail.lstrip("0123456789")
        if rest != tail and rest[:1] in ",]}" and text[at - 1].isdecimal():
            return True
        at = text.find(mark, at + 2)
    return False


def _spelled(value: Json, margin: str, step: str, colon: str) -> str:
    """Any value as text, with a stack of its own. `margin` is what begins a line at the left edge, "" for none."""
    out: list[str] = []
    put = out.append
    stack: list[tuple[Iterator[tuple[str, Json]], str]] = [(iter([("", value)]), "")]
    while stack:
        members, closing = stack[-1]
        for lead, item in members:
            put(lead)
            if not isinstance(item, (dict, list)):
                put(_scalar(item))
                continue
            brackets = "{}" if isinstance(item, dict) else "[]"
            if not item:
                put(brackets)
                continue
            put(brackets[0])
            indent = step * len(stack)
            outdent = margin + indent[len(step) :] if step else ""
            stack.append((_members(item, margin + indent, colon), outdent + brackets[1]))
            break
        else:
            put(closing)
            stack.pop()
    return "".join(out)


def _members(value: Json, lead: str, colon: str) -> Iterator[tuple[str, Json]]:
    """Each member with the text in front of it: comma, line start, key."""
    comma = ""
    if isinstance(value, dict):
        for key in value if isinstance(value, Fixed) else sorted(value):
            yield f"{comma}{lead}{encode_basestring(key)}{colon}", value[key]
            comma = ","
        return
    for item in value:
        yield comma + lead, item
        comma = ","


def _scalar(value: Json) -> str:
    kind = value.__class__
    if kind is str:
        return encode_basestring(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return int.__repr__(value)
    if kind is not float:
        _not_json(value)
    if not -_ENDLESS < value < _ENDLESS:
        raise ValueError("not a JSON value: a number that is not finite")
    return _float_text(float.__repr__(value))


def _float_text(text: str) -> str:
    """The interpreter's shortest digits in the dialect's spelling: no exponent for 1e-5, no `+`, no padding."""
    digits, mark, exponent = text.partition("e")
    if not mark:
        return text
    power = int(exponent)
    if power == -5:
        sign = "-" if digits[0] == "-" else ""
        return f"{sign}0.0000{digits.lstrip('-').replace('.', '')}"
    return f"{digits}e{power}"
