"""Differences as text, as JSON, and as Markdown for a comment on a change. Files are named as they were given."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence

from agentdc.diagnostics.render.text import visible
from agentdc.diffing.compare import Difference, Verdict

VERSION = 1
NOTHING = "no capability changed"
_SIGNS = {"widened": "⚠️", "added": "➕", "changed": "✏️", "narrowed": "🔒", "removed": "➖"}


def as_text(old: str, new: str, found: Sequence[Difference]) -> str:
    """A line for each difference, then the counts."""
    rows = [
        [visible(cell) for cell in (each.verdict.value, _category(each), each.subject, _shown(each))]
        for each in found
    ]
    widths = [max((len(cell) for cell in column), default=0) for column in zip(*rows, strict=True)]
    lines = [f"old: {visible(old)}", f"new: {visible(new)}", ""]
    lines += [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "".join(f"{line}\n" for line in (*lines, *([""] if rows else []), _counts(found)))


def as_json(old: str, new: str, found: Sequence[Difference]) -> str:
    """One object; `differences` in the order of the text."""
    differences = [
        {
            "verdict": each.verdict.value,
            "category": each.category,
            "of": each.of or None,
            "subject": each.subject,
            "before": each.before or None,
            "after": each.after or None,
            "note": each.note or None,
        }
        for each in found
    ]
    counts = Counter(each.verdict for each in found)
    document = {
        "version": VERSION,
        "old": old,
        "new": new,
        "counts": {each.value: counts[each] for each in Verdict},
        "differences": differences,
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def as_markdown(old: str, new: str, found: Sequence[Difference]) -> str:
    """A heading and a table; whatever the names hold, they are shown as code."""
    head = f"### Capabilities: {_counts(found)}\n\n{_code(old)} → {_code(new)}\n"
    if not found:
        return head
    rows = ["", "| | what | which | before | after |", "|---|---|---|---|---|"]
    for each in found:
        verdict = f"{_SIGNS[each.verdict.value]} **{each.verdict.value}**"
        cells = (verdict, _prose(_category(each)), _code(each.subject), _code(each.before), _code(each.after))
        rows.append(f"| {' | '.join(cells)} |")
    return head + "\n".join(rows) + "\n"


def _category(each: Difference) -> str:
    if not each.of:
        return each.category
    return f"{each.category}{' ' if each.category.startswith('approval') else ' of '}{each.of}"


def _shown(each: Difference) -> str:
    parts = [part for part in (each.before, each.after) if part]
    told = " -> ".join(parts) if len(parts) == 2 else "".join(parts)
    if len(parts) == 1 and each.verdict in {Verdict.WIDENED, Verdict.NARROWED}:
        told = f"was {told}" if each.before else f"now {told}"
    return f"{told} ({each.note})" if each.note and told else told or each.note


def _counts(found: Sequence[Difference]) -> str:
    counts = Counter(each.verdict for each in found)
    return ", ".join(f"{counts[each]} {each.value}" for each in Verdict if counts[each]) or NOTHING


def _prose(text: str) -> str:
    """Text of ours with names in it: everything that Markdown or HTML could read otherwise is code."""
    return _code(text) if re.search(r"[^\w .:/-]", text) or "of " in text else text


def _code(text: str) -> str:
    """A code span in a table cell: no mention, no link, no HTML, and no end of the cell."""
    if not text:
        return ""
    shown = visible(text).replace("|", "\\|")
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"
