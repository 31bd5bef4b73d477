"""A picture in Graphviz' DOT language; every name from the workflow is a quoted string."""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.drawing.picture import Arrow, Box, Picture

_SHAPES = {"condition": "diamond", "switch": "diamond", "fail": "octagon", "terminate": "oval"}


def render(picture: Picture) -> str:
    """The text of the digraph."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield f"digraph {_quoted(picture.name)} {{"
    yield '    node [shape=box, fontname="sans-serif"];'
    yield '    edge [fontname="sans-serif"];'
    for box in picture.boxes:
        yield f"    {_quoted(box.id)} [{_node(box)}];"
    for number, box in enumerate(each for each in picture.boxes if each.start):
        yield f"    {_quoted(f'start {number}')} [shape=circle, label={_quoted(box.start)}];"
        yield f"    {_quoted(f'start {number}')} -> {_quoted(box.id)};"
    for arrow in picture.arrows:
        yield f"    {_quoted(arrow.source)} -> {_quoted(arrow.target)}{_edge(arrow)};"
    yield "}"


def _node(box: Box) -> str:
    visits = [f"#{', '.join(str(each) for each in box.visits)}"] if box.visits else []
    attributes = [f"label={_quoted(chr(10).join((box.id, box.kind, *box.effects, *visits)))}"]
    if box.kind in _SHAPES:
        attributes.append(f"shape={_SHAPES[box.kind]}")
    if box.visits:
        attributes.append('style=filled, fillcolor="#dcf5e3", color="#1a7f37"')
    return ", ".join(attributes)


def _edge(arrow: Arrow) -> str:
    attributes = [f"label={_quoted(arrow.text)}"] if arrow.text else []
    if arrow.limit is not None:
        attributes.append("style=dashed")
    if arrow.taken:
        attributes.append('color="#1a7f37", penwidth=2')
    return f" [{', '.join(attributes)}]" if attributes else ""


def _quoted(text: str) -> str:
    shown = "".join(each if each.isprintable() or each == "\n" else f"\\\\u{ord(each):04x}" for each in text)
    return '"' + shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
