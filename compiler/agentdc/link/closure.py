"""Which modules of the runtime library an app reaches, found by reading imports; nothing is imported to find out.

An import under `if TYPE_CHECKING:` reaches nothing at run time; one inside a function does.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

RUNTIME = "agentdc_runtime"

Library = Callable[[str], str | None]
"""The source text of a module of the runtime library by dotted name, or None when there is no such module."""


@dataclass(frozen=True, slots=True)
class Closure:
    """`modules`: dotted name to source, sorted, packages included. `others`: top-level names of other imports."""

    modules: dict[str, str]
    others: frozenset[str]


class MissingModule(Exception):
    """A module that something imports and the library does not have: a mistake of ours."""


def reachable_modules(roots: Iterable[str], library: Library) -> Closure:
    """Everything of the library that the `roots` (source texts) reach."""
    found: dict[str, str] = {}
    others: set[str] = set()
    waiting = list(roots)
    while waiting:
        for module, name in imports(waiting.pop()):
            if not (module == RUNTIME or module.startswith(f"{RUNTIME}.")):
                others.add(module.partition(".")[0])
                continue
            for each in _with_packages(module, name, library):
                if each not in found:
                    text = library(each)
                    if text is None:
                        raise MissingModule(each)
                    found[each] = text
                    waiting.append(text)
    return Closure(dict(sorted(found.items())), frozenset(others))


def imports(source: str) -> Iterator[tuple[str, str | None]]:
    """(module, imported name or None) of every import that can run."""
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Import(names=names):
                for alias in names:
                    yield alias.name, None
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    yield module, alias.name
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=orelse):
                waiting.extend(orelse)
            case _:
                waiting.extend(ast.iter_child_nodes(node))


def _with_packages(module: str, name: str | None, library: Library) -> Iterator[str]:
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])
    if name is not None and library(f"{module}.{name}") is not None:
        yield f"{module}.{name}"
