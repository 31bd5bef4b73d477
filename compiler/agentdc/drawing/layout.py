"""Where the boxes and arrows of a picture go: layers from top to bottom, long arrows through empty places.

1. An arrow that would close a cycle (a loop edge, or any arrow back to a node still on the way) is laid aside.
2. A node's layer is the longest way to it over the other arrows.
3. An arrow over several layers gets a place of its own in each layer between.
4. Inside the layers places are ordered by the mean of their neighbours, a few times down and up.
5. Places are spread along their layer, and layers are centred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from agentdc.drawing.picture import Picture

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, VIA_WIDTH = 200, 64, 36, 64, 24
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Place:
    """The centre of a box, in pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Layout:
    """`boxes`: by node id. `routes`: for each arrow the points it passes, in order. Sizes in pixels."""

    boxes: dict[str, Place]
    routes: tuple[tuple[Place, ...], ...]
    width: float
    height: float


def lay_out(picture: Picture) -> Layout:
    """The layout of a picture; the same picture gives the same layout."""
    ids = [box.id for box in picture.boxes]
    ends = [(arrow.source, arrow.target) for arrow in picture.arrows]
    back = _backward(ids, ends)
    layer = _layers(ids, [end for index, end in enumerate(ends) if index not in back])
    rows, links, vias = _rows(ids, ends, back, layer)
    _order(rows, links)
    places = _places(rows)
    width = max((place.x for place in places.values()), default=0.0) + BOX_WIDTH / 2 + GAP_X
    routes = tuple(
        _around(places, source, target, width)
        if index in back
        else tuple(places[key] for key in (source, *vias[index], target))
        for index, (source, target) in enumerate(ends)
    )
    height = max(1, len(rows)) * (BOX_HEIGHT + GAP_Y) + GAP_Y
    boxes = {each: places[each] for each in ids}
    return Layout(boxes, routes, width + (BOX_WIDTH / 2 if back else 0), height)


def _backward(ids: Sequence[str], ends: Sequence[tuple[str, str]]) -> set[int]:
    """Indices of arrows that close a cycle in a depth-first walk in declaration order."""
    leaving: dict[str, list[int]] = {each: [] for each in ids}
    for index, (source, _) in enumerate(ends):
        leaving[source].append(index)
    state = dict.fromkeys(ids, 0)
    back: set[int] = set()
    for root in ids:
        stack = [(root, 0)] if state[root] == 0 else []
        state[root] = state[root] or 1
        while stack:
            node, position = stack.pop()
            if position == len(leaving[node]):
                state[node] = 2
                continue
            stack.append((node, position + 1))
            target = ends[leaving[node][position]][1]
            if state[target] == 1:
                back.add(leaving[node][position])
            elif state[target] == 0:
                state[target] = 1
                stack.append((target, 0))
    return back


def _layers(ids: Sequence[str], ends: Sequence[tuple[str, str]]) -> dict[str, int]:
    layer = dict.fromkeys(ids, 0)
    waiting = dict.fromkeys(ids, 0)
    leaving: dict[str, list[str]] = {each: [] for each in ids}
    for source, target in ends:
        leaving[source].append(target)
        waiting[target] += 1
    free = [each for each in ids if waiting[each] == 0]
    for node in free:
        for target in leaving[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            waiting[target] -= 1
            if waiting[target] == 0:
                free.append(target)
    return layer


def _rows(
    ids: Sequence[str], ends: Sequence[tuple[str, str]], back: set[int], layer: dict[str, int]
) -> tuple[list[list[str]], dict[str, list[str]], dict[int, list[str]]]:
    """Keys by layer, neighbours by key, and the keys that stand for the middle of each long arrow."""
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for each in ids:
        rows[layer[each]].append(each)
    links: dict[str, list[str]] = {each: [] for each in ids}
    vias: dict[int, list[str]] = {}
    for index, (source, target) in enumerate(ends):
        if index in back:
            continue
        between = [f"\0{index}:{level}" for level in range(layer[source] + 1, layer[target])]
        vias[index] = between
        for level, key in enumerate(between, layer[source] + 1):
            rows[level].append(key)
        chain = [source, *between, target]
        for first, second in pairwise(chain):
            links.setdefault(first, []).append(second)
            links.setdefault(second, []).append(first)
    return rows, links, vias


def _order(rows: list[list[str]], links: dict[str, list[str]]) -> None:
    for sweep in range(_SWEEPS):
        turn = range(1, len(rows)) if sweep % 2 == 0 else range(len(rows) - 2, -1, -1)
        for level in turn:
            beside = rows[level - 1 if sweep % 2 == 0 else level + 1]
            position = {key: index for index, key in enumerate(beside)}
            own = {key: index for index, key in enumerate(rows[level])}
            rows[level].sort(key=lambda key: (_mean(key, position, links, own), own[key]))


def _mean(key: str, position: dict[str, int], links: dict[str, list[str]], own: dict[str, int]) -> float:
    seen = [position[each] for each in links.get(key, ()) if each in position]
    return sum(seen) / len(seen) if seen else float(own[key])


def _places(rows: Sequence[Sequence[str]]) -> dict[str, Place]:
    widths = [sum(_width(key) + GAP_X for key in row) for row in rows]
    whole = max(widths, default=0)
    places: dict[str, Place] = {}
    for level, row in enumerate(rows):
        x = GAP_X + (whole - widths[level]) / 2
        for key in row:
            places[key] = Place(x + _width(key) / 2, GAP_Y + BOX_HEIGHT / 2 + level * (BOX_HEIGHT + GAP_Y))
            x += _width(key) + GAP_X
    return places


def _width(key: str) -> int:
    return VIA_WIDTH if key.startswith("\0") else BOX_WIDTH


def _around(places: dict[str, Place], source: str, target: str, width: float) -> tuple[Place, ...]:
    """A way back up, to the right of everything."""
    first, last = places[source], places[target]
    return first, Place(width, first.y), Place(width, last.y), last
