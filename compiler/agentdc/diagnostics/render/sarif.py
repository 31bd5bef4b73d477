"""Findings as SARIF 2.1.0, which code scanning reads.

The rules are those that were found, from the table of codes, with their explanations as help. Paths are relative,
columns count UTF-16 code units. A fingerprint is made of the code, the file, what is said and the line as it may be
shown, so that it stays when lines move; equal ones are numbered. Nothing is quoted from the file but that.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from agentdc.diagnostics import hidden
from agentdc.diagnostics.codes import Code
from agentdc.diagnostics.diagnostic import Diagnostic, Label, Severity
from agentdc.diagnostics.explanation import explanation
from agentdc.diagnostics.outcome import Outcome, once
from agentdc.diagnostics.render.places import relative, utf16_position
from agentdc.diagnostics.render.text import masked, visible
from agentdc.version import VERSION

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "agentdcFinding/v1"
_BASE = "SRCROOT"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "note"}


def render(outcomes: Sequence[Outcome], root: str) -> str:
    """The document; `root`: the folder that paths are told from."""
    found = list(once(outcomes))
    codes = sorted({each.code for _, each in found}, key=lambda code: code.number)
    driver = {"name": "agentdc", "semanticVersion": VERSION, "rules": [_rule(each) for each in codes]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": all(each.read for each in outcomes)}],
        "originalUriBaseIds": {_BASE: {"description": {"text": "the folder in which agentdc was started"}}},
        "columnKind": "utf16CodeUnits",
        "results": _results(found, [each.number for each in codes], root),
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _rule(code: Code) -> dict[str, Any]:
    page = explanation(code)
    return {
        "id": code.number,
        "name": "".join(part.capitalize() for part in code.slug.split("_")),
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": " ".join(page.split("\n\n")[0].split())},
        "help": {"text": page, "markdown": page},
        "properties": {"tags": [code.slug]},
    }


def _results(found: Iterable[tuple[str, Diagnostic]], rules: list[str], root: str) -> list[dict[str, Any]]:
    told: Counter[str] = Counter()
    results = []
    for file, each in found:
        marks = _mark(file, each, root)
        told[marks] += 1
        result = {
            "ruleId": each.code.number,
            "ruleIndex": rules.index(each.code.number),
            "level": _LEVELS[each.severity],
            "message": {"text": _message(each)},
            "locations": [{"physicalLocation": _place(file, each.primary, root)}],
            "partialFingerprints": {FINGERPRINT: f"{marks}:{told[marks]}"},
        }
        if each.labels:
            result["relatedLocations"] = [
                _related(label, number, root) for number, label in enumerate(each.labels)
            ]
        results.append(result)
    return results


def _message(diagnostic: Diagnostic) -> str:
    label = diagnostic.primary.message if diagnostic.primary is not None else ""
    lines = [diagnostic.message + (f": {label}" if label else "")]
    lines += [f"note: {each}" for each in diagnostic.notes]
    lines += [f"help: {each}" for each in (diagnostic.help or "").split("\n") if each]
    return "\n".join(map(_shown, lines))


def _shown(text: str) -> str:
    """Without hidden characters, and without what SARIF takes for a link (§3.11.6)."""
    return visible(text).replace("](", "] (")


def _place(file: str, label: Label | None, root: str) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(file, root), "uriBaseId": _BASE}}
    if label is not None:
        line, column = utf16_position(label.span.file, label.span.start)
        end_line, end_column = utf16_position(label.span.file, label.span.end)
        place["region"] = {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        }
    return place


def _related(label: Label, number: int, root: str) -> dict[str, Any]:
    related: dict[str, Any] = {
        "id": number,
        "physicalLocation": _place(label.span.file.name, label, root),
    }
    if label.message:
        related["message"] = {"text": _shown(label.message)}
    return related


def _uri(file: str, root: str) -> str:
    return quote(relative(file, root), safe="/", errors="surrogateescape")


def _mark(file: str, diagnostic: Diagnostic, root: str) -> str:
    line = ""
    if diagnostic.primary is not None:
        span = diagnostic.primary.span
        line = masked(hidden.line(span.file, span.line)).strip()
    parts = (diagnostic.code.number, relative(file, root), diagnostic.message, line)
    digest = sha256("\0".join(parts).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]
