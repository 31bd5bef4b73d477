"""A file's bytes to the `Workflow`, every problem a diagnostic.

Reads the TOML, finds the workflow in it (bare or wrapped, spec 01 §1), and gives each section and each entry of
an array to its model, one at a time, so that one broken entry hides nothing about the others. Which node
kinds there are, the caller says. The graph, and names that refer to other sections, are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentdc.diagnostics import Diagnostic, Label, SourceFile, in_order
from agentdc.model.base import Section
from agentdc.model.node import NodeModel
from agentdc.model.secrets import SECRETS, SecretModel
from agentdc.model.trigger import TRIGGERS, TriggerModel
from agentdc.model.workflow import Workflow
from agentdc.parse import errors, fields, mismatch, rules, scan
from agentdc.parse.meant import meant
from agentdc.parse.positions import Path, Places
from agentdc.parse.syntax import document as read_document
from agentdc.parse.wording import dotted, kind_of, owner, quoted

WRAPPER = "workflows"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What became of a file.

    `workflow`: None when any part does not have the shape of the dialect. `document`: the TOML table of the
    workflow, wrapped or not; empty when there is none. `places`: spans of paths below `document`.
    `diagnostics`: by position.
    """

    workflow: Workflow | None
    document: dict[str, Any]
    places: Places
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class _Tagged:
    """An array whose entries say by the value of `tag` which record they are."""

    tag: str
    records: Mapping[str, type[Section]]
    common: type[Section]


def decode(source: SourceFile, kinds: Mapping[str, type[NodeModel]]) -> Decoded:
    """The workflow in `source`; `kinds` maps the name of each node kind to its record. Never raises."""
    root = read_document(source)
    if isinstance(root, Diagnostic):
        return Decoded(None, {}, Places(source), (root,))
    places = Places(source)
    if WRAPPER not in root:
        return _Body(root, places, kinds).decoded([])
    found = [errors.ignored_root_key(places.key((key,)), key) for key in root if key != WRAPPER]
    problem = _wrapping(root[WRAPPER], places)
    if problem is not None:
        return Decoded(None, {}, places, tuple(in_order([*found, problem])))
    return _Body(root[WRAPPER][0], Places(source, (WRAPPER, 0)), kinds).decoded(found)


def _wrapping(entries: Any, places: Places) -> Diagnostic | None:
    """Why `workflows` is not exactly one table in an array."""
    at = places.key((WRAPPER,))
    tables = isinstance(entries, list) and all(isinstance(each, dict) for each in entries)
    if not tables:
        advice = "write [[workflows]]"
        return errors.wrong_type(at, quoted(WRAPPER), "an array of tables", kind_of(entries), advice=advice)
    if not entries:
        return errors.workflow_count(at, 0)
    if len(entries) > 1:
        return errors.workflow_count(places.key((WRAPPER, 1)), len(entries), places.key((WRAPPER, 0)))
    return None


class _Body:
    """One pass over the table of a workflow, collecting what fits and what does not."""

    def __init__(
        self, document: dict[str, Any], places: Places, kinds: Mapping[str, type[NodeModel]]
    ) -> None:
        self._document = document
        self._places = places
        self._found: list[Diagnostic] = []
        self._refused = False
        self._parts: dict[str, Any] = {}
        self._indices: dict[str, list[int]] = {}
        self._bad_numbers: set[Path] = set()
        self._tagged = {
            "nodes": _Tagged("type", kinds, NodeModel),
            "triggers": _Tagged("type", TRIGGERS, TriggerModel),
            "secrets": _Tagged("source", SECRETS, SecretModel),
        }

    def decoded(self, before: list[Diagnostic]) -> Decoded:
        """Everything found, after the diagnostics of the surroundings."""
        self._numbers()
        self._root()
        # Without validation: each part has been validated, and a broken one is simply absent here.
        workflow = Workflow.model_construct(**self._parts)
        self._rules(workflow)
        diagnostics = tuple(in_order([*before, *self._found]))
        return Decoded(None if self._refused else workflow, self._document, self._places, diagnostics)

    def _refuse(self, diagnostic: Diagnostic) -> None:
        self._found.append(diagnostic)
        self._refused = True

    def _numbers(self) -> None:
        for path, rule in scan.bad_numbers(self._document):
            self._bad_numbers.add(path)
            subject = self._subject(path)
            self._refuse(errors.out_of_range(self._places.value(path), subject, rule))

    def _root(self) -> None:
        known = fields.known_keys(Workflow)
        unknown = [key for key in self._document if key not in known]
        wraps = "workflow" in unknown  # which is told
        if (
            "name" not in self._document
            and not wraps
            and not any(meant(key, known) == "name" for key in unknown)
        ):
            self._refuse(errors.missing_key(self._places.key(()), "the workflow", "name"))
        for key, value in self._document.items():
            if key in unknown:
                at = self._places.key((key,))
                self._refuse(errors.unknown_key(at, "the workflow", key, known, self._homes(key)))
            elif fields.is_array(Workflow, key):
                self._array(key, value)
            else:
                self._single(key, value)

    def _single(self, key: str, value: Any) -> None:
        record = fields.element_model(Workflow, key)
        if record is not None:
            section = self._section(record, value, (key,))
            if section is not None:
                self._parts[key] = section
        elif not isinstance(value, str):
            self._wrong_type((key,), "a string", value)
        else:
            self._parts[key] = value
            if key == "name" and not value.strip():
                self._found.append(errors.blank_name(self._places.value((key,))))

    def _array(self, key: str, value: Any) -> None:
        if not isinstance(value, list):
            self._wrong_type((key,), "an array of tables", value)
            return
        entries = {number: self._entry(key, number, each) for number, each in enumerate(value)}
        fitting = {number: entry for number, entry in entries.items() if entry is not None}
        self._parts[key] = tuple(fitting.values())
        self._indices[key] = list(fitting)

    def _entry(self, key: str, number: int, value: Any) -> Section | None:
        path: Path = (key, number)
        if not isinstance(value, dict):
            self._wrong_type(path, "a table", value)
            return None
        record = self._record(key, value, path)
        return None if record is None else self._section(record, value, path)

    def _record(self, key: str, value: dict[str, Any], path: Path) -> type[Section] | None:
        """The record that an entry of the array `key` must fit; what every entry has is checked even without one."""
        tagged = self._tagged.get(key)
        if tagged is None:
            return fields.element_model(Workflow, key)
        tag = value.get(tagged.tag)
        if isinstance(tag, str) and tag in tagged.records:
            return tagged.records[tag]
        self._refuse(self._tag_problem(key, tagged, value, path))
        common = {name: value[name] for name in fields.known_keys(tagged.common) if name in value}
        if "type" in tagged.common.model_fields:
            common["type"] = ""  # has been reported
        self._section(tagged.common, common, path)
        return None

    def _tag_problem(self, key: str, tagged: _Tagged, value: dict[str, Any], path: Path) -> Diagnostic:
        if tagged.tag not in value:
            return self._missing_tag(tagged, value, path)
        place = (*path, tagged.tag)
        tag, at = value[tagged.tag], self._places.value(place)
        if not isinstance(tag, str):
            return errors.wrong_type(at, self._subject(place), "a string", kind_of(tag))
        if key == "nodes":
            return errors.unknown_node_kind(at, tag, tagged.records)
        return errors.unknown_value(at, self._subject(place), tag, tagged.records)

    def _missing_tag(self, tagged: _Tagged, value: dict[str, Any], path: Path) -> Diagnostic:
        title = owner(self._document, path, self._places.prefix)
        known = list(dict.fromkeys([*fields.known_keys(tagged.common), tagged.tag]))
        for key in value:
            if key not in known and meant(key, [tagged.tag]):
                return errors.unknown_key(self._places.key((*path, key)), title, key, known)
        return errors.missing_key(self._places.key(path), title, tagged.tag)

    def _section(self, record: type[Section], value: Any, path: Path) -> Section | None:
        if not isinstance(value, dict):
            self._wrong_type(path, "a table", value)
            return None
        problems = mismatch.problems(record, value)
        if isinstance(problems, Section):
            self._ignored(problems, value, path)
            return problems
        for problem in mismatch.without_followers(problems, record):
            if (*path, *problem.path) not in self._bad_numbers:
                self._refuse(mismatch.diagnostic(problem, record, path, self._document, self._places))
        self._refused = True
        return None

    def _ignored(self, entry: Section, value: dict[str, Any], path: Path) -> None:
        if entry.model_config.get("extra") != "ignore":
            return
        known = fields.known_keys(type(entry))
        for key in value:
            if key not in known:
                at = self._places.key((*path, key))
                title = owner(self._document, path, self._places.prefix)
                self._found.append(errors.ignored_field(at, title, key, str(value["type"])))

    def _wrong_type(self, path: Path, expected: str, value: Any) -> None:
        subject = self._subject(path)
        advice = f"write each entry as [[{dotted(path[:1], self._places.prefix)}]]"
        at = self._places.value(path)
        many = expected == "an array of tables"
        self._refuse(
            errors.wrong_type(at, subject, expected, kind_of(value), advice=advice if many else None)
        )

    def _subject(self, path: Path) -> str:
        return mismatch.subject(self._document, path, self._places.prefix)

    def _rules(self, workflow: Workflow) -> None:
        seen = rules.Decodable(workflow, self._indices, self._document, self._places.prefix)
        for breach in rules.breaches(seen):
            at, label, other = self._places.value(breach.path), breach.label, None
            if breach.other is not None:
                other = Label(self._places.value(breach.other), breach.other_label)
                if breach.repeats:
                    first, at = sorted((at, other.span), key=lambda span: span.start)
                    label, other = "declared again", Label(first, "first declared here")
            self._found.append(
                errors.constraint(at, breach.message, label, other=other, advice=breach.advice)
            )

    def _homes(self, key: str) -> list[str]:
        """Headers of the sections that have `key`, for a key that stands at the root by mistake."""
        names = [name for name in fields.known_keys(Workflow) if not fields.is_array(Workflow, name)]
        records = {name: fields.element_model(Workflow, name) for name in names}
        homes = [name for name, record in records.items() if record and key in fields.known_keys(record)]
        return [f"under [{dotted([name], self._places.prefix)}]" for name in homes]
