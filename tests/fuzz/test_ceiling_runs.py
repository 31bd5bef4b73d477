"""No run of a random workflow visits more nodes than its ceiling says."""

from __future__ import annotations

import random

import oracle
import pytest
from branchy import given, grown
from compiled import checked
from mutate import dump


@pytest.mark.parametrize("seed", range(6))
def test_no_run_visits_more_nodes(seed: int) -> None:
    reached = 0
    for number in range(60):
        pick = random.Random(f"{seed} ceilings {number}")
        document = grown(pick)
        report = checked(dump(document))
        if report.checked is None or report.facts is None:
            continue
        for _ in range(10):
            start = pick.choice(document["start_nodes"])["name"]
            done = oracle.walk(document, start, given(pick), "manual")
            if start not in report.checked.ceilings or "http_routes" in document:
                continue
            most = report.checked.ceilings[start]["node_visits"].most
            assert most is not None
            assert len(done.trace) <= most, dump(document)
            reached += len(done.trace) == most
    assert reached > 20  # the bound is met, so it is not just large
