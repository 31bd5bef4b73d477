"""What a checked workflow can touch and use up, as rows (`agentdc check --effects`, `--ceilings`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agentdc.check.ceilings import MEASURES
from agentdc.check.effects import Touch, judge
from agentdc.check.least_policy import suggested
from agentdc.check.origins import shown
from agentdc.diagnostics.outcome import Row
from agentdc.driver.check import Report

_WHY = {
    "no_policy": "nothing limits it",
    "covered": "the policy covers it",
    "not_covered": "the policy does not cover all of it",
    "empty_list": "its list in the policy is empty",
    "method": "the method is not listed",
    "data": "the policy is asked with the data",
    "climbs": "only a path with .. could pass",
    "chosen": "a model chooses; the policy is asked each time",
    "reading": "the policy is asked how the URL reads",
    "link": "the policy is asked where the link leads",
    "rego": "[policy.rego] is asked as well",
}


def effects(report: Report) -> list[Row]:
    """A row for each effect: verdict, what it is, which node, why; of children, with their file."""
    if report.checked is None or report.workflow is None:
        return []
    rows: list[Row] = []
    for touch in report.checked.effects:
        found = judge(report.workflow, touch)
        node = f"{touch.file}:{touch.node}" if touch.file else touch.node
        rows.append(
            {"verdict": found.verdict, "effect": _what(touch), "node": node, "reason": _WHY[found.why]}
        )
    return rows


def ceilings(report: Report) -> list[Row]:
    """A row for each start and measure; `most` is null where nothing bounds it."""
    if report.checked is None:
        return []
    return [
        {
            "start": start,
            "measure": measure,
            "most": found[measure].most,
            "reason": "; ".join(found[measure].because) if found[measure].most is None else "",
        }
        for start, found in report.checked.ceilings.items()
        for measure in MEASURES
    ]


TABLES: Mapping[str, Callable[[Report], list[Row]]] = {"effects": effects, "ceilings": ceilings}


def least_policy(report: Report) -> str | None:
    """The least policy as TOML; None when the workflow is too broken to tell."""
    if report.checked is None or report.workflow is None or report.facts is None:
        return None
    return suggested(report.workflow, report.checked.effects)


def _what(touch: Touch) -> str:
    subjects = " | ".join(shown(text) for text in touch.texts) if touch.texts else "what the model says"
    server = f" of {touch.effect.server}" if touch.effect.server else ""
    method = f" {touch.effect.method}" if touch.effect.method else ""
    return f"{touch.family}{method} {subjects}{server}"
