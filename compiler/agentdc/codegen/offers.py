"""The module that offers start nodes as tools: a literal table, and what checks their arguments."""

from __future__ import annotations

from collections.abc import Mapping

from agentdc.codegen.literals import docstring as quoted_docstring
from agentdc.codegen.literals import literal
from agentdc.codegen.names import Names
from agentdc.codegen.render import render
from agentdc.codegen.tidy import tidy
from agentdc.codegen.views import OffersView
from agentdc.ir.ops import Bundle
from agentdc.ir.service import Offer


def offer_modules(bundle: Bundle, package: str, version: str) -> Mapping[str, str]:
    """Path to text: the table, and the module of its checks if any tool has one. `version`: of the compiler."""
    names = Names({"check"})
    checks = {each.start: names.take(each.start, prefix="check_") for each in bundle.offers if each.checked}
    service = bundle.service
    over_http = service is not None and any(route.mcp for route in service.routes)
    imports = [
        "from agentdc_runtime.host.mcp_stdio import serve",
        "from agentdc_runtime.mcp.offers import Offer",
    ]
    if bundle.awaits:
        imports.append("from agentdc_runtime.core.drive_async import walk")
    if over_http:
        imports.append("from agentdc_runtime.http.mcp import McpRoute")
    if checks:
        imports.append(f"from {package} import offer_schemas")
    view = OffersView(
        docstring=quoted_docstring("What the app offers as an MCP server: its start nodes as tools."),
        imports=tuple(sorted(imports)),
        offers=tuple(_arguments(each, checks) for each in bundle.offers),
        purpose=literal(bundle.purpose),
        version=literal(version),
        walk="walk" if bundle.awaits else "None",
        opaque=str(service is not None and service.opaque),
        over_http=over_http,
    )
    files = {f"{package}/offers.py": tidy(render("app/offers.py.j2", view))}
    if checks:
        from agentdc.codegen.schema import schemas_source  # only apps with schemas pay for it

        documents = {checks[each.start]: each.schema for each in bundle.offers if each.checked}
        files[f"{package}/offer_schemas.py"] = tidy(schemas_source(documents))
    return files


def _arguments(offer: Offer, checks: Mapping[str, str]) -> str:
    words = [
        f"start={literal(offer.start)}",
        f"description={literal(offer.description)}",
        f"schema={literal(offer.schema)}",
    ]
    if offer.start in checks:
        words.append(f"check=offer_schemas.{checks[offer.start]}")
    if offer.output is not None:
        words.append(f"output={literal(offer.output)}")
    if offer.wrapped:
        words.append("wrapped=True")
    return ", ".join(words)
