"""What a record refuses, as diagnostics in the words of TOML.

Knows the kinds of problems that validation can report and nothing about particular sections. The wording never
contains a value that could be a secret: only choices are repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from agentdc.diagnostics import Diagnostic
from agentdc.model.base import FORMS, Section
from agentdc.model.workflow import Workflow
from agentdc.parse import errors, fields
from agentdc.parse.meant import meant
from agentdc.parse.positions import Path, Places
from agentdc.parse.wording import kind_of, owner, quoted

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "a boolean",
    "tuple_type": "an array",
    "list_type": "an array",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_BOUNDS = {
    "greater_than": ("gt", "must be greater than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal: its kind, its path below the table, the value there, and the numbers of the rule."""

    kind: str
    path: Path
    value: Any
    context: dict[str, Any]
    text: str


def problems(record: type[Section], table: dict[str, Any]) -> Section | list[Problem]:
    """The record filled from `table`, or everything it refuses."""
    try:
        return record.model_validate(table)
    except ValidationError as refusal:
        found = refusal.errors(include_url=False, include_input=False)
        return [_problem(each, table) for each in found]


def without_followers(found: list[Problem], record: type[Section]) -> list[Problem]:
    """The problems less the missing keys that an unknown key of the same table was probably meant to be."""
    followers: set[Path] = set()
    for each in found:
        if each.kind == "extra_forbidden":
            table = each.path[:-1]
            key = meant(str(each.path[-1]), fields.known_keys(record, table))
            followers |= set() if key is None else {(*table, key)}
            above = table[:-1]
            if table and each.path[-1] in fields.known_keys(record, above):  # written one table too deep
                followers.add((*above, each.path[-1]))
    return [each for each in found if each.kind != "missing" or each.path not in followers]


def subject(document: dict[str, Any], path: Path, prefix: Path = ()) -> str:
    """What stands at `path`, as the beginning of a sentence: `"method" in [[http_routes]]`."""
    last = max((at for at, part in enumerate(path) if isinstance(part, str)), default=None)
    if last is None:
        return "the workflow"
    if last == 0 and len(path) > 1:
        return owner(document, path, prefix)
    item = f"item {path[-1]} of " if isinstance(path[-1], int) else ""
    place = f" in {owner(document, path[:last], prefix)}" if last else ""
    return f"{item}{quoted(str(path[last]))}{place}"


def diagnostic(
    problem: Problem, record: type[Section], base: Path, document: dict[str, Any], places: Places
) -> Diagnostic:
    """The problem at its place; `base` is the path of the table that `record` refuses."""
    path = base + problem.path
    title = subject(document, path, places.prefix)
    table = owner(document, path[:-1], places.prefix)
    match problem.kind:
        case "missing":
            return errors.missing_key(places.key(path[:-1]), table, str(path[-1]))
        case "extra_forbidden":
            known = fields.known_keys(record, problem.path[:-1])
            homes = _above(problem, record, path, document, places)
            return errors.unknown_key(places.key(path), table, str(path[-1]), known, homes)
        case "literal_error" if isinstance(problem.value, str):
            choices = fields.choices(record, problem.path)
            return errors.unknown_value(places.value(path), title, problem.value, choices)
        case "literal_error":
            return errors.wrong_type(places.value(path), title, "a string", kind_of(problem.value))
        case kind if kind in _EXPECTED:
            return _wrong_type(problem, record, path, title, places)
        case kind if kind in _BOUNDS:
            name, words = _BOUNDS[kind]
            return errors.out_of_range(places.value(path), title, f"{words} {problem.context[name]:.15g}")
        case _:
            rule = _rule(problem)
            return errors.constraint(places.value(path), f"{title} {rule}", rule)


def _above(
    problem: Problem, record: type[Section], path: Path, document: dict[str, Any], places: Places
) -> list[str]:
    """Where a key belongs that stands below the header of a table that came before it."""
    inside, key = problem.path[:-1], str(path[-1])
    table = owner(document, path[:-1], places.prefix)
    if inside and key in fields.known_keys(record, inside[:-1]):
        return [f"to {owner(document, path[:-2], places.prefix)}: write it above {table}"]
    sections = fields.known_keys(Workflow)  # files of tests have others
    if len(path) > 1 and path[0] in sections and not isinstance(path[-2], int) and key in sections:
        return ["to the workflow: write it above the first table"]
    return []


def _wrong_type(
    problem: Problem, record: type[Section], path: Path, title: str, places: Places
) -> Diagnostic:
    expected = _EXPECTED[problem.kind]
    if expected == "an array" and fields.holds_tables(record, problem.path):
        expected = "an array of tables"
    advice = _advice(problem, record, path, expected)
    found = kind_of(problem.value)
    return errors.wrong_type(places.value(path), title, expected, found, advice=advice)


def _advice(problem: Problem, record: type[Section], path: Path, expected: str) -> str | None:
    """How to write the value, where that can be said without repeating it."""
    if expected == "a string" and _is_scalar(problem.value):
        return "put the value in quotes"
    if expected == "an array" and isinstance(problem.value, str):
        return 'put it in brackets: ["…"]'
    if expected == "an integer" and isinstance(problem.value, str):
        digits = problem.value.strip().isdecimal()
        return (
            "write the number without quotes" if digits else "write a number alone, without quotes and unit"
        )
    if expected == "a table" and len(path) == 3 and path[0] == "auth":
        return f"a binding has a name: write [auth.{path[1]}.default] above it"
    needed = fields.required_keys(record, problem.path) if expected == "a table" else []
    return f"write {{ {', '.join(f'{key} = …' for key in needed)} }}" if needed else None


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, str | list | dict)


def _rule(problem: Problem) -> str:
    match problem.kind:
        case "string_pattern_mismatch":
            pattern = str(problem.context["pattern"])
            return FORMS.get(pattern, f"must match {pattern}")
        case "too_short":
            least = problem.context["min_length"]
            return f"needs at least {least} {'entry' if least == 1 else 'entries'}"
        case _:
            return f"is not valid: {problem.text}"


def _problem(details: ErrorDetails, table: dict[str, Any]) -> Problem:
    path = tuple(_existing(details, table))
    value: Any = table
    for part in path if details["type"] != "missing" else ():
        value = value[part]
    return Problem(details["type"], path, value, details.get("ctx", {}), details["msg"])


def _existing(details: ErrorDetails, table: dict[str, Any]) -> Iterator[str | int]:
    """The place of a problem without the steps that are only inside a record, such as the arm of a union."""
    here: Any = table
    for at, part in enumerate(details["loc"], 1):
        inside = isinstance(here, dict) and part in here
        if inside or (isinstance(here, list) and isinstance(part, int) and part < len(here)):
            yield part
            here = here[part]
        elif details["type"] == "missing" and at == len(details["loc"]):
            yield part
