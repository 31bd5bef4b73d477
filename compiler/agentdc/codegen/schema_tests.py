"""Conditions for the keywords of JSON Schema that look at one value, and the constants that they need.

Constants are what a schema brings along: names, patterns, listed values. All of them enter source by `literals`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

from agentdc.codegen.conditions import FALSE, TRUE, All, Condition, Test, both, either
from agentdc.codegen.literals import literal
from agentdc.codegen.names import Names

Json: TypeAlias = Any
Rule: TypeAlias = dict[str, Json]
Lines: TypeAlias = list[str]

SCHEMA = "agentdc_runtime.http.schema"
JSONTEXT = "agentdc_runtime.jsontext"
MOST_WRITTEN = 300  # parts of a constant; a longer one is JSON text, which is quick to format and to compile
MOST_DEEP = 12

_NUMBER = "number"
_GROUPS = {"int": _NUMBER, "integer": _NUMBER}
_CLASSES = {"array": "list", "boolean": "bool", "int": "int", "object": "dict", "string": "str"}
_BOUNDS = (
    ("minimum", ">=", "<"),
    ("exclusiveMinimum", ">", "<="),
    ("maximum", "<=", ">"),
    ("exclusiveMaximum", "<", ">="),
)


class Constants:
    """The constants of a module, each once. `imports`: (module, name) of what is used; `regular`: whether `re` is."""

    def __init__(self, names: Names) -> None:
        self.lines: Lines = []
        self.imports: set[tuple[str, str]] = set()
        self.regular = False
        self._names = names
        self._taken: dict[str, str] = {}

    def known(self, values: Iterable[Json], stem: str) -> str:
        """A set of strings or of numbers."""
        distinct = list(dict.fromkeys(values))
        listed = literal(tuple(distinct)) if len(distinct) <= MOST_WRITTEN else self._text(distinct)
        return self._constant(f"known_{stem}", f"frozenset({listed})")

    def search(self, pattern: str, stem: str) -> str:
        """The search function of a pattern."""
        self.regular = True
        return self._constant(f"match_{stem}", f"re.compile({literal(pattern)}).search")

    def value(self, value: Json, stem: str) -> str:
        """Any value; `stem` names it."""
        short = size(value, MOST_WRITTEN, MOST_DEEP) <= MOST_WRITTEN
        return self._constant(stem, literal(value) if short else self._text(value), ": Json")

    def take(self, name: str, module: str = SCHEMA) -> str:
        """A function of the runtime library."""
        self.imports.add((module, name))
        return name

    def _text(self, value: Json) -> str:
        return f"{self.take('loads', JSONTEXT)}({literal(json.dumps(value, separators=(',', ':')))})"

    def _constant(self, hint: str, source: str, kind: str = "") -> str:
        if source not in self._taken:
            self._taken[source] = name = self._names.take(hint, upper=True)
            self.lines.append(f"{name}{kind} = {source}")
        return self._taken[source]


def size(value: Json, most: int, deep: int) -> int:
    """The number of scalars and containers in a value; more than `most` when it is nested deeper than `deep`."""
    level, count = [value], 0
    for _ in range(deep):
        count += len(level)
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level or count > most:
            return count
    return most + 1


def typed(rule: Rule, value: str, constants: Constants, stem: str) -> Condition:
    """`type`, and the keywords that count for values of one type."""
    limits = {
        "string": both(_sized(rule, value, "Length"), _matching(rule, value, constants, stem)),
        _NUMBER: _number(rule, value, constants),
        "array": _sized(rule, value, "Items"),
        "object": _keys(rule, value),
    }
    if "type" in rule:
        return either(
            *(both(is_(kind, value), limits.get(_GROUPS.get(kind, kind), TRUE)) for kind in rule["type"])
        )
    return both(*(either(is_(kind, value).negated, limit) for kind, limit in limits.items() if limit != TRUE))


def one_of(values: list[Json], value: str, constants: Constants, stem: str) -> Condition:
    """Equality of JSON with a listed value: numbers by what they count, and true is no number."""
    texts = [each for each in values if isinstance(each, str)]
    numbers = [each for each in values if isinstance(each, int | float) and not isinstance(each, bool)]

    def among(kind: str, found: list[Json]) -> Condition:
        if not found:
            return FALSE
        if len(set(found)) == 1:
            one = literal(found[0])
            return both(is_(kind, value), Test(f"{value} == {one}", f"{value} != {one}"))
        known = constants.known(found, stem)
        return both(is_(kind, value), Test(f"{value} in {known}", f"{value} not in {known}"))

    parts = [among("string", texts), among(_NUMBER, numbers)]
    parts += [
        Test(f"{value} is {each}", f"{value} is not {each}", strict=True)
        for each in (None, True, False)
        if any(other is each for other in values)
    ]
    for each in values:
        if isinstance(each, dict | list):
            call = f"{constants.take('equal')}({value}, {constants.value(each, f'value_{stem}')})"
            parts.append(Test(call, f"not {call}", strict=True))
    return either(*parts)


def is_(kind: str, value: str) -> Condition:
    """Whether the value has a type; `int` is the integer of draft 4, for which 1.0 is none."""
    if kind == "null":
        return Test(f"{value} is None", f"{value} is not None", strict=True)
    if kind == "integer":
        whole = Test(f"{value}.is_integer()", f"not {value}.is_integer()")
        return either(_class("int", value), both(_class("float", value), whole))
    if kind == _NUMBER:
        return either(_class("int", value), _class("float", value))
    return _class(_CLASSES[kind], value)


def holds(name: str, value: str = "value") -> Condition:
    """Whether an object has a property."""
    key = literal(name)
    return Test(f"{key} in {value}", f"{key} not in {value}")


def at_least(text: str, least: int) -> Condition:
    """A count that is not too small."""
    return Test(f"{text} >= {least}", f"{text} < {least}")


def at_most(text: str, most: int) -> Condition:
    """A count that is not too large."""
    return Test(f"{text} <= {most}", f"{text} > {most}")


def refused(condition: Condition) -> Lines:
    """Statements that return False unless the condition holds: one for each of its parts."""
    parts = condition.parts if isinstance(condition, All) else (condition,)
    return [line for each in parts for line in refused_whole(each)]


def refused_whole(condition: Condition) -> Lines:
    """As `refused`, in one statement."""
    if condition == TRUE:
        return []
    return ["return False"] if condition == FALSE else [f"if {condition.negated.text}:", "    return False"]


def indented(lines: Iterable[str]) -> Lines:
    """One level deeper."""
    return [f"    {each}" for each in lines]


def guarded(kind: str, lines: Lines, *, known: bool = False) -> Lines:
    """Statements for values of one class; `known`: the value is sure to be one."""
    return lines if known or not lines else [f"if value.__class__ is {kind}:", *indented(lines)]


def _class(name: str, value: str) -> Condition:
    return Test(f"{value}.__class__ is {name}", f"{value}.__class__ is not {name}", strict=True)


def _matching(rule: Rule, value: str, constants: Constants, stem: str) -> Condition:
    if "pattern" not in rule:
        return TRUE
    call = f"{constants.search(rule['pattern'], stem)}({value})"
    return Test(f"{call} is not None", f"{call} is None")


def _number(rule: Rule, value: str, constants: Constants) -> Condition:
    parts: list[Condition] = []
    for word, sign, opposite in _BOUNDS:
        if word in rule:
            bound = literal(rule[word])
            parts.append(Test(f"{value} {sign} {bound}", f"{value} {opposite} {bound}"))
    if "multipleOf" in rule:
        step = rule["multipleOf"]
        if isinstance(step, int) and step < 2**53:  # the remainder of a float is exact as well
            parts.append(Test(f"{value} % {step} == 0", f"{value} % {step} != 0"))
        else:
            call = f"{constants.take('multiple')}({value}, {literal(step)})"
            parts.append(Test(call, f"not {call}"))
    return both(*parts)


def _keys(rule: Rule, value: str) -> Condition:
    parts = [_sized(rule, value, "Properties"), *(holds(name, value) for name in rule.get("required", ()))]
    for name, needed in rule.get("dependentRequired", {}).items():
        parts.append(either(holds(name, value).negated, both(*(holds(each, value) for each in needed))))
    return both(*parts)


def _sized(rule: Rule, value: str, of: str) -> Condition:
    least, most = rule.get(f"min{of}"), rule.get(f"max{of}")
    return both(
        TRUE if least is None else at_least(f"len({value})", least),
        TRUE if most is None else at_most(f"len({value})", most),
    )
