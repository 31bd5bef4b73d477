"""Rules of a JSON Schema (see `schema_rules`) to Python functions that say whether a value fits.

One function per object or array that has a shape, and per place that is referred to; everything else becomes a
condition inside. Nothing here raises for a value but RecursionError: one that does not fit is False, and `violations`
of the runtime library then says why.

A schema that refers to itself could ask the same of a value again and again, twice as often at each level. So the
functions of such places take `seen`, what is known of (place, value), and no question is answered twice.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from agentdc.codegen.conditions import FALSE, TRUE, Condition, Test, both, chosen, either, exactly_one
from agentdc.codegen.literals import comment, literal
from agentdc.codegen.names import Names
from agentdc.codegen.schema_marks import Marks
from agentdc.codegen.schema_rules import ROOT, Rules, cyclic, references
from agentdc.codegen.schema_tests import (
    Constants,
    Lines,
    Rule,
    at_least,
    at_most,
    guarded,
    holds,
    indented,
    one_of,
    refused,
    refused_whole,
    typed,
)

Json: TypeAlias = Any

MOST_INLINE = 4  # conditions inside conditions
# Keywords that take statements; a schema without them is a condition.
_OBJECTS = frozenset(
    {"additionalProperties", "dependentSchemas", "patternProperties", "properties", "propertyNames"}
)
_ARRAYS = frozenset({"contains", "items", "prefixItems", "uniqueItems"})
_REST = frozenset({"unevaluatedItems", "unevaluatedProperties"})
_STATEMENTS = _OBJECTS | _ARRAYS | _REST


class Functions:
    """Writes the functions of one schema. `stem`: what their names have in common."""

    def __init__(self, rules: Rules, stem: str, constants: Constants, names: Names) -> None:
        self._rules = rules
        self._stem = stem
        self._constants = constants
        self._names = names
        self._lines: Lines = []
        self._waiting: list[tuple[str, str, Json]] = []
        self._inner: dict[int, str] = {}
        self._recursive = set(cyclic({name: references(rule) for name, rule in rules.items()}))
        self._numbers = {name: number for number, name in enumerate(rules)}
        self.places = {name: names.take(self.named(_last(name)), prefix="fits_") for name in rules}
        self._marks = Marks(self, rules, names)

    @property
    def entry(self) -> str:
        """The call that asks whether `value` fits."""
        return f"{self.places[ROOT]}(value{', {}' if self._recursive else ''})"

    def lines(self) -> Lines:
        """All functions, the one of the whole schema first."""
        for name, rule in self._rules.items():
            self._write(self.places[name], name, rule)
            while self._waiting:
                self._write(*self._waiting.pop(0))
        return self._lines + self._marks.lines

    # What the parts of the generator share.

    def named(self, hint: str) -> str:
        """A hint for a name, behind the stem."""
        return f"{self._stem}_{hint}" if hint else self._stem

    @property
    def parameter(self) -> str:
        """The further parameter of every function, with a comma before it."""
        return ", seen: dict[tuple[int, int], bool]" if self._recursive else ""

    @property
    def argument(self) -> str:
        """The further argument of every call, with a comma before it."""
        return ", seen" if self._recursive else ""

    def known(self, values: list[Json]) -> str:
        """The constant of a set."""
        return self._constants.known(values, self._stem)

    def search(self, pattern: str) -> str:
        """The constant of a pattern's search function."""
        return self._constants.search(pattern, self._stem)

    def condition(self, rule: Json, value: str, hint: str, depth: int = 0) -> Condition:
        """Whether `value`, an expression, fits the rule; a rule of statements becomes a function of its own."""
        if isinstance(rule, bool):
            return TRUE if rule else FALSE
        if depth < MOST_INLINE and not rule.keys() & _STATEMENTS:
            return self._inline(rule, value, depth + 1)
        if id(rule) not in self._inner:
            self._inner[id(rule)] = function = self._names.take(self.named(hint), prefix="fits_")
            self._waiting.append((function, "", rule))
        return self._call(self._inner[id(rule)], value, strict="type" in rule)

    # Functions.

    def _write(self, function: str, place: str, rule: Json) -> None:
        body = self._body(rule)
        if "return False" in body:
            body = body[: body.index("return False") + 1]
        else:
            body.append("return True")
        if place in self._recursive:
            body = self._remembered(place, body)
        self._lines += [f"def {function}(value: Json{self.parameter}) -> bool:"]
        self._lines += [f"    # {comment(place)}"] if place not in {"", ROOT} else []
        self._lines += [*indented(body), "", ""]

    def _remembered(self, place: str, body: Lines) -> Lines:
        return [
            f"place = ({self._numbers[place]}, id(value))",
            "known = seen.get(place)",
            "if known is not None:",
            "    return known",
            "seen[place] = False  # until all of it is known to fit",
            *body[:-1],
            *(["seen[place] = True"] if body[-1] == "return True" else []),
            body[-1],
        ]

    def _body(self, rule: Json) -> Lines:
        """Statements that return False for a `value` that does not fit."""
        if isinstance(rule, bool):
            return [] if rule else ["return False"]
        only = rule.get("type")
        plain = {word: each for word, each in rule.items() if word not in _STATEMENTS}
        looked_up = rule.get("properties", {}).keys()  # one look-up both finds a property and needs it
        plain["required"] = [name for name in rule.get("required", ()) if name not in looked_up]
        lines = refused(self._inline(plain, "value", 0))
        if rule.keys() & _OBJECTS:
            lines += guarded("dict", self._object(rule), known=only == ["object"])
        if rule.keys() & _ARRAYS:
            lines += guarded("list", self._array(rule), known=only == ["array"])
        return lines + self._left(rule)

    def _call(self, function: str, value: str, *, strict: bool) -> Condition:
        call = f"{function}({value}{self.argument})"
        return Test(call, f"not {call}", strict)

    def _inline(self, rule: Rule, value: str, depth: int) -> Condition:
        def below(each: Json, hint: str) -> Condition:
            return self.condition(each, value, hint, depth)

        parts = [typed(rule, value, self._constants, self._stem)]
        if "enum" in rule:
            parts.append(one_of(rule["enum"], value, self._constants, self._stem))
        if "const" in rule:
            parts.append(one_of([rule["const"]], value, self._constants, self._stem))
        if "$ref" in rule:
            target = self._rules[rule["$ref"]]
            strict = isinstance(target, dict) and "type" in target
            parts.append(self._call(self.places[rule["$ref"]], value, strict=strict))
        parts += [below(each, "all") for each in rule.get("allOf", ())]
        if "anyOf" in rule:
            parts.append(either(*(below(each, "any") for each in rule["anyOf"])))
        if "oneOf" in rule:
            parts.append(exactly_one([below(each, "one") for each in rule["oneOf"]]))
        if "not" in rule:
            parts.append(below(rule["not"], "not").negated)
        if "then" in rule or "else" in rule:
            then, otherwise = below(rule.get("then", True), "then"), below(rule.get("else", True), "else")
            parts.append(chosen(below(rule["if"], "if"), then, otherwise))
        return both(*parts)

    # Objects.

    def _object(self, rule: Rule) -> Lines:
        lines: Lines = []
        required = frozenset(rule.get("required", ()))
        for name, below in rule.get("properties", {}).items():
            lines += self._property(name, below, needed=name in required)
        lines += self._others(rule, list(rule.get("properties", {})))
        if "propertyNames" in rule:
            lines += self._each("for key in value:", rule["propertyNames"], "key", "names")
        for name, below in rule.get("dependentSchemas", {}).items():
            fits = self.condition(below, "value", f"with_{name}")
            lines += refused_whole(either(holds(name).negated, fits))
        return lines

    def _property(self, name: str, below: Json, *, needed: bool) -> Lines:
        fits = self.condition(below, "item", name)
        if fits == TRUE:
            return refused_whole(holds(name)) if needed else []
        if fits == FALSE:
            return refused_whole(FALSE if needed else holds(name).negated)
        missing = Test("item is ...", "item is not ...")
        if not needed:
            fits = either(missing, fits)
        elif not fits.strict:
            fits = both(missing.negated, fits)
        return [f"item = value.get({literal(name)}, ...)", *refused_whole(fits)]

    def _others(self, rule: Rule, known: list[str]) -> Lines:
        """patternProperties, and additionalProperties for what is left."""
        rest = rule.get("additionalProperties", True)
        patterns = [(self.search(each), below) for each, below in rule.get("patternProperties", {}).items()]
        if not patterns and rest is False:
            left = f"not value.keys() <= {self.known(known)}" if known else "value"
            return [f"if {left}:", "    return False"]
        lines: Lines = []
        passed: list[Condition] = []
        if known and rest is not True:
            names = self.known(known)
            passed.append(Test(f"key in {names}", f"key not in {names}"))
        for search, below in patterns:
            test = Test(f"{search}(key) is not None", f"{search}(key) is None")
            lines += refused_whole(either(test.negated, self.condition(below, "item", "like")))
            passed.append(test)
        lines += refused_whole(either(*passed, self.condition(rest, "item", "other")))
        return ["for key, item in value.items():", *indented(lines)] if lines else []

    def _each(self, loop: str, below: Json, name: str, hint: str) -> Lines:
        lines = refused_whole(self.condition(below, name, hint))
        return [loop, *indented(lines)] if lines else []

    # Arrays.

    def _array(self, rule: Rule) -> Lines:
        lines: Lines = []
        first = rule.get("prefixItems", [])
        for index, below in enumerate(first):
            fits = self.condition(below, f"value[{index}]", f"item_{index}")
            lines += refused_whole(either(at_most("len(value)", index), fits))
        rest = f"value[{len(first)}:]" if first else "value"
        if rule.get("items") is False:
            lines += refused_whole(at_most("len(value)", len(first)))
        elif "items" in rule:
            lines += self._each(f"for item in {rest}:", rule["items"], "item", "each")
        lines += self._contains(rule) if "contains" in rule else []
        if rule.get("uniqueItems"):
            call = f"{self._constants.take('unique')}(value)"
            lines += refused_whole(Test(call, f"not {call}"))
        return lines

    def _contains(self, rule: Rule) -> Lines:
        least, most = rule.get("minContains", 1), rule.get("maxContains")
        if least == 0 and most is None:
            return []
        fits = self.condition(rule["contains"], "item", "contained")
        bounds = both(
            at_least("count", least) if least else TRUE, TRUE if most is None else at_most("count", most)
        )
        counted = ["count = 0", "for item in value:", f"    if {fits.text}:", "        count += 1"]
        return counted + refused(bounds)

    # unevaluatedProperties and unevaluatedItems.

    def _left(self, rule: Rule) -> Lines:
        lines: Lines = []
        for word, kind, loop in (
            ("unevaluatedProperties", "dict", "for key, item in value.items():"),
            ("unevaluatedItems", "list", "for key, item in enumerate(value):"),
        ):
            fits = self.condition(rule.get(word, True), "item", "left")
            if fits == TRUE:
                continue
            others = {each: below for each, below in rule.items() if each != word}
            test = either(Test("key in marks", "key not in marks"), fits)
            begin = "marks = set()" if lines else "marks: set[Json] = set()"
            marks = self._marks.of(others, kind)
            lines += guarded(kind, [begin, *marks, loop, *indented(refused_whole(test))])
        return lines


def _last(place: str) -> str:
    """The last word of a place, for a name."""
    return place.rpartition("/")[2] if place != ROOT else ""
