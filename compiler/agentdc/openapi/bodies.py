"""A JSON Schema of any draft as a component of an OpenAPI document, in the words of draft 2020-12.

Inside the document a schema has no identity of its own: `$id` and anchors go, and every reference becomes the full
path of what it means. What only describes (title, format, examples) stays as it is.

    component({"$ref": "#/definitions/a", "definitions": {"a": {}}}, "#/components/schemas/order")
    -> {"$ref": "#/components/schemas/order/definitions/a", "definitions": {"a": {}}}
"""

from __future__ import annotations

from typing import Any, TypeAlias
from urllib.parse import quote

from agentdc.codegen.schema_document import Document, Pointer, fragment, subschemas

Json: TypeAlias = Any

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_IDENTITY = frozenset(
    {"$anchor", "$dynamicAnchor", "$id", "$recursiveAnchor", "$schema", "$vocabulary", *_REFERENCES}
)
_DEFINITIONS = frozenset({"$defs", "definitions"})


def component(schema: Json, root: str) -> Json:
    """The schema as it may stand at `root`. It is one that a validator could be made of (see `codegen.schema`)."""
    return _Mover(Document(schema), root).copy(schema, ())


class _Mover:
    """Copies one document. A place is the pointer of a schema; everything else is copied as it is."""

    def __init__(self, document: Document, root: str) -> None:
        self._document = document
        self._root = root
        self._places: set[Pointer] = set()
        waiting: list[Pointer] = [()]
        while waiting:
            pointer = waiting.pop()
            if pointer in self._places:
                continue
            self._places.add(pointer)
            schema = document.at(pointer)
            waiting += [(*pointer, *step) for step, _ in subschemas(schema)]
            if isinstance(schema, dict):
                waiting += [self._target(schema, pointer, word) for word in self._words(schema, pointer)]

    def _words(self, schema: dict[str, Json], pointer: Pointer) -> list[str]:
        draft = self._document.resource(pointer).draft
        known = {"$ref": True, "$dynamicRef": draft == 2020, "$recursiveRef": draft == 2019}
        return [word for word in _REFERENCES if word in schema and known[word]]

    def _target(self, schema: dict[str, Json], pointer: Pointer, word: str) -> Pointer:
        return self._document.target(schema[word], pointer, word)[0]

    def copy(self, value: Json, pointer: Pointer) -> Json:
        """What stands at a pointer."""
        if isinstance(value, list):
            return [self.copy(each, (*pointer, index)) for index, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if pointer not in self._places:
            return {name: self.copy(each, (*pointer, name)) for name, each in value.items()}
        return self._schema(value, pointer)

    def _schema(self, schema: dict[str, Json], pointer: Pointer) -> Json:
        draft = self._document.resource(pointer).draft
        alone = draft <= 7 and "$ref" in schema  # what stands beside it does not count
        out: dict[str, Json] = {}
        for word, value in schema.items():
            if word in _IDENTITY or (word == "id" and draft == 4) or (alone and word not in _DEFINITIONS):
                continue
            copied = self.copy(value, (*pointer, word))
            self._put(out, word, copied, isinstance(schema.get("items"), list), draft)
        for word in ("exclusiveMinimum", "exclusiveMaximum"):
            if isinstance(out.get(word), bool):  # a flag without its limit
                del out[word]
        words = self._words(schema, pointer)
        references = [{"$ref": self._address(self._target(schema, pointer, word))} for word in words]
        if len(references) == 1:
            out |= references[0]
        elif references:
            out["allOf"] = [*out.get("allOf", ()), *references]
        return out

    @staticmethod
    def _put(out: dict[str, Json], word: str, value: Json, tuple_items: bool, draft: int) -> None:
        """One keyword in the words of the newest draft."""
        if draft < 2020 and tuple_items and word in {"items", "additionalItems"}:
            word = "prefixItems" if word == "items" else "items"
        elif draft < 2020 and word == "additionalItems":
            return
        if word == "dependencies" and isinstance(value, dict):
            for name, each in value.items():
                kind = "dependentRequired" if isinstance(each, list) else "dependentSchemas"
                out.setdefault(kind, {})[name] = each
            return
        if draft == 4 and word in {"exclusiveMinimum", "exclusiveMaximum"}:
            plain = "minimum" if word == "exclusiveMinimum" else "maximum"
            out[word] = value
            _exclusive(out, plain, word)
            return
        out[word] = value
        if draft == 4 and word in {"minimum", "maximum"}:
            _exclusive(out, word, f"exclusive{word.title()}")

    def _address(self, target: Pointer) -> str:
        """The path of a target in the whole document, whose words may be newer than those of the pointer."""
        steps: list[str | int] = []
        for length, step in enumerate(target):
            holder = target[:length]
            schema = self._document.at(holder)
            draft = self._document.resource(holder).draft
            if holder in self._places and isinstance(schema, dict) and isinstance(step, str):
                following = target[length + 1] if length + 1 < len(target) else None
                steps.append(_renamed(schema, step, following, draft))
            else:
                steps.append(step)
        return self._root + quote(fragment(tuple(steps))[1:], safe="/~!$&'()*+,;=:@-._")


def _renamed(schema: dict[str, Json], word: str, following: str | int | None, draft: int) -> str:
    if word == "dependencies" and following is not None:
        return "dependentSchemas"
    if draft < 2020 and isinstance(schema.get("items"), list):
        return {"items": "prefixItems", "additionalItems": "items"}.get(word, word)
    return word


def _exclusive(out: dict[str, Json], plain: str, exclusive: str) -> None:
    """Draft 4 says by a flag beside the limit what later drafts say by a limit of its own."""
    if out.get(exclusive) is True and plain in out:
        out[exclusive] = out.pop(plain)
    elif out.get(exclusive) is False:
        del out[exclusive]
