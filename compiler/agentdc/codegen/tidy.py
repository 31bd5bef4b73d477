"""Generated text made tidy: imports merged and sorted by libcst, the whole formatted by the pinned black.

Text that does not parse is a mistake of the compiler.
"""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst


class UnparsableSource(Exception):
    """Generated text that is not Python."""


def tidy(source: str) -> str:
    """The text with merged imports, formatted."""
    import black
    from black.mode import TargetVersion

    try:
        module = cst.parse_module(source)
    except cst.ParserSyntaxError as error:
        raise UnparsableSource(str(error)) from error
    merged = module.with_changes(body=_merged(module.body)).code
    return black.format_str(merged, mode=black.Mode(line_length=100, target_versions={TargetVersion.PY311}))


def _merged(body: Sequence[cst.BaseCompoundStatement | cst.SimpleStatementLine]) -> list[object]:
    """The module body with `from x import a` lines of one module joined, sorted, where the first one stood."""
    names: dict[str, set[str]] = {}
    rest: list[object] = []
    first: int | None = None
    for statement in body:
        found = _from_import(statement)
        if found is None:
            rest.append(statement)
            continue
        first = len(rest) if first is None else first
        module, imported = found
        names.setdefault(module, set()).update(imported)
    lines = [f"from {module} import {', '.join(sorted(names[module]))}\n" for module in sorted(names)]
    joined = list(cst.parse_module("".join(lines)).body)
    return rest if first is None else [*rest[:first], *joined, *rest[first:]]


def _from_import(statement: cst.BaseStatement) -> tuple[str, set[str]] | None:
    """(module, names) of a plain `from module import names` line; None for anything else."""
    match statement:
        case cst.SimpleStatementLine(body=[cst.ImportFrom(module=module, names=[*names], relative=[])]):
            if module is None or any(alias.asname for alias in names):
                return None
            name = cst.Module(body=[]).code_for_node(module)
            if name == "__future__":
                return None
            return name, {cst.Module(body=[]).code_for_node(alias.name) for alias in names}
    return None
