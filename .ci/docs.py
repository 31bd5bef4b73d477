"""Writes the generated tables of docs/language.md: keys of sections and node kinds, from the models and the registry.

    python .ci/docs.py            # make docs
    python .ci/docs.py --check    # 1 when the file is not up to date

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; everything else is written by hand.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from agentdc.check import supported
from agentdc.model.base import Section
from agentdc.model.node import NodeModel, Retry
from agentdc.model.schema import json_schema
from agentdc.model.secrets import SECRETS
from agentdc.model.trigger import TRIGGERS
from agentdc.model.workflow import Edge, StartNode, Workflow
from agentdc.nodes.registry import MODELS, SPECS
from agentdc.nodes.spec import Effect, NodeSpec
from agentdc.types import UNKNOWN, Array, Literal, Never, Object, Scalar, Type, Union, Unknown

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "language.md"
BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)
TAGS: Mapping[str, Mapping[str, type[Section]]] = {"triggers": TRIGGERS, "secrets": SECRETS}
TAG = {"triggers": "type", "secrets": "source"}

TODAY = {
    "triggers": "yes, without `bus.message`",
    "nodes": "the kinds marked below",
    "policy": "yes, without `[policy.rego]`",
    "logging": "yes, without `[logging.otel]`",
    "budget": "yes, without `hard_deadline`",
    "secrets": 'yes, without `source = "keyring"`',
    "check": "yes, without the ceilings `max_…`",
    "auth": "yes",
    "server": "yes",
    "http_routes": "yes",
}
WORDS = {
    "name": "the workflow's name",
    "description": "free text, for people",
    "triggers": "what starts runs by itself",
    "secrets": "where a named value comes from",
}
IN_FULL = ("policy", "secrets", "budget", "logging", "signing", "check")
APART = (*WORDS, *IN_FULL, "start_nodes", "nodes", "edges")


def rewritten(text: str) -> str:
    """The document with every generated part made anew; KeyError for a part that nothing makes."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{_part(found['name'])}\n{found[3]}", text)


def _part(name: str) -> str:
    if name == "root":
        return _root()
    if name == "nodes":
        return "\n".join([_overview(), *(_kind(spec) for spec in SPECS.values())])
    if name == "start_nodes":
        return _keys(StartNode)
    if name == "edges":
        return _keys(Edge)
    if name == "retry":
        return _keys(Retry)
    if name == "other_sections":
        return _table(("table", "what it is", "keys"), _brief())
    if name not in IN_FULL:
        raise KeyError(name)
    return _section(name)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(each.replace('|', chr(92) + '|') for each in line)} |\n" for line in lines)


# --- keys of tables


def _root() -> str:
    def row(name: str) -> Sequence[str]:
        schema = _definition("Workflow")["properties"][name]
        header = f"`{name}`" if schema.get("type") == "string" else f"`{_header(name)}`"
        builds = TODAY.get(name, "not yet" if name in supported._SECTIONS else "yes")
        return header, WORDS.get(name) or _meaning(schema), builds

    return _table(("key", "what it is", "builds today"), (row(name) for name in Workflow.model_fields))


def _section(name: str) -> str:
    """Tables of one root key: one for each record below it."""
    return "\n".join(
        f"`{header}`: {_lowered(schema['description'])}\n\n{_keys_of(schema, names, ())}"
        for header, schema, names in _records(name)
    )


def _brief() -> Iterator[Sequence[str]]:
    """One row for each record of the sections that are checked and not built."""
    for root in Workflow.model_fields:
        if root not in APART or (root in TAGS and root not in IN_FULL):
            for header, schema, names in _records(root):
                yield f"`{header}`", _lowered(schema["description"]), ", ".join(f"`{each}`" for each in names)


def _records(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Header, definition and names of the keys of every record at and below one root key."""
    if name in TAGS:
        for tag, record in TAGS[name].items():
            schema = _definition(record.__name__)
            names = [each for each in _order(schema) if each != TAG[name]]
            yield f'[[{name}]] {TAG[name]} = "{tag}"', schema, names
    else:
        yield from _below(_header(name), _target(_definition("Workflow")["properties"][name]))


def _header(name: str) -> str:
    many = _definition("Workflow")["properties"][name].get("type") == "array"
    return f"[[{name}]]" if many else f"[{name}]"


def _below(header: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    yield header, schema, _order(schema)
    for name in _order(schema):
        inner = schema["properties"][name]
        if _target(inner):
            yield from _below(_inner_header(header, name, inner), _target(inner))


def _inner_header(header: str, name: str, schema: Mapping[str, Any]) -> str:
    path = f"{header.strip('[]')}.{name}"
    if schema.get("type") == "array":
        return f"[[{path}]]"
    return f"[{path}.NAME]" if "additionalProperties" in schema else f"[{path}]"


def _keys(record: type[Section]) -> str:
    schema = _definition(record.__name__)
    return _keys_of(schema, _order(schema), ())


def _keys_of(schema: Mapping[str, Any], names: Sequence[str], paths: Sequence[str]) -> str:
    required = schema.get("required", ())

    def row(name: str) -> Sequence[str]:
        each = schema["properties"][name]
        default = "required" if name in required else _default(each)
        kind = "path" if name in paths else _type(each)
        return f"`{name}`", kind, default, _meaning(each)

    return _table(("key", "type", "default", "meaning"), (row(name) for name in names))


@cache
def _schema() -> dict[str, Any]:
    return json_schema(MODELS)


def _definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _schema()["$defs"][name]
    return found


def _order(schema: Mapping[str, Any]) -> list[str]:
    """Names of the keys as the record declares them; the schema itself is sorted."""
    record = _models()[schema["title"]]
    return [field.alias or name for name, field in record.model_fields.items()]


@cache
def _models() -> dict[str, type[Section]]:
    found: dict[str, type[Section]] = {}
    waiting: list[type[Section]] = [Section]
    while waiting:
        each = waiting.pop()
        found[each.__name__] = each
        waiting.extend(each.__subclasses__())
    return found | dict(MODELS)


def _target(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The definition that a key refers to, alone, in an array or by name; empty when it is a plain value."""
    rest = schema.get("additionalProperties")
    place = schema.get("items", rest if isinstance(rest, dict) else schema)
    return _definition(place["$ref"].rpartition("/")[2]) if "$ref" in place else {}


def _meaning(schema: Mapping[str, Any]) -> str:
    """What a key says about itself, else what the record behind it says."""
    said = _lowered(schema.get("description") or _target(schema).get("description", ""))
    return f"{said} (extension)".strip() if schema.get("x-agentdc-extension") else said


def _lowered(text: str) -> str:
    """The words of a description as they read in a table: no capital, no full stop."""
    text = text.strip().partition("\n\n")[0].removesuffix(".")
    if re.match(r"[A-Z][a-z]*\b", text):
        text = text[:1].lower() + text[1:]
    return re.sub(r"(?<!`)(\{\{[^}]*\}\})(?!`)", r"`\1`", text)


def _doc(record: type[Section]) -> str:
    return (record.__doc__ or "").strip()


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    if default is None:
        return "–"
    return "empty" if default in ([], {}) else f"`{json.dumps(default, ensure_ascii=False)}`"


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f'`"{each}"`' for each in schema["enum"])
    if "const" in schema:
        return f'`"{schema["const"]}"`'
    match schema.get("type"):
        case "array":
            inner = _type(schema["items"])
            return f"array of {inner if 'enum' in schema['items'] else _plural(inner)}"
        case "object":
            rest = schema.get("additionalProperties")
            return f"table of {_plural(_type(rest))}" if isinstance(rest, dict) else "table"
        case "integer" | "number":
            return _number(schema)
        case str(kind):
            return kind
    return "table"


def _plural(word: str) -> str:
    return re.sub(r"^\w+", lambda found: f"{found[0]}s", word)


def _number(schema: Mapping[str, Any]) -> str:
    word, low, high = schema["type"], schema.get("minimum"), schema.get("maximum")
    if high is not None and high < 2**31:
        return f"{word} {low}…{high}"
    if schema.get("exclusiveMinimum") == 0:
        return f"{word} > 0"
    return word if low is None else f"{word} ≥ {low}"


# --- node kinds


def _overview() -> str:
    def row(spec: NodeSpec) -> Sequence[str]:
        families = dict.fromkeys(f"`{each.family}`" for each in spec.effects(_sample(spec.model)))
        builds = "yes" if spec.lower else "not yet"
        return (
            f"[`{spec.kind}`](#{spec.kind})",
            _lowered(spec.summary),
            _labels(spec),
            ", ".join(families) or "–",
            builds,
        )

    head = ("kind", "what it does", "labels", "touches", "builds today")
    return _table(head, (row(spec) for spec in SPECS.values()))


def _kind(spec: NodeSpec) -> str:
    schema = _definition(f"node:{spec.kind}")
    common = set(NodeModel.model_fields)
    own = [name for name in _order(schema) if name not in common]
    node = _sample(spec.model).model_copy(update={each.name: "{{key}}" for each in spec.templates})
    lines = [f"### {spec.kind}\n", f"{_doc(spec.model)}{'' if spec.lower else ' *Not built yet.*'}\n"]
    if own:
        lines.append(_keys_of(schema, own, [each.name for each in spec.paths]))
        for name in own:
            target = _target(schema["properties"][name])
            if target:
                inner = [each.name.removeprefix(f"{name}[].") for each in spec.paths]
                lines.append(f"Each of `{name}`:\n\n{_keys_of(target, _order(target), inner)}")
    ends = {"fail": "ends the run as `failed`", "terminate": "ends the run as `completed`"}
    output = _shape(spec.output(node, _Anything()))
    facts = [f"- output: {ends.get(spec.end) or (f'`{output}`' if output else 'none')}"]
    facts += [f"- path `{each.name}`: {_path(each.needs, each.missing)}" for each in spec.paths]
    facts.append(f"- labels: {_labels(spec)}")
    touched = [_effect(each) for each in spec.effects(node)]
    if touched:
        facts.append(f"- touches: {', '.join(touched)}")
    facts.append(f"- errors: {', '.join(f'`{each}`' for each in spec.errors) or 'none'}")
    if spec.dry_run:
        facts.append(
            "- dry run: a placeholder with `dry_run`, after the checks; the other keys may be missing"
        )
    if not spec.retryable:
        facts.append("- `retry` has no effect")
    return "\n".join(lines) + "\n" + "\n".join(facts) + "\n"


class _Anything:
    """A workflow of which nothing is known: every value could be anything."""

    def __call__(self, path: str) -> Type:  # noqa: ARG002 - the shape of the hook
        return UNKNOWN

    def or_null(self, path: str) -> Type:  # noqa: ARG002 - the shape of the hook
        return UNKNOWN

    def schema(self, name: str) -> Type:  # noqa: ARG002 - the shape of the hook
        return UNKNOWN

    def tool(self, server: str | None, name: str) -> Type:  # noqa: ARG002 - the shape of the hook
        return UNKNOWN

    def child(self, workflow: str, start: str | None) -> Type:  # noqa: ARG002 - the shape of the hook
        return UNKNOWN


def _labels(spec: NodeSpec) -> str:
    if spec.labels is None:
        return "the value as text"
    words = [f"`{each}`" for each in spec.labels]
    return ", ".join(words if spec.always_labelled or not words else ["none", *words]) or "none"


def _path(needs: str, missing: str) -> str:
    values = {"any": "any value", "string": "a string", "array": "an array", "strings": "an array of strings"}
    unresolved = "an error" if missing == "error" else "`null`"
    return f"{values[needs]}; unresolved is {unresolved}"


def _effect(effect: Effect) -> str:
    parts = [f"`{effect.constant}`"] if effect.constant else []
    if effect.data:
        parts.append(f"what `{effect.data}` gives")
    return f"`{effect.family}`: {' with '.join(parts)}"


def _sample(record: type[Section]) -> Any:
    """A record whose text fields hold their own names, so that what is made of them can be told."""
    values = {name: _value(name, field.annotation) for name, field in record.model_fields.items()}
    return record.model_construct(**values)


def _value(name: str, annotation: Any) -> Any:
    if get_origin(annotation) is tuple:
        return (_value(name, get_args(annotation)[0]),)
    options = (annotation, *get_args(annotation))
    if str in options:
        return name
    for each in options:
        if isinstance(each, type) and issubclass(each, Section):
            return _sample(each)
    return 1 if int in options else {}


def _shape(value: Type) -> str:
    match value:
        case Unknown():
            return "any"
        case Never():
            return ""
        case Scalar(kind):
            return kind
        case Literal(_, literal):
            return json.dumps(literal)
        case Array(item):
            return f"[{_shape(item)}, …]"
        case Object(fields, rest):
            shown = [f"{name}{'' if each.required else '?'}: {_shape(each.type)}" for name, each in fields]
            return "{" + ", ".join([*shown, *([] if rest is None else [f"…: {_shape(rest)}"])]) + "}"
        case Union(members):
            return " or ".join(_shape(each) for each in members)


def main(arguments: list[str]) -> int:
    """Rewrite the document, or with `--check` say whether it is up to date."""
    text = DOCUMENT.read_text("utf-8")
    made = rewritten(text)
    if arguments == ["--check"]:
        if made != text:
            sys.stderr.write("docs/language.md is not up to date; `make docs` writes it\n")
        return int(made != text)
    if arguments:
        sys.stderr.write("usage: docs.py [--check]\n")
        return 2
    DOCUMENT.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
