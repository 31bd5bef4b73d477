"""Paths that were meant to be something else: a text, an expression, a placeholder, a path of another tool.

A path is keys with dots between them, and nothing else (spec 01 §3.1). Any text is a path, so nothing here is an
error by itself: it explains why a path leads nowhere, and where nothing is known of the data it is worth a warning.

>>> misread("trigger.items[0]", ())
'an index is a key of its own: "trigger.items.0"'
"""

from __future__ import annotations

import re
from collections.abc import Collection

from agentdc.diagnostics import Diagnostic, Span, code, warning

_LITERAL = re.compile(r"(https?|file|s3|mcp)://|[/~]|\.{1,2}/|[A-Za-z]:\\")
_HOLE = re.compile(r"\s*(?:\{\{|\$\{\{?)\s*([^{}]*?)\s*\}\}?\s*\Z")
_INDEX = re.compile(r"\[(\d+)\]|\[['\"]([^'\"\]]+)['\"]\]")
_OPERATOR = re.compile(
    r"==|!=|<=|>=|&&|\|\||\s[<>|+*/?-]\s|\s(?:and|or|not|in|is|contains)\s|\A\s*(?:!|not\s)|\w\("
)
_OTHER_HEADS = frozenset(
    ("context", "ctx", "jobs", "nodes", "outputs", "states", "steps", "tasks", "workflow")
)
_BODY = frozenset(("body", "data", "input", "json", "payload"))
_NOT_GIVEN = frozenset(("cookies", "headers", "method", "params", "path", "query", "url"))
_RUN_HEADS = frozenset(("body", "event", "http", "input", "inputs", "params", "payload", "request"))


def misread(path: str, nodes: Collection[str]) -> str | None:
    """What to write instead, if the path looks like something else; `nodes`: ids of nodes."""
    head, *rest = path.split(".")
    hole = _HOLE.match(path)
    if hole is not None:
        return f'a path stands alone, without braces: "{hole[1]}"'
    if _INDEX.search(path):
        return (
            f'an index is a key of its own: "{_INDEX.sub(lambda found: "." + (found[1] or found[2]), path)}"'
        )
    if _OPERATOR.search(path):
        return "nothing is computed in a path: it only names a value, such as trigger.count"
    if _LITERAL.match(path) or re.search(r"\w\s+\w", path):
        return "a path names a value, such as trigger.path; a fixed text comes from a template_render node"
    if any(part != part.strip() for part in (head, *rest)):
        return f'blanks count: "{".".join(part.strip() for part in (head, *rest))}"'
    if head == "$" and rest:
        return f'a path begins with "trigger" or a node: "{".".join(rest)}"'
    if head in nodes or head == "trigger":
        return None
    if "/" in path and path.partition("/")[0] in {*nodes, "trigger"}:
        return f'keys have dots between them: "{path.replace("/", ".")}"'
    if head.lower() in _OTHER_HEADS and rest and rest[0] in nodes:
        inner = rest[2:] if rest[1:2] in (["output"], ["outputs"]) else rest[1:]
        return f'a path begins with the node: "{".".join((rest[0], *inner))}"'
    if head.lower() in _RUN_HEADS:
        inner = rest[1:] if rest[:1] in (["body"], ["input"], ["payload"]) else rest
        return f'what a run begins with is called trigger: "{".".join(("trigger", *inner))}"'
    return None


def misread_inner(path: str) -> str | None:
    """The same for a path below a value."""
    if _INDEX.search(path):
        dotted = _INDEX.sub(lambda found: "." + (found[1] or found[2]), path).removeprefix("$").lstrip(".")
        return f'an index is a key of its own: "{dotted}"'
    if path == "$" or path.startswith("$."):
        return f'leave out `$`: "{path[2:]}"'
    if path.startswith("/") and len(path) > 1:
        return f'keys have dots between them: "{path[1:].replace("/", ".")}"'
    if _HOLE.match(path) or _OPERATOR.search(path) or "*" in path.split("."):
        return "nothing is computed in a path: it only names a value"
    return None


def flattened(path: str, known: Collection[str]) -> str | None:
    """What to write instead of a path to a part of a request; `known`: keys of its trigger."""
    head, part, *rest = (*path.split("."), "")
    if head != "trigger" or "principal" not in known:
        return None
    if part in _BODY:
        inner = ".".join(("trigger", *(each for each in rest if each)))
        return f'the members of a body are keys of the trigger itself: "{inner}"'
    if part in _NOT_GIVEN:
        return f"a run is given the body and the principal of a request, not its {part}"
    return None


def misplaced(key: str, heads: Collection[str]) -> str | None:
    """What to write instead of a placeholder that looks like an expression; `heads`: what paths begin with."""
    head, _, rest = key.partition(".")
    if key.startswith("secret:"):
        return "secrets are for headers of http_request nodes only"
    if key[:1] in tuple("#/^>&!") and len(key) > 1:
        return "a template has no blocks: branch with nodes, and map over items"
    if _OPERATOR.search(key) or "|" in key:
        return "nothing is computed in a template: a placeholder is a path only"
    if _INDEX.search(key):
        return f"an index is a key of its own: {{{{{_INDEX.sub(lambda found: '.' + (found[1] or found[2]), key)}}}}}"
    if head in heads:
        shown = f"{{{{{rest}}}}}"
        return f'keys are looked up below `input_from`: with input_from = "{head}" write {shown}'
    return None


def expression_path(path: str, instead: str, effect: str, at: Span) -> Diagnostic:
    """A path that looks like something else, over data of which nothing is known."""
    message = f'"{path}" is read as a path, and hardly any data has such a key'
    return warning(code("expression_path"), message, at, effect, help=instead)


def expression_placeholder(key: str, instead: str, at: Span) -> Diagnostic:
    """A placeholder that looks like an expression, over data of which nothing is known."""
    message = "the placeholder {{" + key + "}} most likely stays as it is: its key is no key"
    return warning(code("unfilled_placeholder"), message, at, help=instead)
