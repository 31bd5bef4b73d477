"""Where the keys and values of a TOML text are.

Knows the concrete syntax only: it is asked for paths that the decoder has already seen, and answers with spans. The
text is parsed with tree-sitter when the first span is asked for, and a table's keys are read when a path
through that table is asked for; a workflow without findings pays nothing.

    [[nodes]]              ("nodes", 0)            the header
    id = "load"            ("nodes", 0, "id")      key `id`, value `"load"`
    retry.on = "any"       ("nodes", 0, "retry")   the key part `retry`
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from agentdc.diagnostics import SourceFile, Span

if TYPE_CHECKING:
    from tree_sitter import Node

Path = tuple[str | int, ...]
Range = tuple[int, int]  # byte offsets

_KEYS = frozenset({"bare_key", "quoted_key", "dotted_key"})
_BOM = "\ufeff"
_DEEPEST = 300  # no workflow nests deeper; without a bound, paths would cost the square of the file


class Places:
    """Spans of the keys and values below `prefix`, the path of the workflow body in the document.

    Paths are relative to the body. A table or an entry of an array of tables is its header; an element of an inline
    array is its value; a path that is not there is the nearest parent that is. The empty path of a
    document without a header is the empty span at its beginning.
    """

    def __init__(self, source: SourceFile, prefix: Path = ()) -> None:
        self.source = source
        self.prefix = prefix

    def key(self, path: Path) -> Span:
        """The key of `path`, or the header that declares it."""
        _, entry = self._index.find(self.prefix + path)
        return self._start if entry is None else self._span(entry[0])

    def value(self, path: Path) -> Span:
        """The value of `path`, or the header that declares it."""
        full = self.prefix + path
        found, entry = self._index.find(full)
        if entry is None:
            return self._start
        return self._span(entry[1] if found == full else entry[0])

    def repeated(self) -> Iterator[tuple[Span, Span]]:
        """Keys and headers of the whole document that stand twice: the first and the later one."""
        for first, again in self._index.repeated():
            yield self._span(first), self._span(again)

    @cached_property
    def _index(self) -> _Index:
        return _Index(self.source.data)

    @cached_property
    def _start(self) -> Span:
        offset = 1 if self.source.text.startswith(_BOM) else 0
        return Span(self.source, offset, offset)

    def _span(self, found: Range) -> Span:
        return Span(self.source, self._character(found[0]), self._character(found[1]))

    @cached_property
    def _continuation(self) -> list[int]:
        """Offsets of the bytes that continue a character."""
        return [found.start() for found in re.finditer(rb"[\x80-\xbf]", self.source.data)]

    def _character(self, byte: int) -> int:
        return byte - bisect_left(self._continuation, byte)


class _Index:
    """Path to the byte ranges of key and value; tables are read on demand.

    Headers come first, because an entry of an array of tables is numbered by the headers before it. `_unread`
    holds the syntax nodes of tables (and of the document itself, for the keys above the first header) whose
    keys have not been asked for.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._found: dict[Path, tuple[Range, Range]] = {}
        self._declared: set[Path] = set()
        self._again: list[tuple[Range, Range]] = []
        self._unread: dict[Path, list[Node]] = {}
        self._read_headers(_syntax(data))

    def find(self, path: Path) -> tuple[Path, tuple[Range, Range] | None]:
        """The longest prefix of `path` that is in the text, with the ranges of its key and value."""
        path = path[: 2 * _DEEPEST]
        for length in range(len(path) + 1):
            self._read(path[:length])
        for length in range(len(path), -1, -1):
            entry = self._found.get(path[:length])
            if entry is not None:
                return path[:length], entry
        return (), None

    def repeated(self) -> list[tuple[Range, Range]]:
        """First and later range of what is declared twice, after reading everything."""
        for path in list(self._unread):
            self._read(path)
        return self._again

    def _read_headers(self, root: Node) -> None:
        counts: dict[Path, int] = {}
        for node in root.named_children:
            if node.type == "pair":
                self._unread.setdefault((), []).append(node)
            elif node.type in {"table", "table_array_element"}:
                self._read_header(node, counts)

    def _read_header(self, node: Node, counts: dict[Path, int]) -> None:
        children = node.children
        closing = next((at for at, child in enumerate(children) if child.type in {"]", "]]"}), None)
        name = next((child for child in children[:closing] if child.type in _KEYS), None)
        if closing is None or name is None:
            return  # only in a text that is not TOML
        header = node.start_byte, children[closing].end_byte
        path: Path = ()
        parts = self._parts(name)
        for part, place in parts[:-1]:
            path += (part,)
            self._found.setdefault(path, (place, place))
            if path in counts:
                path += (counts[path],)
        path += (parts[-1][0],)
        if node.type == "table_array_element":
            self._found.setdefault(path, (header, header))
            counts[path] = counts.get(path, -1) + 1
            path += (counts[path],)
        self._declare(path, header, header)
        self._unread.setdefault(path, []).extend(child for child in children if child.type == "pair")

    def _declare(self, path: Path, key: Range, value: Range) -> None:
        if path in self._declared:
            self._again.append((self._found[path][0], key))
            return
        self._declared.add(path)
        self._found[path] = key, value

    def _read(self, table: Path) -> None:
        waiting: list[tuple[Path, Node]] = [(table, pair) for pair in self._unread.pop(table, ())]
        waiting.reverse()
        while waiting:
            path, node = waiting.pop()
            inner = self._pair(path, node) if node.type == "pair" else self._container(path, node)
            waiting.extend(each for each in reversed(inner) if len(each[0]) <= _DEEPEST)

    def _pair(self, path: Path, node: Node) -> list[tuple[Path, Node]]:
        """Record a pair; give its value when that holds further keys."""
        named = [child for child in node.named_children if child.type != "comment"]
        if len(named) < 2:
            return []  # only in a text that is not TOML
        name, value = named[0], named[1]
        parts = self._parts(name)
        for part, place in parts[:-1]:
            path += (part,)
            self._found.setdefault(path, (place, place))
        part, place = parts[-1]
        path += (part,)
        self._declare(path, place, (value.start_byte, value.end_byte))
        return [(path, value)] if value.type in {"array", "inline_table"} else []

    def _container(self, path: Path, node: Node) -> list[tuple[Path, Node]]:
        """The pairs of an inline table; the elements of an array are recorded, and given when they hold keys."""
        children = [child for child in node.named_children if child.type != "comment"]
        if node.type == "inline_table":
            return [(path, child) for child in children if child.type == "pair"]
        for number, child in enumerate(children):
            place = child.start_byte, child.end_byte
            self._declare((*path, number), place, place)
        return [
            ((*path, number), child)
            for number, child in enumerate(children)
            if child.type in {"array", "inline_table"}
        ]

    def _parts(self, node: Node) -> list[tuple[str, Range]]:
        """The parts of a possibly dotted key; the grammar nests them to the left."""
        parts = []
        while node.type == "dotted_key":
            keys = [child for child in node.named_children if child.type in _KEYS]
            parts.append(keys[-1])
            node = keys[0]
        parts.append(node)
        parts.reverse()
        return [(self._name(part), (part.start_byte, part.end_byte)) for part in parts[:_DEEPEST]]

    def _name(self, node: Node) -> str:
        text = self._data[node.start_byte : node.end_byte].decode("utf-8", "replace")
        if node.type == "bare_key":
            return text
        if "\\" not in text or text.startswith("'"):
            return text[1:-1]
        return _unescaped(text)


def _syntax(data: bytes) -> Node:
    import tree_sitter
    import tree_sitter_toml

    language = tree_sitter.Language(tree_sitter_toml.language())
    return tree_sitter.Parser(language).parse(data).root_node


def _unescaped(quoted: str) -> str:
    import tomli

    try:
        return next(iter(tomli.loads(f"{quoted} = 0")))
    except tomli.TOMLDecodeError:
        return quoted[1:-1]
