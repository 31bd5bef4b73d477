"""The exposition for Prometheus (spec 02 §1.5, 03 §3.1-3.2), read by promtool."""

from __future__ import annotations

import timeit
from typing import TYPE_CHECKING

import pytest
from peers.promtool import complaints

from agentdc_runtime.core.process import COUNTERS
from agentdc_runtime.observe.metrics import SECONDS, Counter, Gauge, Histogram, render

if TYPE_CHECKING:
    from agentdc_runtime.observe.metrics import Metric

NAMES = (
    "agentd_workflow_starts_total",
    "agentd_workflow_completions_total",
    "agentd_workflow_failures_total",
    "agentd_workflow_timeouts_total",
    "agentd_workflow_errors_total",
    "agentd_node_executions_total",
    "agentd_node_failures_total",
    "agentd_policy_denials_total",
    "agentd_llm_calls_total",
    "agentd_llm_tokens_total",
)
NUMBERS = {key: number for number, key in enumerate(COUNTERS, 1)}
HOSTILE = 'a"b\\c\nd\te\u20ac{}\\n'
ESCAPED = 'a\\"b\\\\c\\nd\te\u20ac{}\\\\n'


def families() -> list[Metric]:
    """What a serving app shows."""
    requests = Counter("agentdc_http_requests_total", "HTTP answers by route and status.", ("route", "code"))
    for label, code in [("POST /b", 200), ("other", 404), ("POST /b", 200), (f"GET /{HOSTILE}", 500)]:
        requests.count(label, code)
    runs = Histogram("agentdc_run_duration_seconds", "Time from the begin to the end of runs.", "status")
    nodes = Histogram("agentdc_node_duration_seconds", "Time that nodes took.", "kind")
    for seconds in (0.0000004, 0.001, 0.0010001, 3.0, 120.0, 121.5):
        runs.observe("completed", seconds)
        nodes.observe("http_request", seconds)
    runs.observe("failed", 0.2)
    return [
        requests,
        runs,
        nodes,
        Gauge("agentdc_inflight_runs", "Runs that wait for something.", 3),
        Gauge(
            "agentdc_tls_certificate_expiry_timestamp_seconds",
            "When the server's certificate ends.",
            1893456000,
        ),
    ]


@pytest.mark.parametrize("workflow", ["billing", HOSTILE])
@pytest.mark.parametrize("more", [[], families()], ids=["bare", "all"])
def test_promtool_reads_it_and_finds_nothing_to_say(workflow: str, more: list[Metric]) -> None:
    assert complaints(render(workflow, "1.2.3", NUMBERS, more)) == ""


def test_promtool_reads_families_without_series() -> None:
    empty: list[Metric] = [
        Counter("agentdc_a_total", "A.", ("b", "c")),
        Histogram("agentdc_b_seconds", "B.", "c"),
    ]
    assert complaints(render("w", "1", NUMBERS, empty)) == ""


def test_promtool_would_say_something() -> None:
    bad = Counter("agentdc_bad", "B.", ())
    bad.count()
    assert "agentdc_bad" in complaints(render("w", "1", NUMBERS, [bad]))


def test_the_series_of_agentd() -> None:
    lines = render(HOSTILE, '1.0"', NUMBERS).decode().removesuffix("\n").split("\n")
    for number, name in enumerate(NAMES, 1):
        about, kind, sample = lines[3 * number - 3 : 3 * number]
        assert about.startswith(f"# HELP {name} ")
        assert kind == f"# TYPE {name} counter"
        assert sample == f'{name}{{workflow="{ESCAPED}"}} {number}'
    about, *rest = lines[30:]
    assert about.startswith("# HELP agentd_build_info ")
    assert rest == [
        "# TYPE agentd_build_info gauge",
        f'agentd_build_info{{workflow="{ESCAPED}",version="1.0\\""}} 1',
    ]


def test_ours_come_behind() -> None:
    text = render("w", "1", NUMBERS, families())
    assert text.startswith(render("w", "1", NUMBERS))
    assert text.endswith(b"\n")
    assert b"\n\n" not in text
    assert text == render("w", "1", NUMBERS, families())


def test_big_counts_are_written_in_full() -> None:
    assert b"} 18446744073709551615\n" in render("w", "1", {**NUMBERS, "llm_tokens": 2**64 - 1})


def test_counters_are_sorted_by_their_labels() -> None:
    counter = Counter("c_total", "C.", ("route", "code"))
    for route, code in [("b", 500), ("b", 200), ("a", 404), ("b", 200)]:
        counter.count(route, code)
    assert list(counter.lines("w"))[2:] == [
        'c_total{workflow="w",route="a",code="404"} 1',
        'c_total{workflow="w",route="b",code="200"} 2',
        'c_total{workflow="w",route="b",code="500"} 1',
    ]


def test_a_counter_may_have_other_labels() -> None:
    none, three = Counter("n_total", "N.", ()), Counter("t_total", "T.", ("a", "b", "c"))
    none.count()
    three.count("x", 'y"', 3)
    assert list(none.lines("w"))[2:] == ['n_total{workflow="w"} 1']
    assert list(three.lines("w"))[2:] == ['t_total{workflow="w",a="x",b="y\\"",c="3"} 1']


def test_histograms_are_cumulative() -> None:
    histogram = Histogram("h_seconds", "H.", "kind")
    for seconds in (0.0, 0.001, 0.25, 0.3, 120.0, 120.5):
        histogram.observe("x", seconds)
    lines = list(histogram.lines("w"))
    assert lines[:2] == ["# HELP h_seconds H.", "# TYPE h_seconds histogram"]
    counts = {line.partition('le="')[2].partition('"')[0]: int(line.split()[-1]) for line in lines[2:-2]}
    assert list(counts) == [*map(str, SECONDS), "+Inf"]
    assert [counts[each] for each in ("0.001", "0.1", "0.25", "0.5", "60.0", "120.0", "+Inf")] == [
        2,
        2,
        3,
        4,
        4,
        5,
        6,
    ]
    assert lines[-2:] == [
        'h_seconds_sum{workflow="w",kind="x"} 241.051',
        'h_seconds_count{workflow="w",kind="x"} 6',
    ]


def test_a_short_duration_is_not_lost() -> None:
    histogram = Histogram("h_seconds", "H.", "kind")
    histogram.observe("x", 0.00000025)
    assert 'h_seconds_sum{workflow="w",kind="x"} 2.5e-07' in list(histogram.lines("w"))


def test_counting_is_cheap() -> None:
    counter, histogram = Counter("c_total", "C.", ("a", "b")), Histogram("h_seconds", "H.", "a")

    def once() -> None:
        counter.count("POST /b", 200)
        histogram.observe("completed", 0.0002)

    best = min(timeit.repeat(once, number=10_000, repeat=5)) / 10_000
    assert best < 5e-6  # 0.3 µs where it was measured; this only tells of a change in kind
