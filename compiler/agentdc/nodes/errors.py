"""The wording of the checks that concern one node kind alone (spec 01 §9, checks 7 to 11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agentdc.diagnostics import Diagnostic, Span, code, did_you_mean, error


def unknown_mcp_server(node: str, server: str, declared: Sequence[str], at: Span) -> Diagnostic:
    """An MCP node names a server that no `[[mcp_servers]]` entry declares."""
    message = f'node "{node}" names the MCP server "{server}", which is not declared'
    fallback = "declare it in [[mcp_servers]]" if not declared else None
    helped = did_you_mean(server, declared) or fallback
    return error(code("unknown_mcp_server"), message, at, "no [[mcp_servers]] has this name", help=helped)


def ambiguous_mcp_server(node: str, declared: Sequence[str], at: Span) -> Diagnostic:
    """An MCP node names no server while several are declared."""
    message = f'node "{node}" must say which MCP server it uses: {_listed(declared)} are declared'
    return error(code("ambiguous_mcp_server"), message, at, "has no `server`", help='add `server = "…"`')


def agent_loop_steps(node: str, steps: int, at: Span) -> Diagnostic:
    """`max_steps` outside its range."""
    message = f'node "{node}" has max_steps = {steps}; an agent loop takes 1 to 64 steps'
    return error(code("agent_loop_steps_out_of_range"), message, at, "not in 1…64")


def agent_loop_instructions(node: str, at: Span) -> Diagnostic:
    """An agent loop that was given no task."""
    message = f'node "{node}" has no task: neither `instructions` nor `instructions_from` is set'
    helped = 'add `instructions = "…"`'
    return error(code("agent_loop_missing_instructions"), message, at, "has no task", help=helped)


def agent_loop_tools(node: str, at: Span) -> Diagnostic:
    """An agent loop that may use no tool."""
    return error(code("agent_loop_no_tools"), f'node "{node}" lists no tools', at, help='add `tools = ["…"]`')


def agent_loop_tool(node: str, tool: str, catalog: Iterable[str], at: Span) -> Diagnostic:
    """A tool name that the loop's catalog does not have."""
    known = sorted(catalog)
    message = f'node "{node}" lists the tool "{tool}", which agent loops do not have'
    return error(code("agent_loop_unknown_tool"), message, at, "no such tool", help=did_you_mean(tool, known))


def respond_status(node: str, status: int, at: Span) -> Diagnostic:
    """An HTTP status outside 100…599."""
    message = f'node "{node}" answers with status {status}, which is no HTTP status'
    return error(code("respond_status_out_of_range"), message, at, "not in 100…599")


def respond_content_type(node: str, at: Span) -> Diagnostic:
    """A content type of blanks only."""
    message = f'node "{node}" answers with a blank content type'
    return error(code("respond_empty_content_type"), message, at, help='leave it out for "application/json"')


def map_zero(node: str, field: str, at: Span) -> Diagnostic:
    """`max_items` or `max_concurrent` is zero."""
    slug = "map_zero_max_items" if field == "max_items" else "map_zero_concurrency"
    return error(
        code(slug), f'node "{node}" has {field} = 0, so it could never run an item', at, "must be at least 1"
    )


def map_workflow(node: str, at: Span) -> Diagnostic:
    """A map without a child workflow."""
    return error(code("map_empty_workflow"), f'node "{node}" names no child workflow', at, "is blank")


def header_name(node: str, name: str, at: Span) -> Diagnostic:
    """A header name with characters outside the allowed ones."""
    message = f'node "{node}" declares the header "{name}", which is no header name'
    return error(code("http_header_bad_name"), message, at, help="use ASCII letters, digits, `-` and `_`")


def header_line_break(node: str, name: str, at: Span) -> Diagnostic:
    """A header value with a line break."""
    message = f'node "{node}" has a line break in the header "{name}"'
    return error(code("http_header_crlf"), message, at, "contains CR or LF")


def header_control(node: str, name: str, at: Span) -> Diagnostic:
    """A header value with a control character other than a line break."""
    message = f'node "{node}" has a control character in the header "{name}"'
    return error(code("http_header_crlf"), message, at, "no header can hold it")


def header_reserved(node: str, name: str, at: Span) -> Diagnostic:
    """A header that the client sets itself."""
    message = f'node "{node}" declares the header "{name}", which follows from the URL and the body'
    return error(code("http_header_reserved"), message, at, "always set by the client", help="leave it out")


def method_token(node: str, method: str, at: Span) -> Diagnostic:
    """An HTTP method with characters outside the allowed ones."""
    message = f'node "{node}" has the method "{method}", which is no HTTP method'
    return error(code("constraint"), message, at, "not one word", help='write one such as "GET" or "POST"')


def header_placeholder(node: str, name: str, placeholder: str, at: Span) -> Diagnostic:
    """A placeholder in a header that is not `{{secret:NAME}}`."""
    helped = "headers take {{secret:NAME}} only; values from data cannot be put into headers"
    if not placeholder.endswith("}}"):
        message = f'node "{node}" opens a placeholder in the header "{name}" and does not close it'
        return error(code("http_header_bad_placeholder"), message, at, "{{ without }}", help=helped)
    message = f'node "{node}" has the placeholder {placeholder} in the header "{name}"'
    return error(code("http_header_bad_placeholder"), message, at, "not {{secret:NAME}}", help=helped)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
