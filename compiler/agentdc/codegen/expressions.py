"""Expressions of the program as Python source text.

`Source` collects what a module needs besides the text: the runtime functions it calls, as (module, name).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentdc.codegen.literals import literal
from agentdc.codegen.schemas import ANSWER, Schemas
from agentdc.ir.ops import (
    AnswerSchema,
    Call,
    ChildProgram,
    Const,
    Expr,
    Fetch,
    Hole,
    Items,
    Later,
    Load,
    Named,
    Record,
    Segments,
    Template,
    TriggerInput,
)

VALUES = "agentdc_runtime.values"


@dataclass(slots=True)
class Source:
    """Writes the expressions of one block.

    `variables`: node id to local variable. `children`: child program to its module. `schemas`: names of the app's
    schemas, which stand in `package`. `imports`: (module, name) of what the text calls; filled in.
    `before`: statements that must stand before the expression; the caller takes them.
    """

    variables: Mapping[str, str]
    children: Mapping[str, str]
    package: str
    schemas: Schemas
    imports: set[tuple[str, str]] = field(default_factory=set)
    before: list[str] = field(default_factory=list)

    def write(self, expr: Expr) -> str:
        """Python source of one expression."""
        match expr:
            case Const(value) | Segments(value):
                return literal(value)
            case Items(items):
                return f"({''.join(self.write(item) + ',' for item in items)})"
            case ChildProgram(file):
                return f"{self.children[file]}.PROGRAM"
            case Named(name):
                return self._named(name)
            case AnswerSchema(_, document):
                return self._answer(document)
            case TriggerInput():
                return "run.input"
            case Record(items):
                fields = ", ".join(f"{literal(key)}: {self.write(value)}" for key, value in items)
                return "{" + fields + "}"
            case Later(body):
                return f"lambda: {self.write(body)}"
            case Call():
                return self._call(expr)
            case Fetch():
                return self._fetch(expr)
            case Template():
                return self._template(expr)
            case Load():
                raise ValueError(f"the path {expr.path} was not resolved")

    def _answer(self, document: Any) -> str:
        module, name = (ANSWER, "ANY_JSON") if document is None else (self.package, "schemas")
        self.imports.add((module, name))
        return name if document is None else f"{name}.{self.schemas.answer(document)}"

    def _named(self, function: str) -> str:
        """A name of the runtime library, behind that of its module."""
        module, _, name = function.partition(":")
        package, _, stem = module.rpartition(".")
        self.imports.add((package, stem))
        return f"{stem}.{name}"

    def _call(self, call: Call) -> str:
        arguments = ["run"] if call.takes_run else []
        arguments += [f"{key}={self.write(value)}" for key, value in call.arguments]
        return f"{self._named(call.function)}({', '.join(arguments)})"

    def _fetch(self, fetch: Fetch) -> str:
        if not fetch.ran:
            return self._search("run.outputs", (fetch.node, *fetch.segments), fetch)
        base = self.variables[fetch.node] if fetch.local else f"run.outputs[{literal(fetch.node)}]"
        base += "".join(f"[{literal(each)}]" for each in fetch.segments[: fetch.certain])
        rest = fetch.segments[fetch.certain :]
        return self._search(base, rest, fetch) if rest else base

    def _search(self, base: str, segments: tuple[str, ...], fetch: Fetch) -> str:
        if fetch.missing == "null":
            return f"{self._value('find')}({base}, {literal(segments)})"
        where = f"{literal(fetch.tool)}, {literal(fetch.path)}"
        return f"{self._value('need')}({base}, {literal(segments)}, {where})"

    def _template(self, template: Template) -> str:
        data = self.write(template.data)
        if isinstance(template.data, Fetch) and data.endswith(
            ")"
        ):  # a search: done once, and even without holes
            self.before.append(f"data = {data}")
            data = "data"
        parts = [
            literal(each) if isinstance(each, str) else self._hole(each, data) for each in template.parts
        ]
        if not parts:
            return "''"
        return parts[0] if len(parts) == 1 else "(" + " + ".join(parts) + ")"

    def _hole(self, hole: Hole, data: str) -> str:
        inner = data + "".join(f"[{literal(each)}]" for each in hole.segments)
        if hole.known == "string":
            return inner
        if hole.known == "value":
            return f"{self._value('text')}({inner})"
        return f"{self._value('fill')}({data}, {literal(hole.segments)}, {literal(hole.key)})"

    def _value(self, name: str) -> str:
        self.imports.add((VALUES, name))
        return name
