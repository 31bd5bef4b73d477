"""Texts of any shape for every field of a workflow, and the skeleton of the code that must not depend on them."""

from __future__ import annotations

import ast
import json
from typing import Any, TypeAlias

from compiled import RUNTIME

from agentdc.driver.compile import Compiled

Table: TypeAlias = dict[str, Any]
AWAITED = {"call", "http_request", "map", "parallel", "shell_run"}  # what awaits, and what runs children
ASKING = {"agent_loop", "call_mcp_tool", "llm_infer", "read_mcp_resource"}  # what asks models and servers

ASKED = {"call_mcp_tool", "read_mcp_resource"}  # what asks MCP servers

HOSTILE = {
    "quotes": 'it\'s "quoted" `so`',
    "triple quotes": '"""; import os; """',
    "triple apostrophes": "'''\nraise SystemExit(1)\n'''",
    "backslashes": "\\ \\\\ \\n \\x41 \\N{BULLET} \\",
    "ends in a backslash": "a\\",
    "newlines": "one\ntwo\r\nthree\rfour\x0bfive\x0csix",
    "many lines": "a line that is long enough to be cut\n" * 7,
    "holes": "{{x}} {{ }} {{{y}}} }} {{",
    "braces": "{x!r} {0} {} %s %(x)s $x ${x}",
    "jinja": "{% raw %}{{ x }}{% endraw %}{# note #}{%- if 1 %}\n# line statement",
    "python": "__import__('os').system('true') # \n'\\''+exit()+'",
    "comment": "# a comment\n#: another",
    "nul": "a\0b\0",
    "controls": "\x01\x07\x08\x1b[31mred\x1b[0m\x7f\x85",
    "bidi": "\u202edesrever\u202c \u2066isolate\u2069 \u200fאבג",
    "separators": "a\u2028b\u2029c\u0085d\x1ce\x1df",
    "near surrogates": "\ud7ff\ue000\uffff\\ud800\\udfff\U0001f600\U0010ffff",
    "bom": "\ufeffbom\ufeff",
    "keyword": "class",
    "dunder": "__class__",
    "name of ours": "run",
    "blank": " \t ",
    "number": "0123",
    "very long": "x" * 20_000,
    "long words": "word " * 3_000,
    "emoji": "👩‍👩‍👧‍👦 e\u0301",
}


def segment(text: str) -> str:
    """The text as one segment of a path: without dots."""
    return text.replace(".", "·")


def toml(value: Any) -> str:
    """TOML of a value, every character that could matter escaped."""
    if isinstance(value, str):
        return (
            '"'
            + "".join(each if each.isalnum() and each.isascii() else f"\\U{ord(each):08x}" for each in value)
            + '"'
        )
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def document(tables: Table, *policy: str) -> str:
    """TOML of a workflow: its texts, then its arrays of tables, then `policy` as it is."""
    lines = [f"{key} = {toml(value)}" for key, value in tables.items() if isinstance(value, str)]
    for name, entries in tables.items():
        for entry in entries if isinstance(entries, list) else ():
            lines += [f"[[{name}]]", *(f"{key} = {toml(value)}" for key, value in entry.items())]
    return "\n".join([*lines, *policy]) + "\n"


class Skeleton(ast.NodeTransformer):
    """Constants without their value, and names by the order in which they are met."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(type(node.value).__name__)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._known(node.id))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._known(node.name)
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.name = self._known(node.name)
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.module is not None and not node.module.startswith("agentdc_runtime"):
            node.module = self._known(node.module)
            for alias in node.names:
                alias.name = self._known(alias.name)
        return node

    def _known(self, name: str) -> str:
        return self._names.setdefault(name, f"name{len(self._names)}")


def skeletons(app: Compiled) -> dict[str, str]:
    """The skeleton of each generated module, by the last part of its path; the one child is called `child`."""
    return {
        _module(name): ast.dump(Skeleton().visit(ast.parse(data)))
        for name, data in app.files.items()
        if name.endswith(".py") and not name.startswith(RUNTIME)
    }


def _module(name: str) -> str:
    last = name.rpartition("/")[2]
    return last if last in {"__init__.py", "__main__.py", "main.py", "workflow.py"} else "child"
