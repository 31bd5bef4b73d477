"""Ceilings: simple shapes have the figure that one would say; `tests/fuzz` holds them against runs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from compiled import checked

from agentdc.check.ceilings import MEASURES
from agentdc.nodes.spec import Measure

SAY = '[[nodes]]\nid = "{0}"\ntype = "template_render"\ntemplate = "x"\n'
GET = '[[nodes]]\nid = "{0}"\ntype = "http_request"\nmethod = "GET"\nurl_from = "trigger.url"\n'
START = 'name = "w"\n[[start_nodes]]\nname = "go"\nsource = "manual"\nentry_node = "a"\n'


def _most(text: str, measure: Measure, start: str = "go") -> int | None:
    found = checked(text).checked
    assert found is not None and found.facts is not None, checked(text).diagnostics
    return found.ceilings[start][measure].most


def _edge(source: str, to: str, **more: Any) -> str:
    fields = "".join(f"{key} = {value!r}\n" for key, value in more.items())
    return f'[[edges]]\nfrom = "{source}"\nto = "{to}"\n{fields}'


def _chain(names: str) -> str:
    return "".join(_edge(a, b) for a, b in pairwise(names))


def test_a_chain() -> None:
    text = START + "".join(map(GET.format, "abc")) + _chain("abc")
    assert _most(text, "http_requests") == 3
    assert _most(text, "node_visits") == 3
    assert _most(text, "wall_secs") == 360


def test_branches_take_the_dearest() -> None:
    nodes = GET.format("a") + SAY.format("b") + GET.format("c") + SAY.format("d")
    text = START + nodes + _edge("a", "b") + _edge("a", "c", when="error") + _edge("b", "d")
    assert _most(text, "http_requests") == 2
    assert _most(text, "node_visits") == 3


def test_a_loop() -> None:
    nodes = "".join(map(GET.format, "ab")) + SAY.format("c")
    text = START + nodes + _chain("ab") + _edge("b", "a", max_iterations=4) + _edge("b", "c", when="error")
    assert _most(text, "http_requests") == 10
    assert _most(text, "node_visits") == 11


def test_a_loop_inside_a_loop_shares_its_count() -> None:
    """An edge is followed so often per run, not per round of the loop around it (spec 01 §2.3)."""
    nodes = "".join(map(GET.format, "abc"))
    loops = _edge("b", "b", max_iterations=3) + _edge("c", "a", max_iterations=2)
    text = START + nodes + _chain("abc") + loops
    assert _most(text, "http_requests") == 3 + 3 * 2 + 2 * 3


def test_retries() -> None:
    text = START + GET.format("a") + "retry = { max_attempts = 4, backoff_ms = 1000, jitter = 0.5 }\n"
    assert _most(text, "http_requests") == 4
    assert _most(text, "wall_secs") == 4 * 120 + 9  # waits of 1, 2 and 3 seconds, half as long again


def test_visits_end_at_the_step_cap() -> None:
    text = START + GET.format("a") + _edge("a", "a", max_iterations=50_000)
    assert _most(text, "node_visits") == 10_000
    assert _most(text, "http_requests") == 10_000


def test_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "child.toml").write_text(START + GET.format("a") + "retry = { max_attempts = 2 }\n")
    mapped = '[[nodes]]\nid = "a"\ntype = "map"\nworkflow = "child.toml"\nitems_from = "trigger.x"\n'
    text = START + mapped + "max_items = 7\nmax_concurrent = 2\n"
    assert _most(text, "http_requests") == 14
    assert _most(text, "node_visits") == 8


def test_a_workflow_that_runs_itself_has_no_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    switch = '[[nodes]]\nid = "a"\ntype = "condition"\nexpr = "trigger.again"\n'
    call = '[[nodes]]\nid = "b"\ntype = "call"\nworkflow = "w.toml"\n'
    edges = _edge("a", "b", when="true") + _edge("a", "c", when="false")
    text = START + switch + call + SAY.format("c") + edges
    (tmp_path / "w.toml").write_text(text)
    found = checked(text, "w.toml").checked
    assert found is not None
    assert found.ceilings["go"]["http_requests"].most is None
    assert "runs itself" in found.ceilings["go"]["http_requests"].because[0]


def test_written_bytes_of_a_known_text() -> None:
    write = (
        '[[nodes]]\nid = "b"\ntype = "write_file"\npath_from = "trigger.path"\ncontent_from = "a.rendered"\n'
    )
    text = (
        START + '[[nodes]]\nid = "a"\ntype = "template_render"\ntemplate = "héllo"\n' + write + _chain("ab")
    )
    assert _most(text, "bytes_written") == 6
    assert _most(text, "files_written") == 1


def test_the_budget_bounds() -> None:
    write = '[[nodes]]\nid = "a"\ntype = "write_file"\npath_from = "trigger.path"\ncontent_from = "trigger.text"\n'
    budget = "[budget]\nmax_fs_write_mb = 2\nmax_run_time_secs = 60\n"
    assert _most(START + write, "bytes_written") is None
    assert _most(START + write + budget, "bytes_written") == 2 << 20
    gets = "".join(map(GET.format, "abc")) + _chain("abc")
    assert _most(START + gets + budget, "wall_secs") == 60 + 120
    assert _most(START + gets + budget + "hard_deadline = true\n", "wall_secs") == 60


def test_every_measure_is_there() -> None:
    found = checked(START + SAY.format("a")).checked
    assert found is not None
    assert tuple(found.ceilings["go"]) == MEASURES
