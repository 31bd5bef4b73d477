"""The report as JUnit XML, which build servers read: one suite for the fixtures, one for the scenarios."""

from __future__ import annotations

from collections.abc import Sequence

from agentdc.diagnostics.render.xml import attribute, content
from agentdc.testing.report_text import TextReport
from agentdc.testing.results import Result
from agentdc.testing.suite import Suite


def render(suite: Suite) -> str:
    """The document."""
    groups = [("fixtures", suite.fixtures), ("scenarios", suite.scenarios)]
    body = "".join(_group(name, results, suite) for name, results in groups if results)
    attributes = _counts(suite.results)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{attributes}>\n{body}</testsuites>\n'


def _group(name: str, results: Sequence[Result], suite: Suite) -> str:
    cases = "".join(_case(name, each, suite) for each in results)
    return f'  <testsuite name="{name}"{_counts(results)}>\n{cases}  </testsuite>\n'


def _counts(results: Sequence[Result]) -> str:
    errors = sum(each.load_error is not None for each in results)
    failures = sum(not each.passed for each in results) - errors
    seconds = sum(each.seconds for each in results)
    return f' tests="{len(results)}" failures="{failures}" errors="{errors}" time="{seconds:.3f}"'


def _case(group: str, result: Result, suite: Suite) -> str:
    name = attribute(result.case.name)
    head = f'    <testcase classname="{group}" name={name} time="{result.seconds:.3f}"'
    if result.passed:
        return f"{head}/>\n"
    told = result.failures if result.case.scenario else result.trials[0].failures if result.trials else ()
    tag, message = "failure", "; ".join(told)
    if result.load_error is not None:
        tag, message = "error", result.load_error
    only = Suite((result,), suite.coverage, result.seconds)
    detail = content(TextReport().tests(only))
    return f"{head}>\n      <{tag} message={attribute(message)}>{detail}</{tag}>\n    </testcase>\n"
