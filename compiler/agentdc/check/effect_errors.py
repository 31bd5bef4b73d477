"""The wording of what is found about effects, ceilings and flows of data: one function per code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agentdc.check.ceilings import Ceiling
from agentdc.diagnostics import Diagnostic, Label, Span, code, error, hint, warning
from agentdc.nodes.spec import Measure

_DOES = {
    "fs.read": "reads the file",
    "fs.write": "writes",
    "env.read": "reads the variable",
    "http": "requests",
    "shell": "runs",
    "mcp.tool": "calls the tool",
    "mcp.resource": "reads the resource",
}
_THINGS = {
    "fs.read": "file",
    "fs.write": "file",
    "env.read": "variable",
    "http": "request",
    "shell": "command",
    "mcp.tool": "tool call",
    "mcp.resource": "resource",
}

MEASURED: Mapping[Measure, tuple[str, str]] = {
    "model_calls": ("make", "model calls"),
    "tokens": ("get", "tokens of answers"),
    "http_requests": ("send", "HTTP requests"),
    "shell_runs": ("run", "commands"),
    "files_written": ("write", "files"),
    "bytes_written": ("write", "bytes"),
    "node_visits": ("visit", "nodes"),
    "wall_secs": ("wait", "seconds"),
}


def _at_list(found: Diagnostic, gate: Span) -> Diagnostic:
    """The finding with the list of the policy that it is about."""
    return replace(found, labels=(*found.labels, Label(gate, "the list")))


def denied(node: str, family: str, shown: Sequence[str], listed: str, at: Span, gate: Span) -> Diagnostic:
    """The policy covers nothing that the node could touch. `listed`: the list that gates it, as it is written."""
    what = " or ".join(f'"{each}"' for each in shown) or f"any {_THINGS[family]}"
    message = f'the policy denies what the node "{node}" does: it {_DOES[family]} {what}'
    helped = f"add it to {listed}, or leave the node out"
    found = error(code("policy_denied"), message, at, f"not covered by {listed}", help=helped)
    return _at_list(found, gate)


def climbing(node: str, shown: str, listed: str, at: Span, gate: Span) -> Diagnostic:
    """No pattern covers what begins so, unless data climbs out of it with `..`."""
    message = f'the policy denies what the node "{node}" does with "{shown}", unless the data has ".." in it'
    helped = f"add where it really leads to {listed}"
    found = error(code("policy_denied"), message, at, f"not covered by {listed}", help=helped)
    return _at_list(found, gate)


def method_denied(node: str, method: str, at: Span, gate: Span) -> Diagnostic:
    """The method of a request is not listed."""
    message = f'the policy denies what the node "{node}" does: {method} is not among the methods'
    helped = f'add "{method}" to [policy.http] methods'
    found = error(code("policy_denied"), message, at, "not covered by [policy.http] methods", help=helped)
    return _at_list(found, gate)


def may_deny(node: str, family: str, shown: Sequence[str], listed: str, at: Span, gate: Span) -> Diagnostic:
    """Some of the texts that a subject can be are not covered."""
    what = ", ".join(f'"{each}"' for each in shown)
    message = f'the policy denies some of what the node "{node}" may do: it {_DOES[family]} {what} too'
    found = warning(
        code("policy_may_deny"),
        message,
        at,
        f"not all covered by {listed}",
        help=f"add what is missing to {listed}",
    )
    return _at_list(found, gate)


def unlisted_command(node: str, command: str, listed: str, at: Span, gate: Span) -> Diagnostic:
    """A command that is allowed only if it is a link to one that is."""
    message = f'the node "{node}" runs "{command}", which is allowed only if it is a link to a listed command'
    found = warning(
        code("policy_may_deny"),
        message,
        at,
        f"not covered by {listed} as written",
        help="the list holds the files that commands are after links are followed; add this one, or its target",
    )
    return _at_list(found, gate)


def useless_tool(node: str, tool: str, listed: str, at: Span, gate: Span) -> Diagnostic:
    """A loop offers a tool whose every call is denied."""
    message = f'the node "{node}" offers the tool {tool}, and the policy denies every call of it'
    found = warning(
        code("policy_may_deny"),
        message,
        at,
        f"{listed} is empty",
        help=f"list in {listed} what the model may reach, or take the tool away",
    )
    return _at_list(found, gate)


_URL_HELP = "write the URL in full, with its scheme and a host, and without a user name"


def relative_command(node: str, command: str, at: Span) -> Diagnostic:
    """A command that is no absolute path fails whenever it is run."""
    message = f'the node "{node}" runs "{command}", which is no absolute path'
    return error(
        code("relative_command"),
        message,
        at,
        "no search path is consulted",
        help=f'write the whole path, such as "/usr/bin/{command.rpartition("/")[2] or "true"}"',
    )


def bad_url(node: str, shown: str, at: Span) -> Diagnostic:
    """What is requested can never be an HTTP URL."""
    message = (
        f'the node "{node}" requests "{shown}", which is no http:// or https:// URL that can be requested'
    )
    return error(code("bad_url"), message, at, help=_URL_HELP)


def maybe_bad_url(node: str, shown: str, at: Span) -> Diagnostic:
    """One of the texts that are requested can never be an HTTP URL."""
    message = (
        f'the node "{node}" may request "{shown}", which is no http:// or https:// URL that can be requested'
    )
    return warning(code("bad_url"), message, at, help=_URL_HELP)


def unused_grant(pattern: str, what: str, at: Span) -> Diagnostic:
    """A grant that nothing needs."""
    message = f'the policy is wider than the program needs: nothing can use {what} "{pattern}"'
    helped = "remove it; `agentdc check --suggest-policy` prints the least policy"
    return warning(code("unused_grant"), message, at, "granted, and never used", help=helped)


def wide_grant(pattern: str, enough: Sequence[str], at: Span) -> Diagnostic:
    """A grant of everything, where what is needed is known."""
    needed = ", ".join(f'"{each}"' for each in enough)
    message = f'the policy grants "{pattern}", and {needed} would be enough'
    return hint(code("wide_grant"), message, at, "wider than the program needs")


def ceiling_exceeded(measure: Measure, found: Ceiling, most: int, start: str, at: Span) -> Diagnostic:
    """A run can use up more than `[check]` allows."""
    verb, unit = MEASURED[measure]
    if found.most is None:
        message = f'nothing bounds how many {unit} a run from "{start}" may {verb}, and {most} are allowed'
    else:
        message = f'a run from "{start}" may {verb} up to {found.most} {unit}, and {most} are allowed'
    notes = [f"comes from {each}" for each in found.because]
    helped = "lower loops, retries, max_items or limits of the nodes, or raise this number"
    return error(code("ceiling_exceeded"), message, at, notes=notes, help=helped)


def private_flow(node: str, variable: str, source: str, sink: str, at: Span) -> Diagnostic:
    """A secret from the environment goes where others can read it."""
    message = f'the value of the environment variable "{variable}" gets into {sink} of the node "{node}"'
    asked = sink in {"the URL", "the body of the request"}
    helped = (
        "send it as a header instead: {{secret:NAME}}" if asked else "leave it out of what others can read"
    )
    return warning(code("private_flow"), message, at, f'has something of "{source}"', help=helped)


_DECIDED = {
    "shell": "is an argument of the command",
    "fs.read": "decides which file is read",
    "fs.write": "decides which file is written",
    "http": "decides which server is asked",
}
_REMEDIES = {
    "shell": "let a switch choose among arguments that are written here",
    "fs.read": "begin the path with a folder in a template, or list the folders in [policy.fs] read",
    "fs.write": "begin the path with a folder in a template, or list the folders in [policy.fs] write",
    "http": "begin the URL with its host in a template, or list the hosts in [policy.http] urls",
}


def untrusted_subject(node: str, family: str, source: str, at: Span) -> Diagnostic:
    """Data from outside decides what is touched."""
    origin = "the request" if source == "trigger" else f'the answer of "{source}"'
    message = f'untrusted data {_DECIDED[family]} at the node "{node}": it comes from {origin}'
    return warning(code("untrusted_subject"), message, at, "whoever sends it decides", help=_REMEDIES[family])


def exposed_model(
    node: str, private: str, untrusted: str, out: str, route: Sequence[str], at: Span
) -> Diagnostic:
    """Private data, untrusted content and a way out meet at a model."""
    message = f'the model of the node "{node}" sees private data and untrusted content, and has a way out'
    what = {
        "private data": private,
        "untrusted content": "the request" if untrusted == "trigger" else untrusted,
        "the way out": "its tools" if out == node else out,
    }
    notes = [f"{name}: {_quoted(each)}" for name, each in what.items()]
    notes.append(f"such a route: {' → '.join(route)}")
    helped = "keep one of the three apart: content that persuades the model can send the private data away"
    return warning(code("exposed_model"), message, at, notes=notes, help=helped)


def _quoted(name: str) -> str:
    return name if name in {"its tools", "the request"} else f'"{name}"'


_NEEDED = {"any": "a value", "string": "a string", "array": "an array", "strings": "an array of strings"}


def undecided_path(path: str, needs: str, decider: str, at: Span) -> Diagnostic:
    """Nothing says what is at a path."""
    message = f'nothing says whether {_NEEDED[needs]} is at the path "{path}"'
    return hint(
        code("undecided_path"),
        message,
        at,
        "without it the run errors here",
        help=f"would decide it: {decider}",
    )


def undecided_hole(key: str, decider: str, at: Span) -> Diagnostic:
    """Nothing says what fills a placeholder."""
    message = f'nothing says whether there is a value for "{{{{{key}}}}}"'
    return hint(
        code("undecided_path"),
        message,
        at,
        "stays as written without one",
        help=f"would decide it: {decider}",
    )


def undecided_labels(node: str, path: str, decider: str, at: Span) -> Diagnostic:
    """Nothing says which labels a switch gives."""
    message = f'nothing says which labels the switch "{node}" gives: what "{path}" can be is not known'
    return hint(
        code("undecided_path"),
        message,
        at,
        "a label without an edge ends the run",
        help=f"would decide it: {decider}",
    )


_UNDECIDED = {
    "data": ("a part of it is data", "a literal, or a schema that lists the values"),
    "chosen": ("a model chooses it", "a node of its own instead of a tool of the loop"),
    "reading": (
        "the URL can be read in more than one way",
        "the URL written plainly, host in lower case, without dots",
    ),
    "rego": ("[policy.rego] is asked as well", "lists in [policy] alone"),
}


def undecided_effect(node: str, family: str, shown: Sequence[str], why: str, at: Span) -> Diagnostic:
    """The policy is asked at run time."""
    what = " or ".join(f'"{each}"' for each in shown) or f"some {_THINGS[family]}"
    reason, decider = _UNDECIDED[why]
    message = (
        f'whether the node "{node}" may do what it does is decided at run time: it {_DOES[family]} {what}'
    )
    return hint(code("undecided_effect"), message, at, reason, help=f"would decide it: {decider}")


def unbounded(measure: Measure, found: Ceiling, start: str, at: Span) -> Diagnostic:
    """Nothing bounds what a run uses up."""
    verb, unit = MEASURED[measure]
    message = f'nothing bounds how many {unit} a run from "{start}" may {verb}'
    notes = [f"comes from {each}" for each in found.because]
    return hint(code("unbounded_ceiling"), message, at, notes=notes, help=_BOUNDS.get(measure))


_BOUNDS: Mapping[Measure, str] = {
    "bytes_written": "would bound it: [budget] max_fs_write_mb",
    "wall_secs": "would bound it: [budget] max_run_time_secs, with hard_deadline = true",
}
