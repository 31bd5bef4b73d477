"""The runtime library as source files, read as package data."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from agentdc.link.closure import RUNTIME


@cache
def module_source(module: str) -> str | None:
    """The text of a module or package of the runtime library by dotted name; None when there is none."""
    place = files(RUNTIME).joinpath(module_path(module).removeprefix(f"{RUNTIME}/"))
    return place.read_text("utf-8") if place.is_file() else None


def module_path(module: str) -> str:
    """Where the module stands in an app tree, with `/`."""
    parts = module.split(".")
    if files(RUNTIME).joinpath(*parts[1:], "__init__.py").is_file():
        return "/".join((*parts, "__init__.py"))
    return "/".join(parts) + ".py"
