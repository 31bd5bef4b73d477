"""What a schema has looked at in a value: the statements behind unevaluatedProperties and unevaluatedItems.

The generated code keeps `marks`, a set of property names or of indices, which every schema for the same value adds
to. A schema in an alternative counts only where the value fits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from agentdc.codegen.names import Names
from agentdc.codegen.schema_rules import Rules
from agentdc.codegen.schema_tests import Lines, Rule, holds, indented

if TYPE_CHECKING:
    from agentdc.codegen.schema_code import Functions

Json: TypeAlias = Any


class Marks:
    """Writes statements for one schema, and a function per place that is referred to. `lines`: those functions.

    `kind`: the class of the value at hand, `dict` or `list`.
    """

    def __init__(self, functions: Functions, rules: Rules, names: Names) -> None:
        self.lines: Lines = []
        self._functions = functions
        self._rules = rules
        self._names = names
        self._places: dict[tuple[str, str], str] = {}

    def of(self, rule: Json, kind: str) -> Lines:
        """Statements that add to `marks` what the rule asks of a fitting `value`."""
        if isinstance(rule, bool):
            return []
        lines = self._properties(rule) if kind == "dict" else self._items(rule)
        if "$ref" in rule:
            lines += [f"{self._place(rule['$ref'], kind)}(value, marks{self._functions.argument})"]
        for each in rule.get("allOf", ()):
            lines += self.of(each, kind)
        for each in (*rule.get("anyOf", ()), *rule.get("oneOf", ())):
            lines += self._when(each, self.of(each, kind), [])
        if "if" in rule:
            yes = [*self.of(rule["if"], kind), *self.of(rule.get("then", True), kind)]
            lines += self._when(rule["if"], yes, self.of(rule.get("else", True), kind))
        for name, below in rule.get("dependentSchemas", {}).items() if kind == "dict" else ():
            inner = self.of(below, kind)
            lines += [f"if {holds(name).text}:", *indented(inner)] if inner else []
        return lines

    def _when(self, rule: Json, yes: Lines, no: Lines) -> Lines:
        if not yes and not no:
            return []
        fits = self._functions.condition(rule, "value", "when")
        lines = [f"if {fits.text}:", *indented(yes or ["pass"])]
        return [*lines, "else:", *indented(no)] if no else lines

    def _properties(self, rule: Rule) -> Lines:
        if "additionalProperties" in rule or "unevaluatedProperties" in rule:
            return ["marks.update(value)"]
        known = list(rule.get("properties", ()))
        lines = [f"marks.update({self._functions.known(known)})"] if known else []
        for pattern in rule.get("patternProperties", ()):
            test = f"{self._functions.search(pattern)}(key) is not None"
            lines += ["for key in value:", f"    if {test}:", "        marks.add(key)"]
        return lines

    def _items(self, rule: Rule) -> Lines:
        if "items" in rule or "unevaluatedItems" in rule:
            return ["marks.update(range(len(value)))"]
        count = len(rule.get("prefixItems", ()))
        lines = [f"marks.update(range({count}))"] if count else []
        if "contains" in rule and rule.get("containsEvaluates", True):
            fits = self._functions.condition(rule["contains"], "item", "contained")
            lines += ["for key, item in enumerate(value):", f"    if {fits.text}:", "        marks.add(key)"]
        return lines

    def _place(self, place: str, kind: str) -> str:
        """The function for a place; no place leads back to itself for the same value, so this ends."""
        if (place, kind) not in self._places:
            fits = self._functions.places[place]
            self._places[place, kind] = function = self._names.take(fits.replace("fits", "marks", 1))
            parameters = f"value: Json, marks: set[Json]{self._functions.parameter}"
            body = self.of(self._rules[place], kind) or ["pass"]
            self.lines += [f"def {function}({parameters}) -> None:", *indented(body), "", ""]
        return self._places[place, kind]
