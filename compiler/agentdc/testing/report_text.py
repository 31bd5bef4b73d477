"""The report for people: each test, what differs side by side, then the sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agentdc.diagnostics.render import text
from agentdc.testing.coverage import CAPABILITIES, Coverage, FileCoverage, Place, capabilities
from agentdc.testing.models import FixtureExpected
from agentdc.testing.results import Ran, Result, Trial, difference, expected_of, path_of
from agentdc.testing.suite import Forecast, Suite

GREEN, RED, YELLOW, BOLD = "32", "1;31", "33", "1"
AROUND = 6  # steps of a path that are shown before and behind the first difference
MOST = 20  # places of one file that are listed
NOTHING = "–"


class TextReport:
    """Writes lines; `colour`: with the terminal's colours. `verbose`: every place that no run took."""

    def __init__(self, *, colour: bool = False, verbose: bool = False) -> None:
        self._colour = colour
        self._verbose = verbose

    def tests(self, suite: Suite) -> str:
        """One line for each test, and below it what is wrong with it."""
        return "".join(f"{line}\n" for result in suite.results for line in self._test(result))

    def sums(self, suite: Suite) -> str:
        """The counts, the cost, and what no run took."""
        return "".join(f"{line}\n" for line in self._sums(suite))

    def ending(self, drift: Sequence[str], forecast: Forecast | None, shortfalls: Sequence[str]) -> str:
        """Drift, forecast, and why this is not good enough."""
        lines = [f"drift: {text.visible(each)}" for each in drift]
        if forecast is not None:
            lines.append(_forecast(forecast))
        lines += [self._paint(f"not good enough: {text.visible(each)}", RED) for each in shortfalls]
        return "".join(f"{line}\n" for line in lines)

    def _test(self, result: Result) -> Iterator[str]:
        word, style = ("ok   ", GREEN) if result.passed else ("FAIL ", RED)
        if result.load_error is not None:
            word, style = "ERROR", RED
        name = text.visible(result.case.name)
        if result.case.name != result.case.place:
            name += f" ({text.visible(result.case.place)})"
        trials = f"  {result.passed_trials}/{result.case.trials} trials" if result.case.trials > 1 else ""
        yield f"{self._paint(word, style)} {name}{trials}"
        found = result.case.diagnostics
        if found:
            yield from text.render(found, colour=self._colour).rstrip("\n").split("\n")
        elif result.load_error is not None:
            yield f"      {text.visible(result.load_error)}"
        yield from self._runs(result)

    def _runs(self, result: Result) -> Iterator[str]:
        if result.case.test is None:
            return
        wrong = [(number, trial) for number, trial in enumerate(result.trials) if trial.failures]
        if result.load_error is not None and not wrong:
            wrong = list(enumerate(result.trials))[:1]
        for number, trial in wrong[:1]:  # the first one tells; the others are told by number
            if result.case.trials > 1:
                yield f"      trial {number}:"
            yield from self._trial(expected_of(result.case), trial, scenario=result.case.scenario)
        if len(wrong) > 1:
            yield f"      trials that failed too: {', '.join(str(number) for number, _ in wrong[1:])}"
        if result.trials and result.trials[0].ran is not None:
            for queue, count in result.trials[0].ran.unused.items():
                answers = "answer was" if count == 1 else "answers were"
                yield f"      note: {count} {answers} never asked for in {text.visible(queue)}"

    def _trial(self, expected: FixtureExpected, trial: Trial, *, scenario: bool) -> Iterator[str]:
        ran = trial.ran
        for failure in trial.failures:
            if not failure.startswith("path: ") or ran is None:
                yield f"      {text.visible(failure)}"
        if ran is None:
            return
        path = path_of(ran, scenario=scenario)
        at = difference(expected, path)
        if at is not None:
            yield from self._side_by_side(expected.path, path, at)
        yield from _tail(ran)

    def _side_by_side(self, expected: Sequence[str], actual: Sequence[str], at: int) -> Iterator[str]:
        yield f"      the path differs at step {at + 1}:"
        first, last = max(0, at - AROUND), at + AROUND
        rows = [
            (number + 1, _step(expected, number), _step(actual, number))
            for number in range(first, min(last + 1, max(len(expected), len(actual))))
        ]
        width = max(len("expected"), *(len(row[1]) for row in rows))
        yield self._paint(f"             {'expected':<{width}}  actual", BOLD)
        if first:
            yield f"             … {first} equal step{'s' if first > 1 else ''}"
        for number, left, right in rows:
            mark = ">" if number == at + 1 else " "
            line = f"      {mark} {number:>3}  {left:<{width}}  {right}"
            yield self._paint(line, RED) if mark == ">" else line
        rest = max(len(expected), len(actual)) - 1 - last
        if rest > 0:
            yield f"             … {rest} more step{'s' if rest > 1 else ''}"

    def _sums(self, suite: Suite) -> Iterator[str]:
        results = suite.results
        unloaded = sum(each.load_error is not None for each in results)
        passed = sum(each.passed for each in results)
        failed = len(results) - passed - unloaded
        counts = [
            f"{passed} passed",
            f"{failed} failed" if failed else "",
            f"{unloaded} not loaded" if unloaded else "",
        ]
        style = GREEN if results and passed == len(results) else RED
        told = ", ".join(each for each in counts if each)
        yield f"\n{self._paint(told, style)} in {suite.seconds:.2f} s"
        if suite.scenarios:
            yield from _scenarios(suite)
        if suite.coverage.files:
            yield from self._coverage(suite.coverage)

    def _coverage(self, coverage: Coverage) -> Iterator[str]:
        (taken, edges), (entered, nodes) = coverage.edges, coverage.nodes
        share = f" ({coverage.fraction:.0%})" if edges else ""
        yield f"edges taken: {taken} of {edges}{share}; nodes entered: {entered} of {nodes}"
        for file in coverage.files:
            missed = _missed(file)
            shown = missed if self._verbose else missed[:MOST]
            for place in shown:
                yield self._paint(f"  never taken: {_place(file.file, place)}", YELLOW)
            if len(shown) < len(missed):
                yield f"  … {len(missed) - len(shown)} more in {text.visible(file.file)}; --verbose lists them"

    def _paint(self, line: str, style: str) -> str:
        return f"\x1b[{style}m{line}\x1b[0m" if self._colour else line


def _step(path: Sequence[str], number: int) -> str:
    return text.visible(path[number]) if number < len(path) else NOTHING


def _tail(ran: Ran) -> Iterator[str]:
    """The end of the run: its last nodes with what they gave, then the error with the nodes it passed."""
    if ran.tail:
        before = len(ran.path) - len(ran.tail)
        yield f"      the run's last steps{f' (after {before} more)' if before > 0 else ''}:"
    for entry in ran.tail:
        branch = f" → {text.visible(entry.branch)}" if entry.branch is not None else ""
        yield f"        {text.visible(entry.node)} [{entry.kind}]{branch}  {text.visible(entry.output)}"
    if ran.status == "failed":
        yield f"      it failed: {text.visible(ran.reason or '')}"
    if ran.error is not None:
        yield f"      it errored: {text.visible(ran.error)}"
    for file, line, node, kind in ran.trail:
        yield f"        --> {text.visible(f'{file}:{line}: node `{node}` ({kind})')}"


def _scenarios(suite: Suite) -> Iterator[str]:
    results = suite.scenarios
    pass_k = sum(each.pass_k for each in results) / len(results)
    each = suite.tokens_per_success
    cost = "" if each is None else f", {each:.1f} tokens per success"
    calls = sum(result.cost["llm_calls"] for result in results)
    yield f"scenarios: pass^k {pass_k:.2f}; {calls} model calls, {suite.tokens} tokens in all trials{cost}"
    shown = capabilities(results)
    yield f"capabilities shown: {len(shown.covered)} of {len(CAPABILITIES)}"
    if shown.unknown:
        yield f"unknown capability tags: {text.visible(', '.join(shown.unknown))}"


def _missed(file: FileCoverage) -> list[Place]:
    return sorted((*file.missed_nodes, *file.missed_edges), key=lambda each: each.line)


def _place(file: str, place: Place) -> str:
    if place.to is None:
        return text.visible(f"{file}:{place.line}: node {place.node}")
    label = "" if place.when is None else f' when "{place.when}"'
    return text.visible(f"{file}:{place.line}: edge {place.node} → {place.to}{label}")


def _forecast(forecast: Forecast) -> str:
    price = "" if forecast.usd_per_month is None else f", {forecast.usd_per_month:.2f} USD a month"
    tokens = f"{forecast.tokens_per_day:.0f} tokens a day, {forecast.tokens_per_month:.0f} a month"
    return f"forecast at {forecast.runs_per_day:g} runs a day: {tokens}{price}"
