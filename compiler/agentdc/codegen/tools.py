"""The module that holds what tools of MCP servers answer against their locked schemas."""

from __future__ import annotations

from collections.abc import Mapping

from agentdc.codegen.literals import docstring as quoted_docstring
from agentdc.codegen.literals import literal
from agentdc.codegen.names import Names
from agentdc.codegen.render import render
from agentdc.codegen.tidy import tidy
from agentdc.codegen.views import ToolsView
from agentdc.ir.service import ToolAnswer


def tool_modules(answers: tuple[ToolAnswer, ...], package: str, router: str) -> Mapping[str, str]:
    """Path to text: the table, and the module of its checks. `router`: the runtime module that makes the router."""
    from agentdc.codegen.schema import schemas_source  # only apps with schemas pay for it

    names = Names({"check"})
    functions = [names.take(f"{each.server}_{each.tool}", prefix="check_") for each in answers]
    view = ToolsView(
        docstring=quoted_docstring("What tools of MCP servers answer, held against agentdc.lock."),
        imports=(f"from {router} import router as made", f"from {package} import tool_schemas"),
        checks=tuple(
            f"({literal(each.server)}, {literal(each.tool)}): tool_schemas.{function}"
            for each, function in zip(answers, functions, strict=True)
        ),
    )
    documents = {function: each.schema for each, function in zip(answers, functions, strict=True)}
    return {
        f"{package}/tools.py": tidy(render("app/tools.py.j2", view)),
        f"{package}/tool_schemas.py": tidy(schemas_source(documents)),
    }
