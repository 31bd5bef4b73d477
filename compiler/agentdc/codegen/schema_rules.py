"""A JSON Schema of any draft to rules: one plain form, from which code is generated and violations are told.

Rules are a table from the name of a place to a schema. Its keywords are those of draft 2020-12 with one meaning each,
and nothing else: every reference is the name of another entry, patterns are written for `re`, `type` is a list. So
neither the generator nor the runtime library knows drafts, identities or dynamic scopes.

    {"$schema": ".../draft-04/schema#", "maximum": 9, "exclusiveMaximum": true}  -> {"#": {"exclusiveMaximum": 9}}

Dynamic references are chosen here as well: which anchor is outermost depends only on the schemas that were entered on
the way, so an entry is made once for each such way (`_Scope`), as a generic function is for its arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from agentdc.codegen.schema_document import (
    NEWEST,
    Document,
    Pointer,
    SchemaError,
    fragment,
    subschemas,
)
from agentdc.codegen.schema_pattern import PatternError, translated

Json: TypeAlias = Any
Rules: TypeAlias = dict[str, Json]
_Scope: TypeAlias = tuple[tuple[str, Pointer], ...]

ROOT = "#"
MAX_RULES = 5_000
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def rules(schema: Json, default: int = NEWEST) -> Rules:
    """The rules of a document, its own first; `default`: the draft when it names none. Raises SchemaError."""
    try:
        table = _Table(Document(schema, default)).all()
    except RecursionError as problem:
        raise SchemaError((), "it is nested too deeply") from problem
    _refuse_endless(table)
    return table


class _Table:
    """Makes entries until every reference has one."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._names: dict[tuple[Pointer, _Scope], str] = {}
        self._waiting: list[tuple[str, Pointer, _Scope]] = []

    def all(self) -> Rules:
        self.refer((), ())
        found: Rules = {}
        while self._waiting:
            name, pointer, scope = self._waiting.pop(0)
            found[name] = self.schema(pointer, scope)
        return found

    def refer(self, pointer: Pointer, scope: _Scope) -> str:
        """The name of the entry for a place that is come to in a scope."""
        scope = self._entered(pointer, scope)
        if (pointer, scope) not in self._names:
            if len(self._names) == MAX_RULES:
                raise SchemaError(pointer, f"more than {MAX_RULES} places are referred to")
            name = fragment(pointer)
            same = sum(place == pointer for place, _ in self._names) if self._document.has_dynamic else 0
            self._names[pointer, scope] = name = f"{name} ({same + 1})" if same else name
            self._waiting.append((name, pointer, scope))
        return self._names[pointer, scope]

    def _entered(self, pointer: Pointer, scope: _Scope) -> _Scope:
        """The scope inside the resource of a place: an anchor that is already there is further out, and stays."""
        added = self._document.resource(pointer).dynamic.items()
        return tuple(sorted({**dict(added), **dict(scope)}.items())) if added else scope

    def schema(self, pointer: Pointer, scope: _Scope) -> Json:
        """The plain form of one schema and of what stands inside it."""
        schema = self._document.at(pointer)
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise SchemaError(pointer, "a schema must be an object or a boolean")
        return _Schema(self, self._document, schema, pointer, self._entered(pointer, scope)).plain()


class _Schema:
    """One schema object on its way to the plain form."""

    def __init__(
        self, table: _Table, document: Document, schema: dict[str, Json], pointer: Pointer, scope: _Scope
    ) -> None:
        self._table = table
        self._document = document
        self._schema = schema
        self._pointer = pointer
        self._scope = scope
        self._draft = document.resource(pointer).draft
        self._out: dict[str, Json] = {}

    def plain(self) -> dict[str, Json]:
        schema, out = self._schema, self._out
        if "$ref" in schema:
            out["$ref"] = self._reference("$ref", dynamic=False)
            if self._draft <= 7:  # what stands beside it does not count
                return out
        self._refuse_other_drafts()
        self._copied()
        self._bounds()
        self._arrays()
        self._objects()
        self._combined()
        for word, draft in (("$dynamicRef", 2020), ("$recursiveRef", 2019)):
            if word in schema and self._draft == draft:
                out.setdefault("allOf", []).append({"$ref": self._reference(word, dynamic=True)})
        return out

    # References.

    def _reference(self, word: str, *, dynamic: bool) -> str:
        target, name = self._document.target(self._schema[word], self._pointer, word)
        if dynamic and self._document.resource(target).dynamic.get(name) == target:
            target = dict(self._scope).get(name, target)
        return self._table.refer(target, self._scope)

    def _refuse_other_drafts(self) -> None:
        """A word of another draft in a document that names none would silently not count."""
        if self._draft < 2020 or self._document.declared:
            return
        if "additionalItems" in self._schema:
            message = "is a keyword of older drafts: use `items`, or name the draft in `$schema`"
            raise self._wrong("additionalItems", message)

    # Keywords. Each method reads those of one family; a word that the draft lacks is not read.

    def _copied(self) -> None:
        schema, out = self._schema, self._out
        if "type" in schema:
            out["type"] = self._types(schema["type"])
        if "enum" in schema:
            if not isinstance(schema["enum"], list):
                raise self._wrong("enum", "must be an array")
            out["enum"] = [self._value(each, "enum") for each in schema["enum"]]
        if "const" in schema and self._draft >= 6:
            out["const"] = self._value(schema["const"], "const")
        if "pattern" in schema:
            out["pattern"] = self._pattern(schema["pattern"], "pattern")
        self._counts("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
        if "multipleOf" in schema:
            out["multipleOf"] = self._number("multipleOf")
            if out["multipleOf"] <= 0:
                raise self._wrong("multipleOf", "must be more than 0")

    def _types(self, names: Json) -> list[str]:
        found = [names] if isinstance(names, str) else names
        if not isinstance(found, list) or not found or not all(each in TYPES for each in found):
            raise self._wrong("type", f"must be one or more of {', '.join(TYPES)}")
        if "number" in found:
            found = [each for each in found if each != "integer"]
        elif self._draft == 4:  # there 1.0 is no integer
            found = ["int" if each == "integer" else each for each in found]
        return list(dict.fromkeys(found))

    def _counts(self, *words: str) -> None:
        for word in words:
            if word not in self._schema:
                continue
            count = self._number(word)
            if count < 0 or count != int(count):
                raise self._wrong(word, "must be a whole number of at least 0")
            if count > 0 or word.startswith("max"):
                self._out[word] = int(count)

    def _bounds(self) -> None:
        for word, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            strict = self._schema.get(exclusive, False) if self._draft == 4 else False
            if not isinstance(strict, bool):
                raise self._wrong(exclusive, "must be true or false in draft 4")
            if word in self._schema:
                self._out[exclusive if strict else word] = self._number(word)
            if exclusive in self._schema and self._draft > 4:
                self._out[exclusive] = self._number(exclusive)

    def _arrays(self) -> None:
        schema, out = self._schema, self._out
        if self._draft >= 2020:
            self._many("prefixItems")
            if isinstance(schema.get("items"), list):
                raise self._wrong("items", "is an array only in older drafts: use `prefixItems`")
            self._one("items")
        elif isinstance(schema.get("items"), list):
            if schema["items"]:
                out["prefixItems"] = [self._below("items", index) for index, _ in enumerate(schema["items"])]
            self._one("additionalItems", "items")
        else:
            self._one("items")
        if "uniqueItems" in schema:
            if not isinstance(schema["uniqueItems"], bool):
                raise self._wrong("uniqueItems", "must be true or false")
            if schema["uniqueItems"]:
                out["uniqueItems"] = True
        self._contained()
        if self._draft >= 2019:
            self._one("unevaluatedItems")

    def _contained(self) -> None:
        if self._draft >= 6:
            self._one("contains")
        if "contains" in self._out and self._draft >= 2019:
            self._counts("minContains", "maxContains")
            if self._schema.get("minContains") == 0:
                self._out["minContains"] = 0
            if self._draft == 2019:
                self._out["containsEvaluates"] = False

    def _objects(self) -> None:
        schema, out = self._schema, self._out
        if "required" in schema and schema["required"] != []:
            out["required"] = self._strings(schema["required"], "required")
        self._named("properties")
        self._named("patternProperties")
        self._one("additionalProperties")
        if self._draft >= 6:
            self._one("propertyNames")
        if self._draft >= 2019:
            self._named("dependentSchemas")
            self._one("unevaluatedProperties")
            for name, needed in self._object("dependentRequired").items():
                self._need(name, self._strings(needed, "dependentRequired", name))
        # Newer drafts have two words for it, and go on to know the old one.
        for name, needed in self._object("dependencies").items():
            if isinstance(needed, list):
                self._need(name, self._strings(needed, "dependencies", name))
                continue
            schemas = self._out.setdefault("dependentSchemas", {})
            below = self._below("dependencies", name)
            schemas[name] = {"allOf": [schemas[name], below]} if name in schemas else below

    def _need(self, name: str, needed: list[str]) -> None:
        if needed:
            found = self._out.setdefault("dependentRequired", {})
            found[name] = [*found.get(name, ()), *needed]

    def _combined(self) -> None:
        for word in ("allOf", "anyOf", "oneOf"):
            if word in self._schema and self._schema[word] == []:
                raise self._wrong(word, "must not be empty")
            self._many(word)
        self._one("not")
        if self._draft >= 7 and "if" in self._schema:
            for word in ("if", "then", "else"):
                self._one(word)

    # Shapes.

    def _one(self, word: str, plain: str | None = None) -> None:
        if word in self._schema:
            self._out[plain or word] = self._below(word)

    def _many(self, word: str) -> None:
        if word in self._schema:
            if not isinstance(self._schema[word], list):
                raise self._wrong(word, "must be an array of schemas")
            self._out[word] = [self._below(word, index) for index in range(len(self._schema[word]))]

    def _named(self, word: str) -> None:
        found = {name: self._below(word, name) for name in self._object(word)}
        if word == "patternProperties":
            # Two that come out the same count both.
            for name, rule in list(found.items()):
                pattern = self._pattern(name, word, name)
                del found[name]
                found[pattern] = {"allOf": [found[pattern], rule]} if pattern in found else rule
        if found:
            self._out[word] = found

    def _object(self, word: str) -> dict[str, Json]:
        found = self._schema.get(word, {})
        if not isinstance(found, dict):
            raise self._wrong(word, "must be an object")
        return found

    def _below(self, *steps: str | int) -> Json:
        return self._table.schema((*self._pointer, *steps), self._scope)

    def _strings(self, found: Json, *steps: str) -> list[str]:
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise SchemaError((*self._pointer, *steps), "must be an array of names")
        return list(dict.fromkeys(found))

    def _pattern(self, pattern: Json, *steps: str) -> str:
        if not isinstance(pattern, str):
            raise SchemaError((*self._pointer, *steps), "must be a string")
        try:
            return translated(pattern)
        except PatternError as problem:
            message = f"cannot be used as a regular expression: {problem}"
            raise SchemaError((*self._pointer, *steps), message) from problem

    def _number(self, word: str) -> int | float:
        found = self._value(self._schema[word], word)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self._wrong(word, "must be a number")
        return int(found) if isinstance(found, float) and found.is_integer() else found

    def _value(self, value: Json, word: str) -> Json:
        """A value with numbers as requests have them: integers beyond 64 bits are floats (spec 01 §0)."""
        if isinstance(value, dict):
            return {name: self._value(each, word) for name, each in value.items()}
        if isinstance(value, list):
            return [self._value(each, word) for each in value]
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            value = _float(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise self._wrong(word, "has a number that is too large")
        return value

    def _wrong(self, word: str, reason: str) -> SchemaError:
        return SchemaError((*self._pointer, word), reason)


def _float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


# Properties of rules -------------------------------------------------------------------------------------------


def references(rule: Json, follow: Callable[[Pointer], bool] = lambda _: True) -> set[str]:
    """Names of the entries that a rule refers to, through those of its parts that `follow` agrees to."""
    found: set[str] = set()
    waiting = [rule]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if "$ref" in each:
                found.add(each["$ref"])
            waiting += [below for step, below in subschemas(each) if follow(step)]
    return found


_IN_PLACE = frozenset({"allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then"})


def _refuse_endless(table: Rules) -> None:
    """No entry may lead back to itself for one and the same value."""
    nexts = {name: references(rule, lambda step: step[0] in _IN_PLACE) for name, rule in table.items()}
    for name in cyclic(nexts):
        raise SchemaError((), f"{name} refers to itself without end")


def cyclic(nexts: dict[str, set[str]]) -> list[str]:
    """The entries that lie on a cycle, in order. Tarjan's algorithm with a stack of its own."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    inside: set[str] = set()
    found: set[str] = set()
    for root, first in nexts.items():
        work = [(root, iter(sorted(first)))] if root not in index else []
        while work:
            name, rest = work[-1]
            if name not in index:
                index[name] = low[name] = len(index)
                open_.append(name)
                inside.add(name)
            for target in rest:
                if target not in index:
                    work.append((target, iter(sorted(nexts[target]))))
                    break
                if target in inside:
                    low[name] = min(low[name], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    group = set(open_[open_.index(name) :])
                    del open_[open_.index(name) :]
                    inside -= group
                    if len(group) > 1 or name in nexts[name]:
                        found |= group
    return [name for name in nexts if name in found]
