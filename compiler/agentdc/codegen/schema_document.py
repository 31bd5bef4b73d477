"""A JSON Schema document: where its subschemas stand, which draft each follows, and where its references lead.

Knows the resources (`$id`), anchors and drafts of one document. Nothing outside the document is ever looked at: a
reference that leaves it is an error. What keywords mean is told by `schema_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

Json: TypeAlias = Any
Pointer: TypeAlias = tuple[str | int, ...]

MAX_DEPTH = 100  # of subschemas in subschemas
MAX_NESTING = 256  # of objects and arrays in each other
DRAFTS = {
    "http://json-schema.org/draft-04/schema": 4,
    "http://json-schema.org/draft-06/schema": 6,
    "http://json-schema.org/draft-07/schema": 7,
    "https://json-schema.org/draft/2019-09/schema": 2019,
    "https://json-schema.org/draft/2020-12/schema": 2020,
}
NEWEST = 2020
_KNOWN = "4, 6, 7, 2019-09 and 2020-12"

# Where subschemas stand. Definitions are looked into in every draft: older ones use the newer word, and the reverse.
ONE = (
    "additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not",
    "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip
MANY = ("allOf", "anyOf", "items", "oneOf", "prefixItems")
NAMED = ("$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties")


class SchemaError(Exception):
    """A schema that no validator can be made of. `pointer`: where in it; `reason`: why."""

    def __init__(self, pointer: Pointer, reason: str) -> None:
        super().__init__(f"{fragment(pointer)}: {reason}" if pointer else reason)
        self.pointer = pointer
        self.reason = reason


@dataclass(slots=True)
class Resource:
    """A schema with an identity. `uri`: absolute or relative, "" when it has none; `pointer`: where it begins.

    `anchors`: name to place; `dynamic`: those of them that `$dynamicRef` may choose among ("" is the recursive one).
    """

    uri: str
    pointer: Pointer
    draft: int
    anchors: dict[str, Pointer] = field(default_factory=dict)
    dynamic: dict[str, Pointer] = field(default_factory=dict)


class Document:
    """One document. `declared`: whether it names its draft; `default`: the draft if it does not."""

    def __init__(self, schema: Json, default: int = NEWEST) -> None:
        if _nesting(schema) > MAX_NESTING:
            raise SchemaError((), f"more than {MAX_NESTING} objects and arrays inside each other")
        self.schema = schema
        self.declared = isinstance(schema, dict) and "$schema" in schema
        self._by_uri: dict[str, Resource] = {}
        self._places: dict[Pointer, Resource] = {}
        root = Resource("", (), default)
        self._by_uri[""] = root
        self._enter(schema, (), root)
        self.has_dynamic = any(each.dynamic for each in self._by_uri.values())

    def resource(self, pointer: Pointer) -> Resource:
        """The resource that a place belongs to, also one that is not known to hold a schema."""
        while pointer not in self._places:
            pointer = pointer[:-1]
        return self._places[pointer]

    def at(self, pointer: Pointer) -> Json:
        """What stands at a place that exists."""
        value = self.schema
        for step in pointer:
            value = value[step]
        return value

    def target(self, reference: Json, pointer: Pointer, keyword: str) -> tuple[Pointer, str]:
        """The place that a reference leads to, and its fragment."""
        here = (*pointer, keyword)
        if not isinstance(reference, str):
            raise SchemaError(here, "must be a string")
        base = self.resource(pointer).uri
        uri, name = urldefrag(_joined(base, reference, here))
        resource = self._by_uri.get(uri) or self._by_uri.get(f"{uri}#")
        if resource is None:
            raise SchemaError(here, f'refers to "{reference}", which is not in this document')
        name = unquote(name)
        if name and not name.startswith("/"):
            if name not in resource.anchors:
                raise SchemaError(here, f'refers to "{reference}", and there is no such anchor')
            return resource.anchors[name], name
        return self._followed(resource.pointer, name, reference, here), name

    def _followed(self, start: Pointer, name: str, reference: str, here: Pointer) -> Pointer:
        pointer, value = start, self.at(start)
        for part in name.split("/")[1:]:
            step: str | int = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and part.isdecimal() and part.isascii() and int(part) < len(value):
                step = int(part)
            elif not (isinstance(value, dict) and step in value):
                raise SchemaError(here, f'refers to "{reference}", and there is nothing')
            value = value[step]
            pointer = (*pointer, step)
        return pointer

    def _enter(self, schema: Json, pointer: Pointer, resource: Resource, depth: int = 0) -> None:
        """Note the resources and anchors of a schema and of all below it."""
        if depth > MAX_DEPTH:
            raise SchemaError(pointer, f"more than {MAX_DEPTH} schemas inside each other")
        if isinstance(schema, dict):
            resource = self._identified(schema, pointer, resource)
            _anchored(schema, pointer, resource)
        self._places[pointer] = resource
        for step, below in subschemas(schema):
            self._enter(below, (*pointer, *step), resource, depth + 1)

    def _identified(self, schema: dict[str, Json], pointer: Pointer, outer: Resource) -> Resource:
        draft = _draft(schema, pointer, outer.draft) if not pointer or "$id" in schema else outer.draft
        word = "id" if draft == 4 else "$id"
        name = schema.get(word)
        plain_reference = draft <= 7 and "$ref" in schema
        if not isinstance(name, str) or plain_reference or (draft <= 7 and name.startswith("#")):
            outer.draft = draft if not pointer else outer.draft
            if isinstance(name, str) and name.startswith("#") and not plain_reference:
                outer.anchors[name[1:]] = pointer
            return outer
        uri = urldefrag(_joined(outer.uri, name, (*pointer, word)))[0]
        found = Resource(uri, pointer, draft)
        taken = self._by_uri.get(uri)
        if taken is not None and (pointer or uri):
            raise SchemaError((*pointer, word), f'"{name}" is the name of two schemas')
        self._by_uri[uri] = found
        if not pointer:
            self._by_uri[""] = found  # what calls the document by no name
        return found


def fragment(pointer: Pointer) -> str:
    """The place as text, such as `#/properties/a~1b`."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in pointer)
    return "".join(["#", *(f"/{step}" for step in steps)])


def subschemas(schema: Json) -> Iterator[tuple[Pointer, Json]]:
    """Each schema directly below one, with the steps to it."""
    if not isinstance(schema, dict):
        return
    for word in ONE:
        if isinstance(schema.get(word), dict | bool):
            yield (word,), schema[word]
    for word in MANY:
        if isinstance(schema.get(word), list):
            yield from (((word, index), each) for index, each in enumerate(schema[word]))
    for word in NAMED:
        if isinstance(schema.get(word), dict):
            for name, each in schema[word].items():
                if isinstance(each, dict | bool):  # a dependency may be a list of names
                    yield (word, name), each


def _nesting(value: Json) -> int:
    """How deep a value is, up to one more than is allowed."""
    level, depth = [value], 0
    while level and depth <= MAX_NESTING:
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        depth += 1
    return depth


def _draft(schema: dict[str, Json], pointer: Pointer, inherited: int) -> int:
    if "$schema" not in schema:
        return inherited
    name = schema["$schema"]
    draft = DRAFTS.get(name.removesuffix("#")) if isinstance(name, str) else None
    if draft is None:
        raise SchemaError((*pointer, "$schema"), f"names no draft that is known; known are {_KNOWN}")
    return draft


def _anchored(schema: dict[str, Json], pointer: Pointer, resource: Resource) -> None:
    words = {2019: ("$anchor",), 2020: ("$anchor", "$dynamicAnchor")}.get(resource.draft, ())
    for word in words:
        name = schema.get(word)
        if name is None:
            continue
        if not isinstance(name, str) or not name:
            raise SchemaError((*pointer, word), "must be a name")
        if resource.anchors.get(name, pointer) != pointer:
            raise SchemaError((*pointer, word), f'the anchor "{name}" is there twice')
        resource.anchors[name] = pointer
        if word == "$dynamicAnchor":
            resource.dynamic[name] = pointer
    if resource.draft == 2019 and pointer == resource.pointer and schema.get("$recursiveAnchor") is True:
        resource.dynamic[""] = pointer


def _joined(base: str, reference: str, here: Pointer) -> str:
    try:
        if urlsplit(reference).scheme:
            return reference
        # urljoin knows only hierarchical addresses: a fragment belongs to whatever the base is.
        return base + reference if reference.startswith("#") else urljoin(base, reference)
    except ValueError as problem:
        raise SchemaError(here, "is no address") from problem
