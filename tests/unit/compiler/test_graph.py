"""Walks over the graph, against slow and plain definitions of the same things."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdc.check.graph import dominance, in_or_after_cycle, one_cycle, reachable, successors

Edges = list[tuple[str, str]]


@pytest.mark.parametrize(
    ("edges", "lists"),
    [
        ([], {}),
        ([("a", "b"), ("a", "c"), ("a", "b")], {"a": ["b", "c"]}),
        ([("b", "a"), ("a", "a")], {"b": ["a"], "a": ["a"]}),
    ],
)
def test_successors(edges: Edges, lists: dict[str, list[str]]) -> None:
    assert successors(edges) == lists


@pytest.mark.parametrize(
    ("edges", "entries", "seen"),
    [
        ([], [], set()),
        ([], ["a"], {"a"}),
        ([("a", "b"), ("b", "a"), ("c", "a")], ["a"], {"a", "b"}),
        ([("a", "b"), ("c", "d")], ["a", "c"], {"a", "b", "c", "d"}),
    ],
)
def test_reachable(edges: Edges, entries: list[str], seen: set[str]) -> None:
    assert reachable(entries, successors(edges)) == seen


@pytest.mark.parametrize(
    ("edges", "stuck", "cycle"),
    [
        ([("a", "b"), ("b", "c")], [], None),
        ([("a", "a")], ["a"], ["a"]),
        ([("a", "b"), ("b", "a"), ("b", "c"), ("c", "d")], ["a", "b", "c", "d"], ["b", "a"]),
        ([("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")], ["a", "b", "c"], ["b", "c", "a"]),
    ],
)
def test_cycles(edges: Edges, stuck: list[str], cycle: list[str] | None) -> None:
    nodes = dict.fromkeys(node for edge in edges for node in edge)
    nexts = successors(edges)
    assert in_or_after_cycle(nodes, nexts) == stuck
    if cycle is not None:
        assert one_cycle(stuck, nexts) == cycle


@pytest.mark.parametrize(
    ("edges", "entries", "pairs"),
    [
        # A diamond: only the fork has run before the join.
        ([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], ["a"], ["ab", "ac", "ad"]),
        # Two entries that join: nothing has run for certain.
        ([("a", "c"), ("b", "c")], ["a", "b"], []),
        # A loop back: its body has run before what follows, not before itself.
        ([("a", "b"), ("b", "a"), ("b", "c")], ["a"], ["ab", "ac", "bc"]),
        # An entry inside the graph: what stands before it may not have run.
        ([("a", "b"), ("b", "c")], ["a", "b"], ["bc"]),
        # What no entry reaches has no place.
        ([("a", "b"), ("x", "b")], ["a"], ["ab"]),
    ],
)
def test_dominance(edges: Edges, entries: list[str], pairs: list[str]) -> None:
    found = dominance(entries, successors(edges))
    nodes = sorted({node for edge in edges for node in edge})
    assert [a + b for a in nodes for b in nodes if found.before(a, b)] == pairs


def test_a_long_chain_needs_no_deep_stack() -> None:
    nodes = [f"n{number}" for number in range(20_000)]
    nexts = successors(itertools.pairwise(nodes))
    found = dominance(nodes[:1], nexts)
    assert found.order == tuple(nodes)
    assert found.before(nodes[0], nodes[-1])
    assert in_or_after_cycle(nodes, nexts) == []
    assert len(reachable(nodes[:1], nexts)) == len(nodes)


NODES = "abcdefgh"
graphs = st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=16)
entries_of = st.lists(st.sampled_from(NODES), min_size=1, max_size=3, unique=True)


@given(graphs, entries_of)
def test_dominance_of_random_graphs(edges: Edges, entries: list[str]) -> None:
    """`a` has run before `b` when `b` cannot be reached any more without passing `a`."""
    found = dominance(entries, successors(edges))
    seen = reachable(entries, successors(edges))
    assert sorted(found.order) == sorted(seen)
    for a in NODES:
        without = successors((x, y) for x, y in edges if a not in {x, y})
        left = reachable([entry for entry in entries if entry != a], without)
        for b in NODES:
            assert found.before(a, b) == (a != b and a in seen and b in seen and b not in left), (a, b)


@given(graphs, entries_of)
def test_the_order_puts_predecessors_first(edges: Edges, entries: list[str]) -> None:
    """Every edge between reached nodes goes forward in the order, unless it closes a cycle."""
    nexts = successors(edges)
    order = dominance(entries, nexts).order
    place = {node: index for index, node in enumerate(order)}
    for a, b in edges:
        if a in place and b in place and place[a] >= place[b]:
            assert a in reachable([b], nexts)


@given(graphs)
def test_cycles_of_random_graphs(edges: Edges) -> None:
    nexts = successors(edges)
    on_cycle = {node for node in NODES if node in reachable(nexts.get(node, ()), nexts)}
    stuck = in_or_after_cycle(NODES, nexts)
    assert stuck == sorted(reachable(on_cycle, nexts))
    if stuck:
        route = one_cycle(stuck, nexts)
        assert len(set(route)) == len(route)
        assert all(b in nexts[a] for a, b in zip(route, [*route[1:], route[0]], strict=True))
