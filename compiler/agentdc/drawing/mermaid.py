"""A picture as a Mermaid flowchart. Names from the workflow stand in quoted labels only, with entities."""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.drawing.picture import Arrow, Box, Picture

_SHAPES = {"condition": ("{{", "}}"), "switch": ("{{", "}}"), "fail": ("([", "])"), "terminate": ("([", "])")}


def render(picture: Picture) -> str:
    """The text of the flowchart."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    names = {box.id: f"n{index}" for index, box in enumerate(picture.boxes)}
    yield "flowchart TD"
    for box in picture.boxes:
        opening, closing = _SHAPES.get(box.kind, ("[", "]"))
        yield f'    {names[box.id]}{opening}"{_label(box)}"{closing}'
    for number, box in enumerate(each for each in picture.boxes if each.start):
        yield f'    s{number}(("{_text(box.start)}")) --> {names[box.id]}'
    for arrow in picture.arrows:
        yield f"    {names[arrow.source]} {_arrow(arrow)} {names[arrow.target]}"
    if picture.ran:
        yield "    classDef ran fill:#dcf5e3,stroke:#1a7f37,stroke-width:2px"
        ran = [names[box.id] for box in picture.boxes if box.visits]
        if ran:
            yield f"    class {','.join(ran)} ran"


def _label(box: Box) -> str:
    visits = [f"#{', '.join(str(each) for each in box.visits)}"] if box.visits else []
    lines = [f"<b>{_text(box.id)}</b>", _text(box.kind), *map(_text, box.effects), *map(_text, visits)]
    return "<br/>".join(lines)


def _arrow(arrow: Arrow) -> str:
    body = "==>" if arrow.taken else ("-.->" if arrow.limit is not None else "-->")
    return f'{body}|"{_text(arrow.text)}"|' if arrow.text else body


def _text(text: str) -> str:
    """Everything but letters, digits and a few marks as numeric entities, which Mermaid writes with `#`."""
    return "".join(each if each.isalnum() or each in " _-.,:/←×{}" else f"#{ord(each)};" for each in text)
