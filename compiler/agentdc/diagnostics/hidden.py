"""Which parts of a workflow's text no report may show: what stands in secrets and in bindings of [auth].

Keys are shown there, and the values of keys that are known to hold no secret; every other value and every comment
is hidden. This is read off the tokens, because a text that is not TOML is shown too, and where brackets or quotes
do not match, more is hidden rather than less.

    [[secrets]]
    name = "api"              shown
    value = "hunter2"         hidden
    tokens = [                hidden, on every line
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

from agentdc.diagnostics.span import SourceFile
from agentdc.diagnostics.suggest import nearest
from agentdc.diagnostics.tokens import TOKEN, is_open

Range = tuple[int, int]

WRAPPER = "workflows"
# Section to the number of names in the path of its keys, and the keys whose values are shown.
SHOWN: dict[str, tuple[int, frozenset[str]]] = {
    "secrets": (
        2,
        frozenset({"name", "source", "var", "path", "trim", "service", "account"})
        | frozenset({"client_id_env", "client_secret_env", "scopes", "auth_style", "skew_secs"}),
    ),
    "auth": (
        4,
        frozenset({"tokens_env", "credentials_env", "secret_env", "header", "prefix", "encoding"})
        | frozenset({"timestamp_header", "tolerance_secs", "issuer", "audience", "jwks_file"})
        | frozenset({"subject_allowlist", "clock_skew_secs", "algorithms"})
        | frozenset({"jwks_refresh_secs", "jwks_max_stale_secs"}),
    ),
}
_WITH_ENV = ("mcp_servers", "sidecars")  # their `env` names secrets, where people put the secrets themselves
_DEEP = 8  # names of a path; beyond the sections' own depth their number decides nothing
_HEADER = re.compile(r"^[ \t]*\[{1,2}(?=[^\n]*(?:secret|auth|env))", re.IGNORECASE | re.MULTILINE)


def line(source: SourceFile, number: int) -> str:
    """The 1-based line as it may be shown: each hidden character is a dot, quotes stay."""
    text = source.line(number)
    start = source.offset(number, 1)
    ranges = _hidden(source)
    shown = list(text)
    at = max(0, bisect_right(ranges, (start, start)) - 1)
    for first, last in ranges[at:]:
        if first >= start + len(text):
            break
        for place in range(max(first - start, 0), min(last - start, len(text))):
            if shown[place] not in "\"'":
                shown[place] = "•"
    return "".join(shown)


@lru_cache(maxsize=8)
def _hidden(source: SourceFile) -> list[Range]:
    """The hidden ranges of a text, sorted, without overlaps."""
    reader = _Reader()
    reader.read(source.text, 0, len(source.text))
    ranges = reader.hidden
    if reader.broken:  # where a section begins is then anyone's guess: wherever a line looks like it
        starts = [found.start() for found in _HEADER.finditer(source.text)]
        for start, end in zip(starts, [*starts[1:], len(source.text)], strict=False):
            again = _Reader()
            again.read(source.text, start, end)
            ranges += again.hidden
    return _merged(ranges)


def _merged(ranges: list[Range]) -> list[Range]:
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


class _Reader:
    """Follows the keys of a text, token by token.

    `_header`: names of the last header. `_open`: the open brackets of the value, each with the path that its
    contents belong to. `_path`: of the value that is being read; None while a key or a header is read, whose names
    so far are `_names`. `_odd`: the line has gone wrong, so what follows on it may be anything. `_private`: something
    on it is hidden.
    """

    def __init__(self) -> None:
        self.hidden: list[Range] = []
        self.broken = False
        self._header: list[str] = []
        self._open: list[tuple[str, list[str]]] = []
        self._path: list[str] | None = None
        self._names: list[tuple[str, Range]] = []
        self._in_header = False
        self._after_word = False
        self._odd = False
        self._private = False

    def read(self, text: str, start: int, end: int) -> None:
        """Find what is hidden between two offsets."""
        for found in TOKEN.finditer(text, start, end):
            place, token = found.span(), found.group()
            match found.lastgroup:
                case "end":
                    self._end()
                case "comment":
                    self._hide(self._here, (place[0] + 1, place[1]))
                case "mark":
                    self._mark(token)
                case _:
                    self._word(token, place)
        self._end()
        self.broken |= bool(self._open)

    @property
    def _base(self) -> list[str]:
        return self._open[-1][1] if self._open else self._header

    @property
    def _here(self) -> list[str]:
        """A path below everything that is being read."""
        names = [name for name, _ in self._names[:_DEEP]]
        if self._in_header:
            return [*names, "#"]
        return [*self._base, *names, "#"] if self._path is None else [*self._path, "#"]

    def _word(self, token: str, place: Range) -> None:
        self._odd |= self._after_word or (token[0] in "\"'" and is_open(token))
        self._after_word = True
        if self._path is not None:
            self._hide(self._path, place)
        elif self._odd:
            self._hide(self._here, place)
        self._names.append((token.strip("\"'"), place))

    def _mark(self, mark: str) -> None:
        self._after_word = False
        match mark:
            case "=":
                self._assign()
            case "[" if self._path is None and not self._open and not self._names:
                self._in_header = True
            case "[" | "{" if self._path is not None:
                self._open.append((mark, self._path))
                self._path = None if mark == "{" else self._path
                self._names = []
            case "]" if self._in_header:
                self._header, self._names = [name for name, _ in self._names[:_DEEP]], []
                self._in_header, self._after_word = False, True  # nothing but a comment can follow
            case "]" | "}" if self._open:
                self._stray()
                opening, self._path = self._open.pop()
                self._odd |= opening + mark not in {"[]", "{}"}
            case "," if self._open:
                self._stray()
                self._path = None if self._open[-1][0] == "{" else self._path
            case "]" if not self._open and not self._names:
                self._after_word = True
            case ".":
                pass
            case _:
                self._odd = True

    def _assign(self) -> None:
        """What stood before was a key; inside a value or an array it shows that something was never closed."""
        names = [name for name, _ in self._names[:_DEEP]]
        self._odd |= self._path is not None or self._in_header or not names
        if self._path is not None and self._open and self._open[-1][0] == "[":
            self._open.clear()
        if self._path is None or not _is_hidden(self._path):
            self._path = [*self._base, *names][:_DEEP]
        self._names = []

    def _stray(self) -> None:
        """Words without `=` are no key; the first may name a section all the same."""
        if self._path is None:
            self._odd |= bool(self._names)
            for number, (_, place) in enumerate(self._names):
                before = [name for name, _ in self._names[: min(number, _DEEP)]]
                self._hide([*self._base, *before, "#"], place)
        self._names = []

    def _end(self) -> None:
        if self._in_header:
            self._header, self._names = [name for name, _ in self._names[:_DEEP]], []
        self._stray()
        self.broken |= self._odd
        if not self._open:
            self._path = None
        self._in_header = self._odd = self._private = self._after_word = False

    def _hide(self, path: list[str], place: Range) -> None:
        self._private |= _is_hidden(path) or (self._odd and _is_hidden([*self._header, "#"]))
        if _is_hidden(path) or (self._odd and self._private):
            self.hidden.append(place)


def _is_hidden(path: list[str]) -> bool:
    names = path[1:] if path[:1] == [WRAPPER] else path
    if len(names) > 1 and names[1] == "env" and names[0] in _WITH_ENV:
        return True
    section = _section(names[0]) if names else None
    if section is None:
        return False
    depth, shown = SHOWN[section]
    return len(names) != depth or names[-1] not in shown


@lru_cache(maxsize=64)
def _section(root: str) -> str | None:
    """The section that a root key is, or was meant to be."""
    near = ["secrets"] if "\\" in root else nearest(root, SHOWN)  # an escape can spell any name
    return near[0] if near else None
