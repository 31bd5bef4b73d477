"""The long explanation of a code: what it means, a wrong and a right example. Reads package data."""

from __future__ import annotations

from importlib.resources import files

from agentdc.diagnostics.codes import Code


def explanation(code: Code) -> str:
    """The page of a code, Markdown with `## Wrong` and `## Right`; every code has one."""
    page = files("agentdc.diagnostics").joinpath("explain", f"{code.slug}.md")
    return page.read_text(encoding="utf-8")
