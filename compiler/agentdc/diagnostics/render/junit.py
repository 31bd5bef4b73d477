"""Findings as JUnit XML, which build servers read: a suite for each workflow, a case for each code that was found.

Errors fail their case. The format has no warnings: a case that has nothing but those passes, and shows them as
output.
"""

from __future__ import annotations

from collections.abc import Sequence

from agentdc.diagnostics.diagnostic import Diagnostic
from agentdc.diagnostics.outcome import Outcome
from agentdc.diagnostics.render import text
from agentdc.diagnostics.render.places import relative
from agentdc.diagnostics.render.text import visible
from agentdc.diagnostics.render.xml import attribute, content

NOTHING = "no findings"


def render(outcomes: Sequence[Outcome], root: str) -> str:
    """The document; `root`: the folder that paths are told from."""
    suites = "".join(_suite(each, root) for each in outcomes)
    total = [found for each in outcomes for found in _cases(each)]
    errors = sum(not each.read for each in outcomes)
    head = f'<testsuites name="agentdc check"{_counts(total, errors)}>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{suites}</testsuites>\n'


def _cases(outcome: Outcome) -> list[list[Diagnostic]]:
    """The findings by code, in the order of their first; one empty case when there are none."""
    found: dict[str, list[Diagnostic]] = {}
    for each in outcome.diagnostics:
        found.setdefault(each.code.number, []).append(each)
    return list(found.values()) or [[]]


def _suite(outcome: Outcome, root: str) -> str:
    name = visible(relative(outcome.file, root))
    cases = _cases(outcome)
    body = "".join(_case(name, each, read=outcome.read) for each in cases)
    return (
        f"  <testsuite name={attribute(name)}{_counts(cases, int(not outcome.read))}>\n{body}  </testsuite>\n"
    )


def _counts(cases: Sequence[Sequence[Diagnostic]], errors: int) -> str:
    failures = sum(any(found.is_error for found in each) for each in cases) - errors
    return f' tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0" time="0.000"'


def _case(suite: str, found: Sequence[Diagnostic], *, read: bool) -> str:
    if not found:
        return f'    <testcase classname={attribute(suite)} name={attribute(NOTHING)} time="0.000"/>\n'
    name = f"{found[0].code.number} {found[0].code.slug}"
    head = f'    <testcase classname={attribute(suite)} name={attribute(name)} time="0.000">\n'
    detail = content(text.render(found))
    failing = [each for each in found if each.is_error]
    if not failing:
        return f"{head}      <system-out>{detail}</system-out>\n    </testcase>\n"
    tag = "failure" if read else "error"
    more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
    message = attribute(visible(failing[0].message) + more)
    kind = attribute(failing[0].code.slug)
    return f"{head}      <{tag} type={kind} message={message}>{detail}</{tag}>\n    </testcase>\n"
