"""Bytes to the plain TOML document, or to one diagnostic about the first thing that is not TOML.

tomli decides; what is added here is where exactly to point and what to do about the usual slips. A byte order
mark is accepted, as agentd does.
"""

from __future__ import annotations

import re
from typing import Any

import tomli

from agentdc.diagnostics import Diagnostic, SourceFile, Span
from agentdc.diagnostics.tokens import TOKEN, is_open
from agentdc.parse import errors
from agentdc.parse.positions import Places

_BOM = "\ufeff"
_TOKEN = re.compile(r"[^\s,\[\]{}=#]+")
_DIGITS = re.compile(
    r"(?<![0-9_])[0-9](?:_?[0-9]){1000,}"
)  # far beyond 64 bits, and more than Python converts
_LONG_KEY = re.compile(r"(?<![\w.-])(?:[\w-]+[ \t]*\.[ \t]*){200}")
_TWICE = re.compile(r"Cannot (declare|overwrite|redefine|mutate)|Duplicate")
_NO_END = re.compile(r"Unterminated string|Expected [\"']{2}|(Illegal|Found invalid) character '\\n'")
_DEEPEST = 100


def document(source: SourceFile) -> dict[str, Any] | Diagnostic:
    """The parsed document, or why there is none."""
    try:
        text = source.data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return _not_utf8(source, problem.start)
    try:
        return tomli.loads(text.removeprefix(_BOM))
    except tomli.TOMLDecodeError as problem:
        return _not_toml(source, problem)
    except RecursionError:
        return errors.toml_syntax(_too_deep(source), "nested too deeply")
    except ValueError:  # Python refuses to convert that many digits
        return errors.out_of_range(_longest_number(source), "this integer", "must fit into 64 bits")


def _not_utf8(source: SourceFile, byte: int) -> Diagnostic:
    start = len(source.data[:byte].decode("utf-8"))
    return errors.not_utf8(Span(source, start, start + 1), source.data[byte])


def _not_toml(source: SourceFile, problem: tomli.TOMLDecodeError) -> Diagnostic:
    column = problem.colno + (problem.lineno == 1 and source.text.startswith(_BOM))
    offset = source.offset(problem.lineno, column)
    if _TWICE.match(problem.msg):
        first, again = _repeated(source, offset)
        if again is not None:
            name = source.text[again.start : again.end]
            return errors.toml_syntax(again, f"{name} is declared twice", earlier=first)
    unclosed = _unclosed_text(source) if _NO_END.match(problem.msg) else None
    if unclosed is not None:
        on_this_line = "" if source.text.startswith(('"""', "'''"), unclosed.start) else " on this line"
        return errors.toml_syntax(unclosed, f"the string has no end{on_this_line}")
    token = _TOKEN.match(source.text, offset)
    word = token[0] if token else ""
    at = Span(source, offset, offset + len(word) if word else min(offset + 1, len(source.text)))
    advice = _slip(source, at.start) or _advice(problem.msg, word)
    return errors.toml_syntax(at, _reason(problem.msg, word), advice=advice)


def _unclosed_text(source: SourceFile) -> Span | None:
    found = next((each for each in TOKEN.finditer(source.text) if each["text"] and is_open(each[0])), None)
    return None if found is None else Span(source, found.start(), found.start() + len(found[0].rstrip()))


def _repeated(source: SourceFile, offset: int) -> tuple[Span | None, Span | None]:
    """The two places of the last repetition that begins before `offset`."""
    pairs = [pair for pair in Places(source).repeated() if pair[1].start <= offset]
    return max(pairs, key=lambda pair: pair[1].start, default=(None, None))


def _reason(message: str, token: str) -> str:
    if message == "Invalid value" and not token:
        return "a value is missing"
    if message.startswith("Cannot mutate"):
        return "an inline table or array cannot be extended later"
    if _TWICE.match(message):
        return "a key or table is declared twice"
    if message.startswith("Found invalid character"):
        return "a character that is not allowed here"
    if message == "Invalid hex value":
        return r"\u takes 4 hexadecimal digits, and \U takes 8"
    return message[:1].lower() + message[1:]


def _slip(source: SourceFile, offset: int) -> str | None:
    """What to write where the text looks like another format's, or like something an editor made of it."""
    before = source.text[:offset].rpartition("\n")[2]
    rest = source.text[offset:].partition("\n")[0]
    slips = (
        (rest.startswith(":"), "TOML has `=` between a key and its value"),
        (rest[:1] in set("“”„‘’"), 'write straight quotes: "…"'),
        (rest.startswith("//") and not before.strip(), "a comment begins with #"),
        (rest[:1] == "{" and not before.strip(), "a workflow is written in TOML, this looks like JSON"),
        (rest == "," and "=" in before, "no comma stands behind a value"),
        (before.strip() == "[" and rest[:1] == "[", "write [[ and ]] without blanks between the brackets"),
    )
    return next((advice for found, advice in slips if found), None)


def _advice(message: str, token: str) -> str | None:
    if message == "Invalid value":
        if token.lower() in {"true", "false"}:
            return f"booleans are written in lower case: {token.lower()}"
        if token.lower() in {"null", "none", "nil"}:
            return "TOML has no null: leave the key out"
        return "text needs quotes" if re.match(r"[^\W\d_]|[/.~$]", token) else None
    if message.startswith(("Unescaped '\\'", "Invalid hex value", "Escaped character")):
        return "write a backslash twice, or use single quotes around the text"
    if message.startswith("Invalid initial character for a key part"):
        return "an inline table stays on one line and has no comma after the last pair"
    return None


def _too_deep(source: SourceFile) -> Span:
    """The bracket, or else the dotted key, whose nesting passes what any workflow needs."""
    depth = 0
    for found in TOKEN.finditer(source.text):
        if found["mark"] is None or found["mark"] not in "[]{}":
            continue
        depth += 1 if found["mark"] in "[{" else -1
        if depth > _DEEPEST:
            return Span(source, found.start(), found.end())
    key = _LONG_KEY.search(source.text)
    return Span(source, key.start(), key.end()) if key else Span(source, 0, 0)


def _longest_number(source: SourceFile) -> Span:
    found = _DIGITS.search(source.text)
    return Span(source, found.start(), found.end()) if found else Span(source, 0, 0)
