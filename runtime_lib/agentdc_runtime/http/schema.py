"""What a value breaks of a JSON Schema, in words; and the few questions that generated checks ask of values.

Linking costs nothing beyond `jsontext`; `re` is loaded where a schema has patterns. Rules are what the compiler made
of a schema: a table from places to schemas in one plain form, in which `$ref` names another place, patterns are
written for `re`, and every keyword means what draft 2020-12 says.

Whether a value fits is answered by generated code; this module is asked only about values that do not fit. So it is
written for clear words rather than for speed, and looks at a bounded part of a large value.

    violations({"#": {"properties": {"n": {"minimum": 1}}}}, {"n": 0})   -> ["/n: must be at least 1 (minimum)"]
"""

from __future__ import annotations

from agentdc_runtime.jsontext import compact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TypeAlias

    Json: TypeAlias = Any
    Rules: TypeAlias = Mapping[str, Json]
    Marks: TypeAlias = set[Any]

MOST = 20  # violations that are told
MOST_STEPS = 20_000  # rules that are looked at before giving up
MOST_NAME = 60  # characters of a property's name that are told
MOST_SHOWN = 100  # characters of a listed value

_BOUNDS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "more than"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "less than"),
)
_ARTICLES = {
    "int": "an integer",
    "null": "null",
    "array": "an array",
    "integer": "an integer",
    "object": "an object",
}


def wrong(rules: Rules, value: Json) -> str:
    """The violations of a value that does not fit, in one line."""
    try:
        found = violations(rules, value)
    except RecursionError:
        found = []
    return "; ".join(found) or "the value does not fit, or is nested too deeply to be checked"


def violations(rules: Rules, value: Json) -> list[str]:
    """What a value breaks, by JSON Pointer, at most MOST; of a huge value perhaps not all. Empty when it fits."""
    found: dict[str, None] = {}  # two keywords can ask the same
    try:
        for problem in _Reader(rules).problems(rules["#"], value, "", ""):
            if len(found) == MOST and problem not in found:
                return [*found, "and more"]
            found[problem] = None
    except _Enough:
        return [*found, "and more"] if found else ["the value does not fit, and is too large to tell where"]
    return list(found)


def equal(left: Json, right: Json) -> bool:
    """Equality of JSON: numbers by what they count, and true is no number."""
    kind = left.__class__
    if kind is dict:
        return (
            right.__class__ is dict
            and left.keys() == right.keys()
            and all(equal(item, right[key]) for key, item in left.items())
        )
    if kind is list:
        return (
            right.__class__ is list
            and len(left) == len(right)
            and all(equal(one, other) for one, other in zip(left, right, strict=True))
        )
    if kind is bool or right.__class__ is bool or left is None or right is None:
        return left is right
    return (kind is str) is (right.__class__ is str) and bool(left == right)


def unique(values: list[Json]) -> bool:
    """Whether no two are equal. Takes no longer than sorting, whatever the values."""
    texts, numbers, others = [], [], []
    for each in values:
        kind = each.__class__
        if kind is str:
            texts.append(each)
        elif kind is int or kind is float:
            numbers.append(each)
        else:
            others.append(compact(_plain(each)))
    numbers.sort()  # a set of numbers can be made slow by choosing them
    return (
        len(set(texts)) == len(texts)
        and len(set(others)) == len(others)
        and all(one != numbers[index] for index, one in enumerate(numbers[1:]))
    )


def multiple(value: float, step: float) -> bool:
    """Whether a number is a multiple of another, both taken as they are written: 19.99 is one of 0.01."""
    digits, exponent = _scaled(value)
    step_digits, step_exponent = _scaled(step)
    least = min(exponent, step_exponent)
    step_scaled: int = step_digits * 10 ** (step_exponent - least)
    return bool(digits * 10 ** (exponent - least) % step_scaled == 0)


def _scaled(number: float) -> tuple[int, int]:
    """Digits and power of ten."""
    mantissa, _, exponent = repr(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    return int(whole + fraction), int(exponent or 0) - len(fraction)


def _plain(value: Json) -> Json:
    """The value with one spelling for equal numbers."""
    kind = value.__class__
    if kind is dict:
        return {key: _plain(item) for key, item in value.items()}
    if kind is list:
        return [_plain(item) for item in value]
    return int(value) if kind is float and value.is_integer() else value


class _Enough(Exception):
    """So much was looked at that the rest is not worth the time."""


class _Reader:
    """Walks rules and a value side by side.

    `known`: whether a value fits a rule, by their identities; `told`: those whose problems were told. So a rule that
    refers to itself in several ways does not multiply the work. `asking`: only the first problem is wanted.
    """

    __slots__ = ("asking", "known", "rules", "steps", "told")

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.steps = 0
        self.asking = False
        self.known: dict[tuple[int, int], bool] = {}
        self.told: set[tuple[int, int]] = set()

    def fits(self, rule: Json, value: Json) -> bool:
        """Whether there is no problem."""
        if rule.__class__ is bool:
            return bool(rule)
        key = (id(rule), id(value))
        if key not in self.known:
            asking, self.asking = self.asking, True
            self.known[key] = next(self.problems(rule, value, "", ""), None) is None
            self.asking = asking
        return self.known[key]

    def problems(self, rule: Json, value: Json, at: str, word: str) -> Iterator[str]:
        """All that the value breaks. `at`: its place; `word`: the keyword that asks."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise _Enough
        if rule.__class__ is bool:
            if not rule:
                yield _told(at, "is not allowed", word)
            return
        yield from _scalar(rule, value, at)
        if value.__class__ is dict:
            yield from self.of_object(rule, value, at)
        elif value.__class__ is list:
            yield from self.of_array(rule, value, at)
        if "$ref" in rule:
            yield from self.referred(self.rules[rule["$ref"]], value, at)
        yield from self.combined(rule, value, at)
        if "unevaluatedProperties" in rule and value.__class__ is dict:
            yield from self.left(rule, value, value.items(), at, "unevaluatedProperties")
        if "unevaluatedItems" in rule and value.__class__ is list:
            yield from self.left(rule, value, enumerate(value), at, "unevaluatedItems")

    def referred(self, target: Json, value: Json, at: str) -> Iterator[str]:
        """The problems with another place, once for each value."""
        key = (id(target), id(value))
        if self.fits(target, value) or key in self.told:
            return
        if self.asking:
            yield ""
            return
        if (
            value.__class__ is dict or value.__class__ is list
        ):  # small values can be one object in many places
            self.told.add(key)
        yield from self.problems(target, value, at, "$ref")

    def combined(self, rule: Json, value: Json, at: str) -> Iterator[str]:
        """The keywords that hold schemas for the value itself."""
        for each in rule.get("allOf", ()):
            yield from self.problems(each, value, at, "allOf")
        if "anyOf" in rule and not any(self.fits(each, value) for each in rule["anyOf"]):
            yield _told(
                at, f"must fit at least one of {len(rule['anyOf'])} alternatives, and fits none", "anyOf"
            )
        if "oneOf" in rule:
            count = sum(self.fits(each, value) for each in rule["oneOf"])
            if count != 1:
                of = len(rule["oneOf"])
                yield _told(
                    at, f"must fit exactly one of {of} alternatives, and fits {count or 'none'}", "oneOf"
                )
        if "not" in rule and self.fits(rule["not"], value):
            yield _told(at, "is of a form that is excluded", "not")
        if "then" in rule or "else" in rule:
            branch = "then" if self.fits(rule["if"], value) else "else"
            yield from self.problems(rule.get(branch, True), value, at, branch)

    def of_object(self, rule: Json, value: dict[str, Json], at: str) -> Iterator[str]:
        """The keywords for properties."""
        for name in rule.get("required", ()):
            if name not in value:
                yield _told(at, f"must have {_shown(name)}", "required")
        yield from self.of_dependents(rule, value, at)
        known = rule.get("properties", {})
        for name, below in known.items():
            if name in value:
                yield from self.problems(below, value[name], _below(at, name), "properties")
        if "patternProperties" in rule or "additionalProperties" in rule:
            yield from self.of_others(rule, value, known, at)
        for name in value if "propertyNames" in rule else ():
            if not self.fits(rule["propertyNames"], name):
                yield _told(_below(at, name), "has a name that is not allowed", "propertyNames")

    def of_dependents(self, rule: Json, value: dict[str, Json], at: str) -> Iterator[str]:
        """The keywords for what comes along with a property."""
        for name, needed in rule.get("dependentRequired", {}).items():
            for each in needed if name in value else ():
                if each not in value:
                    yield _told(at, f"must have {_shown(each)} beside {_shown(name)}", "dependentRequired")
        for name, below in rule.get("dependentSchemas", {}).items():
            if name in value:
                yield from self.problems(below, value, at, "dependentSchemas")

    def of_others(self, rule: Json, value: dict[str, Json], known: Json, at: str) -> Iterator[str]:
        """The keywords for properties that are not named one by one."""
        patterns = rule.get("patternProperties", {})
        rest = rule.get("additionalProperties", True)
        for name, item in value.items():
            place = _below(at, name)
            like = [below for pattern, below in patterns.items() if _matches(pattern, name)]
            for below in like:
                yield from self.problems(below, item, place, "patternProperties")
            if not like and name not in known:
                yield from self.problems(rest, item, place, "additionalProperties")

    def of_array(self, rule: Json, value: list[Json], at: str) -> Iterator[str]:
        """The keywords for items."""
        first = rule.get("prefixItems", ())
        for index, below in enumerate(first[: len(value)]):
            yield from self.problems(below, value[index], f"{at}/{index}", "prefixItems")
        for index in range(len(first), len(value)) if "items" in rule else ():
            yield from self.problems(rule["items"], value[index], f"{at}/{index}", "items")
        if rule.get("uniqueItems") and not unique(value):
            yield _told(at, "must not have the same item twice", "uniqueItems")
        if "contains" not in rule:
            return
        count = sum(self.fits(rule["contains"], item) for item in value)
        least, most = rule.get("minContains", 1), rule.get("maxContains", count)
        asked = "of the kind that is asked for"
        if count < least:
            word = "minContains" if "minContains" in rule else "contains"
            yield _told(at, f"must have at least {_counted(least, 'item')} {asked}", word)
        if count > most:
            yield _told(at, f"must have at most {_counted(most, 'item')} {asked}", "maxContains")

    # What was looked at.

    def left(self, rule: Json, value: Json, items: Any, at: str, word: str) -> Iterator[str]:
        """Problems of the properties or items that no other keyword asked about."""
        marks: Marks = set()
        self.mark({each: below for each, below in rule.items() if each != word}, value, marks)
        for key, item in items:
            if key not in marks:
                yield from self.problems(rule[word], item, _below(at, str(key)), word)

    def mark(self, rule: Json, value: Json, marks: Marks) -> None:
        """Add the names or indices that a fitting value was asked about."""
        if rule.__class__ is bool:
            return
        if value.__class__ is dict:
            self.mark_properties(rule, value, marks)
        else:
            self.mark_items(rule, value, marks)
        if "$ref" in rule:
            self.mark(self.rules[rule["$ref"]], value, marks)
        for each in rule.get("allOf", ()):
            self.mark(each, value, marks)
        for each in (*rule.get("anyOf", ()), *rule.get("oneOf", ())):
            if self.fits(each, value):
                self.mark(each, value, marks)
        if "if" in rule:
            yes = self.fits(rule["if"], value)
            for word in ("if", "then") if yes else ("else",):
                self.mark(rule.get(word, True), value, marks)

    def mark_properties(self, rule: Json, value: dict[str, Json], marks: Marks) -> None:
        """Those of an object."""
        if "additionalProperties" in rule or "unevaluatedProperties" in rule:
            marks.update(value)
        marks.update(rule.get("properties", ()))
        for pattern in rule.get("patternProperties", ()):
            marks.update([name for name in value if _matches(pattern, name)])
        for name, below in rule.get("dependentSchemas", {}).items():
            if name in value:
                self.mark(below, value, marks)

    def mark_items(self, rule: Json, value: list[Json], marks: Marks) -> None:
        """Those of an array."""
        if "items" in rule or "unevaluatedItems" in rule:
            marks.update(range(len(value)))
        marks.update(range(len(rule.get("prefixItems", ()))))
        if "contains" in rule and rule.get("containsEvaluates", True):
            marks.update([index for index, item in enumerate(value) if self.fits(rule["contains"], item)])


def _scalar(rule: Json, value: Json, at: str) -> Iterator[str]:
    """The keywords that look at the value alone."""
    kind = value.__class__
    if "type" in rule and not any(_is(each, value) for each in rule["type"]):
        yield _told(
            at, f"must be {' or '.join(_ARTICLES.get(each, f'a {each}') for each in rule['type'])}", "type"
        )
    if "const" in rule and not equal(value, rule["const"]):
        yield _told(at, f"must be {_shown(rule['const'])}", "const")
    if "enum" in rule and not any(equal(value, each) for each in rule["enum"]):
        yield _told(at, _listed(rule["enum"]), "enum")
    if kind is str:
        yield from _size(rule, value, at, "Length", "character")
        if "pattern" in rule and not _matches(rule["pattern"], value):
            yield _told(at, "is not of the form that is asked for", "pattern")
    elif kind is int or kind is float:
        for word, words in _BOUNDS:
            if word in rule and not _within(word, value, rule[word]):
                yield _told(at, f"must be {words} {compact(rule[word])}", word)
        if "multipleOf" in rule and not multiple(value, rule["multipleOf"]):
            yield _told(at, f"must be a multiple of {compact(rule['multipleOf'])}", "multipleOf")
    elif kind is list:
        yield from _size(rule, value, at, "Items", "item")
    elif kind is dict:
        yield from _size(rule, value, at, "Properties", "propert")


def _within(word: str, value: float, bound: float) -> bool:
    if value == bound:
        return word in {"minimum", "maximum"}
    return value > bound if word in {"minimum", "exclusiveMinimum"} else value < bound


def _size(rule: Json, value: Json, at: str, of: str, unit: str) -> Iterator[str]:
    least, most = rule.get(f"min{of}", 0), rule.get(f"max{of}")
    if len(value) < least:
        yield _told(at, f"must have at least {_counted(least, unit)}", f"min{of}")
    if most is not None and len(value) > most:
        yield _told(at, f"must have at most {_counted(most, unit)}", f"max{of}")


def _counted(count: int, unit: str) -> str:
    if unit == "propert":
        return f"{count} property" if count == 1 else f"{count} properties"
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _is(kind: str, value: Json) -> bool:
    found = value.__class__
    if kind == "number":
        return found is int or found is float
    if kind == "integer":
        return found is int or (found is float and value.is_integer())
    names = {
        "array": list,
        "boolean": bool,
        "int": int,
        "null": None.__class__,
        "object": dict,
        "string": str,
    }
    return found is names[kind]


def _matches(pattern: str, text: str) -> bool:
    import re

    return re.search(pattern, text) is not None


def _told(at: str, problem: str, word: str) -> str:
    problem = f"{problem} ({word})" if word else problem
    return f"{at}: {problem}" if at else problem


def _below(at: str, name: str) -> str:
    name = name if len(name) <= MOST_NAME else f"{name[:MOST_NAME]}…"
    return f"{at}/{name.replace('~', '~0').replace('/', '~1')}"


def _shown(value: Json) -> str:
    text = compact(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _listed(values: list[Json]) -> str:
    text = ", ".join(_shown(each) for each in values[:20])
    if len(values) == 1:
        return f"must be {text}"
    if len(values) > 20 or len(text) > MOST_SHOWN:
        return f"must be one of the {len(values)} values that are listed"
    return f"must be one of {text}"
