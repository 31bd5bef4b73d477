"""All results of one call of `agentdc test`, their sums, and whether they are good enough."""

from __future__ import annotations

from dataclasses import dataclass

from agentdc.testing.baseline import Baseline
from agentdc.testing.coverage import Coverage
from agentdc.testing.results import TOLERANCE, Result

DAYS = 30  # of a month


@dataclass(frozen=True, slots=True)
class Bars:
    """What must be met beside each test's own bar; None asks for nothing."""

    min_pass_rate: float | None = None
    min_edge_coverage: float | None = None
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a number of runs costs; `usd_per_month`: None without a price."""

    runs_per_day: float
    tokens_per_day: float
    tokens_per_month: float
    usd_per_month: float | None


@dataclass(frozen=True, slots=True)
class Suite:
    """`results`: by place. `seconds`: of everything."""

    results: tuple[Result, ...]
    coverage: Coverage
    seconds: float

    @property
    def scenarios(self) -> list[Result]:
        """The results of scenarios."""
        return [each for each in self.results if each.case.scenario]

    @property
    def fixtures(self) -> list[Result]:
        """The results of fixtures."""
        return [each for each in self.results if not each.case.scenario]

    @property
    def tokens(self) -> int:
        """Tokens of all trials of all scenarios."""
        return sum(each.tokens for each in self.scenarios)

    @property
    def passed_trials(self) -> int:
        """Trials of scenarios that were as expected."""
        return sum(each.passed_trials for each in self.scenarios)

    @property
    def tokens_per_success(self) -> float | None:
        """Tokens for each trial that was as expected; None without any."""
        return self.tokens / self.passed_trials if self.passed_trials else None

    def shortfalls(self, bars: Bars) -> list[str]:
        """Every reason why this is not good enough, one line each."""
        found = [f"{each.case.name}: {_why(each)}" for each in self.results if not each.passed]
        if not self.results:
            found.append("no fixture and no scenario was found")
        floor = bars.min_pass_rate
        if floor is not None:
            found += [
                f"{each.case.name}: pass rate {each.pass_rate:.2f} is below {floor:g}"
                for each in self.results
                if each.passed and each.pass_rate < floor - TOLERANCE
            ]
        if bars.baseline is not None:
            found += bars.baseline.regressions(self.scenarios)
        wanted = bars.min_edge_coverage
        if wanted is not None and self.coverage.fraction < wanted - TOLERANCE:
            found.append(f"edge coverage {self.coverage.fraction:.2f} is below {wanted:g}")
        return found

    def forecast(self, runs_per_day: float, price_per_mtok: float | None) -> Forecast | None:
        """What production costs at the price of these scenarios; None when no trial passed."""
        each = self.tokens_per_success
        if each is None:
            return None
        month = each * runs_per_day * DAYS
        usd = None if price_per_mtok is None else month * price_per_mtok / 1_000_000
        return Forecast(runs_per_day, each * runs_per_day, month, usd)


def _why(result: Result) -> str:
    if result.load_error is not None:
        return "could not be loaded"
    if result.case.trials == 1:
        return "failed"
    return f"failed, {result.passed_trials} of {result.case.trials} trials passed"
