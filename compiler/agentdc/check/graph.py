"""The graph of a workflow: reachability, cycles, dominators. Pure; node ids in, node ids out.

All walks are iterative, so that a chain of 10,000 nodes needs no deep stack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Successors = Mapping[str, Sequence[str]]


def successors(edges: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Adjacency lists in edge order, without repeats."""
    lists: dict[str, dict[str, None]] = defaultdict(dict)
    for source, target in edges:
        lists[source][target] = None
    return {source: list(targets) for source, targets in lists.items()}


def reachable(entries: Iterable[str], nexts: Successors) -> set[str]:
    """Every node on some route from an entry, entries included."""
    seen: set[str] = set()
    stack = list(entries)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(nexts.get(node, ()))
    return seen


def in_or_after_cycle(nodes: Iterable[str], nexts: Successors) -> list[str]:
    """Nodes that no topological order can place, sorted; empty for an acyclic graph."""
    waiting = dict.fromkeys(nodes, 0)
    for targets in nexts.values():
        for target in targets:
            waiting[target] += 1
    free = [node for node, count in waiting.items() if count == 0]
    while free:
        node = free.pop()
        del waiting[node]
        for target in nexts.get(node, ()):
            waiting[target] -= 1
            if waiting[target] == 0:
                free.append(target)
    return sorted(waiting)


def one_cycle(suspects: Iterable[str], nexts: Successors) -> list[str]:
    """The nodes of one cycle among `suspects` (the result of `in_or_after_cycle`), in walking order."""
    left = set(suspects)
    previous: dict[str, str] = {}
    for source in sorted(left):
        for target in nexts.get(source, ()):
            if target in left:
                previous.setdefault(target, source)
    node = min(left)
    seen: dict[str, int] = {}
    route: list[str] = []
    while node not in seen:  # walking backwards, every suspect has a suspect before it
        seen[node] = len(route)
        route.append(node)
        node = previous[node]
    return list(reversed(route[seen[node] :]))


def loops(nexts: Successors) -> dict[str, Sequence[str]]:
    """The nodes that some walk comes back to, each with all nodes of its loops (Tarjan's components)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    found: dict[str, Sequence[str]] = {}
    for root in nexts:
        stack = [(root, 0)] if root not in number else []
        while stack:
            node, at = stack.pop()
            if at == 0:
                number[node] = low[node] = len(number)
                open_.append(node)
            targets = nexts.get(node, ())
            if at and targets[at - 1] in low:
                low[node] = min(low[node], low[targets[at - 1]])
            while at < len(targets) and targets[at] in number:
                if targets[at] in low:
                    low[node] = min(low[node], number[targets[at]])
                at += 1
            if at < len(targets):
                stack += [(node, at + 1), (targets[at], 0)]
            elif low[node] == number[node]:
                first = open_.index(node) if open_[-1] != node else len(open_) - 1
                component = open_[first:]
                del open_[first:]
                if len(component) > 1 or node in targets:
                    found.update(dict.fromkeys(component, component))
                for each in component:
                    del low[each]
    return found


def route(entries: Iterable[str], nexts: Successors, target: str, without: str) -> list[str] | None:
    """The shortest way from an entry to `target` past no node `without`, ends included; None for none."""
    before: dict[str, str | None] = {}
    waiting = []
    for entry in entries:
        if entry not in before and (entry != without or entry == target):
            before[entry] = None
            waiting.append(entry)
    for node in waiting:
        if node == target:
            found: list[str] = []
            step: str | None = node
            while step is not None:
                found.append(step)
                step = before[step]
            return found[::-1]
        if node == without:
            continue
        for following in nexts.get(node, ()):
            if following not in before:
                before[following] = node
                waiting.append(following)
    return None


@dataclass(frozen=True, slots=True)
class Dominance:
    """Which nodes every route passes. `order`: reachable nodes in reverse postorder."""

    order: tuple[str, ...]
    _entered: Mapping[str, int]
    _left: Mapping[str, int]

    def before(self, first: str, then: str) -> bool:
        """True when every route to `then` has run `first` before it."""
        if first == then or first not in self._entered or then not in self._entered:
            return False
        return self._entered[first] <= self._entered[then] and self._left[then] <= self._left[first]


def dominance(entries: Sequence[str], nexts: Successors) -> Dominance:
    """Dominators of everything reachable from `entries` (Cooper, Harvey and Kennedy's iteration)."""
    order = _reverse_postorder(entries, nexts)
    number = {node: index for index, node in enumerate(order, 1)}
    before: list[list[int]] = [[] for _ in range(len(order) + 1)]
    for node in order:
        for target in nexts.get(node, ()):
            before[number[target]].append(number[node])
    for entry in entries:
        before[number[entry]].append(0)
    idom = _immediate(before)
    entered, left = _numbering(idom)
    return Dominance(
        tuple(order),
        {node: entered[index] for node, index in number.items()},
        {node: left[index] for node, index in number.items()},
    )


def _reverse_postorder(entries: Sequence[str], nexts: Successors) -> list[str]:
    seen: set[str] = set()
    done: list[str] = []
    for entry in reversed(entries):
        stack: list[tuple[str, int]] = [(entry, 0)] if entry not in seen else []
        seen.add(entry)
        while stack:
            node, index = stack.pop()
            targets = nexts.get(node, ())
            while index < len(targets) and targets[index] in seen:
                index += 1
            if index == len(targets):
                done.append(node)
            else:
                seen.add(targets[index])
                stack += [(node, index + 1), (targets[index], 0)]
    done.reverse()
    return done


def _immediate(before: Sequence[Sequence[int]]) -> list[int]:
    """Immediate dominators by number; 0 is the root, -1 not computed yet."""
    idom = [-1] * len(before)
    idom[0] = 0
    changed = True
    while changed:
        changed = False
        for node in range(1, len(before)):
            found = -1
            for other in before[node]:
                if idom[other] >= 0:
                    found = other if found < 0 else _meet(idom, found, other)
            if found != idom[node]:
                idom[node], changed = found, True
    return idom


def _meet(idom: Sequence[int], left: int, right: int) -> int:
    while left != right:
        while left > right:
            left = idom[left]
        while right > left:
            right = idom[right]
    return left


def _numbering(idom: Sequence[int]) -> tuple[list[int], list[int]]:
    """Entry and exit times of a walk over the dominator tree: a dominates b iff b's interval lies in a's."""
    children: list[list[int]] = [[] for _ in idom]
    for node in range(len(idom) - 1, 0, -1):
        children[idom[node]].append(node)
    entered, left = [0] * len(idom), [0] * len(idom)
    clock, stack = 0, [(0, False)]
    while stack:
        node, done = stack.pop()
        clock += 1
        if done:
            left[node] = clock
        else:
            entered[node] = clock
            stack.append((node, True))
            stack.extend((child, False) for child in children[node])
    return entered, left
