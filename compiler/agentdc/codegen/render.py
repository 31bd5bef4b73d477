"""Views to text with jinja2. An undefined name in a template is an error, and nothing is escaped."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _environment() -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    package = files("agentdc_templates")

    def source(name: str) -> str:
        return package.joinpath(name).read_text("utf-8")

    return Environment(  # noqa: S701 - the output is Python, every user value is a finished literal
        loader=FunctionLoader(source),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, view: object) -> str:
    """The text of one template, such as `app/main.py.j2`, for its view record."""
    text: str = _environment().get_template(template).render(view=view)
    return text
