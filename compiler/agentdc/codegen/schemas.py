"""The module of an app that checks values: a function per schema file of a route, and what models are to answer.

One schema is one function, however many routes and nodes of however many files name it; an answer is a constant
with the function and the schema itself, which a provider may be sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from agentdc.codegen.literals import literal
from agentdc.codegen.names import Names
from agentdc.ir.ops import AnswerSchema, Bundle, Program
from agentdc.ir.walk import parts

ANSWER = "agentdc_runtime.models.answer"


class Schemas:
    """The names of one app's schemas: of the functions, and of the answers."""

    def __init__(self, bundle: Bundle) -> None:
        names = Names({"check", "Answer"})
        self._functions: dict[str, str] = {}
        self._documents: dict[str, Any] = {}
        self._answers: dict[str, str] = {}
        routes = () if bundle.service is None else bundle.service.routes
        for route in routes:
            if route.schema is not None:
                self._take(_stem(route.schema.file) or "body", route.schema.document, names)
        for each in answers(bundle.programs):
            key = _key(each.document)
            if key not in self._answers:
                stem = _stem(each.name)
                self._take(stem or "answer", each.document, names)
                self._answers[key] = names.take(f"answer_{stem}".strip("_"), upper=True)

    def __bool__(self) -> bool:
        return bool(self._functions)

    def function(self, document: Any) -> str:
        """The function that checks values against a schema."""
        return self._functions[_key(document)]

    def answer(self, document: Any) -> str:
        """The constant of what a model must answer."""
        return self._answers[_key(document)]

    def module(self) -> str:
        """The text of the module."""
        from agentdc.codegen.schema import schemas_source  # only apps with schemas pay for it

        functions = {name: self._documents[key] for key, name in self._functions.items()}
        reserved = {*self._answers.values(), "Answer"}
        text = schemas_source(functions, reserved=reserved)
        if not self._answers:
            return text
        head, _, rest = text.partition("TYPE_CHECKING = False")
        constants = [
            f"{name} = Answer({self._functions[key]}, {literal(self._documents[key])})\n"
            for key, name in self._answers.items()
        ]
        return f"{head}from {ANSWER} import Answer\n\nTYPE_CHECKING = False{rest}\n\n{''.join(constants)}"

    def _take(self, stem: str, document: Any, names: Names) -> None:
        key = _key(document)
        if key not in self._functions:
            self._functions[key] = names.take(stem, prefix="check_")
            self._documents[key] = document


def answers(programs: Iterable[Program]) -> Iterable[AnswerSchema]:
    """Every answer with a schema, in the order of the programs."""
    for program in programs:
        for block in program.blocks:
            for step in block.steps:
                for part in parts(step.value):
                    if isinstance(part, AnswerSchema) and part.document is not None:
                        yield part


def _key(document: Any) -> str:
    return json.dumps(document, sort_keys=True)


def _stem(name: str) -> str:
    """What a schema is called after: its file; empty when the text stands in the workflow."""
    return "" if name.lstrip().startswith("{") else name.removesuffix(".json")
