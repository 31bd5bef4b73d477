"""The wording of what can be wrong with syntax and shape: one function per code, facts in, diagnostic out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from agentdc.diagnostics import Diagnostic, Label, Span, code, did_you_mean, error, nearest, warning
from agentdc.model.workflow import SAFEGUARDS
from agentdc.parse import meant
from agentdc.parse.wording import quoted

_FEW_KEYS = 12


def toml_syntax(
    at: Span, reason: str, *, earlier: Span | None = None, advice: str | None = None
) -> Diagnostic:
    """The text is not TOML; `earlier` is the first declaration of what stands twice."""
    labels = () if earlier is None else (Label(earlier, "first declared here"),)
    return error(code("toml_syntax"), f"this is not TOML 1.0: {reason}", at, labels=labels, help=advice)


def not_utf8(at: Span, byte: int) -> Diagnostic:
    """The bytes are not UTF-8; `byte` is the first that does not fit."""
    label = f"byte 0x{byte:02x}"
    advice = "save the file as UTF-8"
    return error(code("not_utf8"), "the file is not UTF-8", at, label, help=advice)


def missing_key(at: Span, owner: str, key: str) -> Diagnostic:
    """A required key is not there; `at` is the table."""
    return error(code("missing_key"), f"{owner} needs the key {quoted(key)}", at, "add it here")


def unknown_key(
    at: Span, owner: str, key: str, known: Sequence[str], homes: Sequence[str] = ()
) -> Diagnostic:
    """A key that the table does not have; `homes`: where tables are that do have it, as `under [logging]`."""
    near = nearest(key, known)
    advice = did_you_mean(key, known) if near else meant.advice(key, known)
    if homes and not near:
        advice = f"it belongs {' or '.join(homes)}"
    notes = [f"keys of {owner}: {', '.join(known)}"] if len(known) <= _FEW_KEYS else []
    return error(code("unknown_key"), f"{owner} has no key {quoted(key)}", at, notes=notes, help=advice)


def wrong_type(at: Span, subject: str, expected: str, found: str, *, advice: str | None = None) -> Diagnostic:
    """A value of another TOML type; `expected` and `found` in words with an article."""
    message = f"{subject}: expected {expected}, found {found}"
    return error(code("wrong_type"), message, at, f"this is {found}", help=advice)


def out_of_range(at: Span, subject: str, rule: str) -> Diagnostic:
    """A number outside its range; `rule` reads `must be at least 1`."""
    return error(code("out_of_range"), f"{subject} {rule}", at, rule)


def unknown_value(at: Span, subject: str, value: str, choices: Iterable[str]) -> Diagnostic:
    """A text that is not one of the choices."""
    return error(
        code("unknown_value"),
        f"{subject} cannot be {quoted(value)}",
        at,
        "not one of the choices",
        help=did_you_mean(value, choices),
    )


def unknown_node_kind(at: Span, value: str, kinds: Collection[str]) -> Diagnostic:
    """A node `type` that does not exist."""
    message = f"unknown node kind {quoted(value)}"
    label = "no node kind has this name"
    near = nearest(value, kinds)
    other = meant.meant_kind(value, kinds)
    advice = did_you_mean(value, kinds) if near else f"did you mean {quoted(other)}?" if other else None
    notes = [] if near or other else [f"node kinds: {', '.join(sorted(kinds))}"]
    return error(code("unknown_node_kind"), message, at, label, notes=notes, help=advice)


def workflow_count(at: Span, count: int, first: Span | None = None) -> Diagnostic:
    """The wrapped form holds no workflow, or more than one; `at` is the second."""
    labels = () if first is None else (Label(first, "the first one"),)
    message = f"a file holds exactly one [[workflows]] entry, this one holds {count or 'none'}"
    return error(code("workflow_count"), message, at, labels=labels)


def ignored_root_key(at: Span, key: str) -> Diagnostic:
    """A root key beside `[[workflows]]`; an error when it is a safeguard that would silently be dropped."""
    message = f"{quoted(key)} is ignored beside [[workflows]]"
    label = "outside the workflow"
    advice = f"move it into the workflow as workflows.{key}"
    if key in SAFEGUARDS:
        return error(code("ignored_root_key"), message, at, label, help=advice)
    return warning(code("ignored_root_key"), message, at, label, help=advice)


def ignored_field(at: Span, owner: str, key: str, kind: str) -> Diagnostic:
    """An extra key of a kind that takes none."""
    return warning(
        code("ignored_field"), f"{owner}: a {kind} node ignores {quoted(key)}", at, "has no effect"
    )


def blank_name(at: Span) -> Diagnostic:
    """The workflow's name is blank."""
    return error(code("blank_name"), "the workflow has no name", at, "this is blank")


def constraint(
    at: Span, message: str, label: str = "", *, other: Label | None = None, advice: str | None = None
) -> Diagnostic:
    """Any other rule of a section."""
    labels = () if other is None else (other,)
    return error(code("constraint"), message, at, label, labels=labels, help=advice)
