"""App tree to `.pyz`: one file that `python3` runs, byte-identical for equal input.

Knows the zip layout, the shebang line and how to write bytecode reproducibly. Does not know what is in the tree, nor
the disk. `{"__main__.py": b"..."}` in, the bytes of the archive out.

Layout, chosen by start time: entries are stored (deflate costs the load of zlib, about 1 ms), and each `.py` has a
`.pyc` beside it, which saves 2-3 ms even for a small app. zipimport takes the `.pyc` when its magic number fits the
running Python and silently compiles the `.py` otherwise, so one file serves every Python from 3.11 on. The `.pyc` is
an unchecked hash one: it holds no time. File names in the code objects are paths inside the archive.

Bytecode: `marshal` marks an object as shared when its reference count is above one and orders a frozenset by
those marks, so its bytes depend on what else the process has loaded. `bytecode` therefore reads the stream back and
writes it again with sharing by value. The layout of a code object in it is that of Python 3.11 to 3.14.
"""

from __future__ import annotations

import importlib.util
import io
import marshal
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

SHEBANG = b"#!/usr/bin/env -S python3 -I -S -X utf8\n"
"""-I: no PYTHON* variable, user folder or working directory gets in. -S: no site-packages, as all that is linked is
in the archive. -X utf8: the same text in every locale. `env -S` needs coreutils 8.30; `python3 app.pyz` works too."""

_UNCHECKED_HASH = b"\x01\0\0\0" + bytes(8)
_SHARED = 0x80
_INTERNED = {ord("a"): b"A", ord("z"): b"Z", ord("u"): b"t"}
_FIXED = dict.fromkeys("0NFTS.", 0) | {"i": 4, "g": 8, "y": 16}  # bytes after the type byte
_STRINGS = "stuaA"
_MANY = "(<>["
# a code object: five counts, then these objects, the first line, and two tables
_CODE_INTS, _CODE_OBJECTS, _CODE_TABLES = 20, 8, 2


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of an app tree.

    `files`: path inside the tree with `/` to content; holds `__main__.py`; every `.py` is valid source, the rest is
    data. Raises SyntaxError for a `.py` that does not compile and ValueError for a tree that cannot start.
    """
    if "__main__.py" not in files:
        raise ValueError("an app tree needs a __main__.py")
    entries = dict(files)
    for path, content in files.items():
        if path.endswith(".py"):
            entries[path + "c"] = pyc(content, path)
    out = io.BytesIO(SHEBANG)
    out.seek(0, io.SEEK_END)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(entries):
            archive.writestr(_entry(path), entries[path])
    return out.getvalue()


def pyc(source: bytes, path: str) -> bytes:
    """The `.pyc` of one module for the running Python; `path` becomes the file name in its tracebacks."""
    fresh = path.encode().decode()  # the caller's string may be interned, which marshal would tell
    code = compile(source, fresh, "exec", dont_inherit=True, optimize=0)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + bytecode(marshal.dumps(code, 4))


def bytecode(stream: bytes) -> bytes:
    """The same marshalled value, in bytes that depend on the value alone."""
    root = _Reader(stream).node()
    counts: Counter[_Node] = Counter()
    _count(root, counts)
    return b"".join(_write(root, counts, {}))


def _entry(path: str) -> zipfile.ZipInfo:
    if path != str(PurePosixPath(path)) or path.startswith(("/", "../")):
        raise ValueError(f"not a path inside the tree: {path!r}")
    info = zipfile.ZipInfo(path)  # dated 1980-01-01, the earliest time a zip can hold
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    return info


@dataclass(frozen=True, slots=True)
class _Node:
    """One object of a stream: type byte with what follows it, then nested objects and raw bytes in order."""

    head: bytes
    parts: tuple[_Node | bytes, ...] = ()

    @property
    def shareable(self) -> bool:
        """A reference takes five bytes, so nothing shorter is worth one; code objects are never equal by chance."""
        return self.head[:1] != b"c" and (bool(self.parts) or len(self.head) > 5)


class _Reader:
    """Reads one marshalled object; references are resolved, so the result is a plain tree."""

    def __init__(self, stream: bytes) -> None:
        self.stream = stream
        self.at = 0
        self.shared: list[_Node | None] = []

    def node(self) -> _Node:
        byte = self.take(1)[0]
        kind = chr(byte & ~_SHARED)
        if kind == "r":
            found = self.shared[self.number(4)]
            if found is None:
                raise ValueError("a marshalled object contains itself")
            return found
        slot = len(self.shared)
        if byte & _SHARED:
            self.shared.append(None)  # taken before the children, as the loader does
        node = self.body(kind)
        if byte & _SHARED:
            self.shared[slot] = node
        return node

    def body(self, kind: str) -> _Node:
        mark = kind.encode()
        if kind in _FIXED:
            return _Node(mark + self.take(_FIXED[kind]))
        if kind == "l":
            digits = self.take(4)
            return _Node(mark + digits + self.take(2 * abs(int.from_bytes(digits, "little", signed=True))))
        if kind in "zZ":
            return self.string(mark, 1)
        if kind in _STRINGS:
            return self.string(mark, 4)
        if kind == ")":
            return self.several(mark, 1)
        if kind in _MANY:
            return self.several(mark, 4)
        if kind == "c":
            return self.code(mark)
        raise ValueError(f"unknown type {kind!r} in marshalled code")

    def string(self, mark: bytes, width: int) -> _Node:
        size = self.take(width)
        content = self.take(int.from_bytes(size, "little"))
        # strings of one character exist once per process; whether that one is interned is the process's history
        if len(content.decode("utf-8", "surrogatepass") if mark != b"s" else "no") <= 1:
            mark = _INTERNED.get(mark[0], mark)
        return _Node(mark + size + content)

    def several(self, mark: bytes, width: int) -> _Node:
        size = self.take(width)
        children = [self.node() for _ in range(int.from_bytes(size, "little"))]
        if mark in (b"<", b">"):
            children.sort(key=lambda child: b"".join(_write(child, Counter(), {})))
        return _Node(mark + size, tuple(children))

    def code(self, mark: bytes) -> _Node:
        head = mark + self.take(_CODE_INTS)
        objects = [self.node() for _ in range(_CODE_OBJECTS)]
        line = self.take(4)
        tables = [self.node() for _ in range(_CODE_TABLES)]
        return _Node(head, (*objects, line, *tables))

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def take(self, size: int) -> bytes:
        taken = self.stream[self.at : self.at + size]
        self.at += size
        if len(taken) != size:
            raise ValueError("marshalled code ends early")
        return taken


def _count(node: _Node, counts: Counter[_Node]) -> None:
    if node.shareable:
        counts[node] += 1
        if counts[node] > 1:
            return  # written as a reference, so what is inside occurs no second time
    for part in node.parts:
        if isinstance(part, _Node):
            _count(part, counts)


def _write(node: _Node, counts: Mapping[_Node, int], slots: dict[_Node, int]) -> Iterator[bytes]:
    head = node.head
    if node.shareable and counts[node] > 1:
        if node in slots:
            yield b"r" + slots[node].to_bytes(4, "little")
            return
        slots[node] = len(slots)
        head = bytes([head[0] | _SHARED]) + head[1:]
    yield head
    for part in node.parts:
        if isinstance(part, bytes):
            yield part
        else:
            yield from _write(part, counts, slots)
