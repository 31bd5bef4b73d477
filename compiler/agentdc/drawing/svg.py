"""A picture as a self-contained SVG: no script, no font, no link, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

from agentdc.drawing.layout import BOX_HEIGHT, BOX_WIDTH, Place, lay_out
from agentdc.drawing.picture import Arrow, Box, Picture

_STYLE = """\
text { font: 12px sans-serif; fill: #1f2328; }
.id { font-weight: bold; }
.small { font-size: 10px; fill: #57606a; }
.box { fill: #f6f8fa; stroke: #57606a; }
.branch { fill: #fff8c5; stroke: #9a6700; }
.end { fill: #ffebe9; stroke: #cf222e; }
.start { fill: #ddf4ff; }
.ran { stroke: #1a7f37; stroke-width: 3; }
.arrow { fill: none; stroke: #57606a; stroke-width: 1.2; }
.loop { stroke-dasharray: 5 3; }
.taken { stroke: #1a7f37; stroke-width: 2.6; }
.label { font-size: 11px; paint-order: stroke; stroke: #ffffff; stroke-width: 4; }"""
_CLASSES = {"condition": "branch", "switch": "branch", "fail": "end", "terminate": "end"}
_CUT = 30


def render(picture: Picture) -> str:
    """The SVG document."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    layout = lay_out(picture)
    size = f'width="{layout.width:.0f}" height="{layout.height:.0f}"'
    box = f'viewBox="0 0 {layout.width:.0f} {layout.height:.0f}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img">'
    yield f"<title>{_text(picture.name)}</title>"
    yield f"<style>\n{_STYLE}\n</style>"
    yield (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" '
        'markerUnits="userSpaceOnUse" '
        'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#57606a"/></marker></defs>'
    )
    yield '<rect width="100%" height="100%" fill="#ffffff"/>'
    for arrow, route in zip(picture.arrows, layout.routes, strict=True):
        yield from _arrow(arrow, route)
    for each in picture.boxes:
        yield from _box(each, layout.boxes[each.id])
    yield "</svg>"


def _box(box: Box, place: Place) -> Iterator[str]:
    classes = ["box", _CLASSES.get(box.kind, "start" if box.start else ""), "ran" if box.visits else ""]
    left, top = place.x - BOX_WIDTH / 2, place.y - BOX_HEIGHT / 2
    yield f"<g><title>{_text(chr(10).join((box.id, box.kind, *box.effects)))}</title>"
    yield (
        f'<rect class="{" ".join(filter(None, classes))}" x="{left:.1f}" y="{top:.1f}" '
        f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
    )
    visits = f"  #{', '.join(str(each) for each in box.visits[:6])}" if box.visits else ""
    lines = [("id", _cut(box.id)), ("", box.kind + visits), ("small", _cut("; ".join(box.effects)))]
    for index, (style, text) in enumerate(lines):
        if text:
            yield (
                f'<text class="{style}" x="{place.x:.1f}" y="{top + 20 + 17 * index:.1f}" '
                f'text-anchor="middle">{_text(text)}</text>'
            )
    if box.start:
        yield f'<text class="small" x="{left:.1f}" y="{top - 5:.1f}">▶ {_text(_cut(box.start))}</text>'
    yield "</g>"


def _arrow(arrow: Arrow, route: Sequence[Place]) -> Iterator[str]:
    classes = ["arrow", "loop" if arrow.limit is not None else "", "taken" if arrow.taken else ""]
    yield f'<path class="{" ".join(filter(None, classes))}" d="{_path(route)}" marker-end="url(#head)"/>'
    if arrow.text:
        first, second = route[0], route[1]
        x, y = first.x + (second.x - first.x) * 0.8, second.y - BOX_HEIGHT / 2 - 22
        if len(route) == 4 and route[1].x == route[2].x and second.x > first.x:  # a way around
            x, y = second.x - 8, (route[1].y + route[2].y) / 2
        yield f'<text class="label" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{_text(arrow.text)}</text>'


def _path(route: Sequence[Place]) -> str:
    if len(route) == 4 and route[1].x == route[2].x and route[1].y != route[2].y and route[1].x > route[0].x:
        first, corner, other, last = route
        right = BOX_WIDTH / 2
        return f"M{first.x + right:.1f} {first.y:.1f} H{corner.x:.1f} V{other.y:.1f} H{last.x + right:.1f}"
    if route[0] == route[-1]:
        x, y = route[0].x + BOX_WIDTH / 2, route[0].y
        return (
            f"M{x:.1f} {y - 10:.1f} C{x + 40:.1f} {y - 20:.1f} {x + 40:.1f} {y + 20:.1f} {x:.1f} {y + 10:.1f}"
        )
    down = BOX_HEIGHT / 2
    points = [Place(route[0].x, route[0].y + down), *route[1:-1], Place(route[-1].x, route[-1].y - down)]
    text = f"M{points[0].x:.1f} {points[0].y:.1f}"
    for before, after in pairwise(points):
        middle = (before.y + after.y) / 2
        text += f" C{before.x:.1f} {middle:.1f} {after.x:.1f} {middle:.1f} {after.x:.1f} {after.y:.1f}"
    return text


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else text[: _CUT - 1] + "…"


def _text(text: str) -> str:
    """Escaped for XML; characters that XML cannot hold are shown as U+FFFD."""
    return escape("".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in text))
