"""Which modules outside its own tree an app can import: the question that decides what a binary may leave out.

Reads imports with `ast`, from the tree and on through the standard library and the linked packages; imports and runs
nothing. It errs towards more: a name it reports may still be unused. It knows nothing of PyInstaller.

Three manners of reading, because modules import for different reasons:
- the app's own files and linked packages: every import, also inside functions;
- the standard library: imports at module level and of its own package, since what else it imports inside functions is
  for rare paths (`random` imports `statistics` for its self-test), and a table of the exceptions;
- in neither: imports for type checkers, below `__name__ == "__main__"`, and, in the standard library, those that
  may fail (`try … except ImportError`), because the module is written to do without;
- extension modules of linked packages: names of standard modules among their bytes, as they import from C or Rust.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path

# Imports that no `import` statement shows: (text in a file of the app or a package, module imported for it).
_HIDDEN_TEXT = (
    (b"strptime", "_strptime"),
    (b"ProcessPoolExecutor", "multiprocessing"),
    (b"runtime_checkable", "inspect"),
)
# Optional in the standard library, expected by who uses it from outside.
_EXPECTED = {"http.client": "ssl", "urllib.request": "ssl"}
# What the standard library imports from C, or inside a function that an app may well call.
_LATE: dict[str, tuple[str, ...]] = {
    "argparse": ("shutil", "copy"),
    "decimal": ("numbers", "contextvars"),
    "platform": ("subprocess",),
    "ssl": ("calendar", "_strptime"),
    "uuid": ("hashlib", "random"),
    "xml": ("copy",),
    "zoneinfo": ("sysconfig", "importlib.resources"),
}
_WORD = re.compile(rb"[A-Za-z0-9_]{2,40}\0?")
# Only reached through ProcessPoolExecutor, and the one door to multiprocessing.
_NOT_FOLLOWED = frozenset({"concurrent.futures.process"})


def needed_modules(files: Mapping[str, bytes], packages: Iterable[str] = ()) -> frozenset[str]:
    """Dotted names that the app tree `files` (path to content) may import, outside itself.

    `packages`: import names of the third-party packages it is linked with; they are followed, no others are. Names
    that exist nowhere may be among the result. Files that are not valid Python are skipped: they end another stage.
    """
    linked = set(packages)
    own = {path.split("/")[0].removesuffix(".py") for path in files if path.endswith(".py")}
    waiting: list[str] = sorted(linked)
    for path, content in sorted(files.items()):
        if path.endswith(".py"):
            package = path.rpartition("/")[0].replace("/", ".")
            waiting += imports_of(content, package, thorough=True)
    waiting += [_EXPECTED[name] for name in waiting if name in _EXPECTED]
    needed: set[str] = set()
    while waiting:
        name = waiting.pop()
        top = name.partition(".")[0]
        if name in needed or name in _NOT_FOLLOWED or top in own:
            continue
        needed.add(name)
        if top in linked or top in sys.stdlib_module_names:
            waiting += _imports_of_module(name, thorough=top in linked)
    return frozenset(needed)


def imports_of(source: bytes, package: str, *, thorough: bool) -> list[str]:
    """Dotted names imported by one file of `package` (dotted, may be empty); see the module text for `thorough`."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    names: list[str] = []
    for node in _import_nodes(tree.body, thorough=thorough):
        match node:
            case ast.Import():
                names += [prefix for alias in node.names for prefix in _prefixes(alias.name)]
            case ast.ImportFrom():
                base = _absolute(node, package)
                names += _prefixes(base)
                names += [f"{base}.{alias.name}" for alias in node.names if alias.name != "*"]
    if thorough:
        names += [name for text, name in _HIDDEN_TEXT if text in source]
    return names


def _import_nodes(body: Iterable[ast.AST], *, thorough: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.If() if _never_at_run_time(node.test):
                yield from _import_nodes(node.orelse, thorough=thorough)
            case ast.Try() if not thorough and any(_catches_import_error(each) for each in node.handlers):
                yield from _import_nodes(node.orelse + node.finalbody, thorough=thorough)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if not thorough:
                continue
            case _:
                yield from _import_nodes(ast.iter_child_nodes(node), thorough=thorough)


def _never_at_run_time(test: ast.expr) -> bool:
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
        case ast.Compare(left=ast.Name(id="__name__"), comparators=[ast.Constant(value="__main__")]):
            return True
    return False


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        each is None
        or (isinstance(each, ast.Name) and each.id in {"ImportError", "ModuleNotFoundError", "Exception"})
        for each in caught
    )


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts) + 1)]


@lru_cache(maxsize=4096)
def _imports_of_module(name: str, *, thorough: bool) -> tuple[str, ...]:
    spec = _find(name)
    if spec is not None and thorough and isinstance(spec.loader, ExtensionFileLoader):
        return tuple(_named_in(Path(spec.loader.path).read_bytes()))
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        return ()
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    source = Path(spec.loader.path).read_bytes()
    if thorough:
        return tuple(imports_of(source, package, thorough=True))
    # inside its own package the standard library may defer what every user needs (concurrent.futures.thread)
    top = f"{name.partition('.')[0]}."
    late = [
        each
        for each in imports_of(source, package, thorough=True)
        if each.startswith(top) and top != "importlib."
    ]
    return (*imports_of(source, package, thorough=False), *late, *_LATE.get(name, ()))


def _named_in(library: bytes) -> list[str]:
    """Standard modules whose name is in a library: long names anywhere (Rust keeps strings without an end mark),
    short ones as a whole C string.
    """
    words = set(_WORD.findall(library))
    text = b"\n".join(words)
    names = [(name, name.encode()) for name in sorted(sys.stdlib_module_names)]
    return [name for name, word in names if word + b"\0" in words or (len(word) >= 6 and word in text)]


@lru_cache(maxsize=4096)
def _find(name: str) -> ModuleSpec | None:
    """Where a module is, without importing its parents (importlib.util.find_spec would)."""
    parent = name.rpartition(".")[0]
    if not parent:
        return PathFinder.find_spec(name)
    above = _find(parent)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(name, list(above.submodule_search_locations))
