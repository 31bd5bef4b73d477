"""The wording of what the checker finds: one function per code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agentdc.diagnostics import Diagnostic, Label, Span, code, did_you_mean, error, hint, warning

Route = Sequence[tuple[str | None, str]]
MANY = 4  # of a list, more is not shown
# What other programs call their levels.
_LEVEL_WORDS = {"verbose": "debug", "notice": "info", "critical": "error", "fatal": "error", "none": "off"}


def dup_node_id(node: str, at: Span, first: Span) -> Diagnostic:
    """A node id occurs again."""
    message = f'the node id "{node}" occurs more than once'
    return error(code("dup_node_id"), message, at, "again here", labels=[Label(first, "first here")])


def dup_start_name(name: str, at: Span, first: Span) -> Diagnostic:
    """A start node name occurs again."""
    message = f'the start node name "{name}" occurs more than once'
    return error(code("dup_start_name"), message, at, "again here", labels=[Label(first, "first here")])


def dup_http_route(method: str, path: str, at: Span, first: Span) -> Diagnostic:
    """Method and path equal those of an earlier route."""
    message = f"the route {method} {path} occurs more than once"
    return error(code("dup_http_route"), message, at, "again here", labels=[Label(first, "first here")])


def unknown_start(slug: str, what: str, name: str, known: Iterable[str], at: Span) -> Diagnostic:
    """A route or trigger names a start node that is not declared."""
    message = f'{what} starts at "{name}", which is no start node'
    return error(code(slug), message, at, "no start node has this name", help=did_you_mean(name, known))


def unknown_entry(start: str, entry: str, known: Iterable[str], at: Span) -> Diagnostic:
    """`entry_node` is not a node id."""
    message = f'the start node "{start}" enters at "{entry}", which is no node'
    return error(
        code("unknown_start_entry_node"), message, at, "no node has this id", help=did_you_mean(entry, known)
    )


def dangling_edge(index: int, side: str, node: str, helped: str | None, at: Span) -> Diagnostic:
    """One end of an edge is not a node id."""
    verb = "leaves" if side == "from" else "leads to"
    message = f'edge {index} {verb} "{node}", which is no node'
    return error(code("dangling_edge"), message, at, "no node has this id", help=helped)


def cycle(nodes: Sequence[str], route: Sequence[str], at: Span) -> Diagnostic:
    """The graph without loop edges is not acyclic."""
    message = f"the graph has a cycle; nodes in or after it: {listed(nodes)}"
    around = " → ".join((*route, route[0]))
    helped = "give one edge of the cycle `max_iterations = N`, so that the number of rounds is bounded"
    return error(code("cycle"), message, at, "closes the cycle", notes=[f"the cycle: {around}"], help=helped)


def ambiguous_entry(start: str, roots: Sequence[str], at: Span) -> Diagnostic:
    """A start node without `entry_node`, and not exactly one node without an edge into it."""
    if roots:
        found = f"{len(roots)} nodes have no edge into them: {listed(roots)}"
    else:
        found = "every node has an edge into it"
    message = f'where the start node "{start}" begins is not determined: {found}'
    helped = 'add `entry_node = "…"` to the start node'
    return error(code("ambiguous_start_entry"), message, at, "has no `entry_node`", help=helped)


def unreachable(node: str, at: Span, *, settled: bool) -> Diagnostic:
    """No start reaches the node; `settled`: not because some start begins nowhere, which is told apart."""
    message = f'no start node reaches the node "{node}"'
    helped = "add an edge to it, or remove it" if settled else None
    return error(code("unreachable_node"), message, at, help=helped)


def no_start_node(header: str, at: Span) -> Diagnostic:
    """Nothing says where a run begins; `header` is that of start nodes in this file."""
    message = "the workflow can never run: it has no start node"
    helped = f'add {header} with `name = "go"` and `source = "manual"`'
    return warning(code("no_start_node"), message, at, "nothing starts it", help=helped)


def bad_schedule(reason: str, at: Span, helped: str | None = None) -> Diagnostic:
    """A cron or interval text that does not parse."""
    return error(code("bad_schedule"), f"the schedule cannot be read: {reason}", at, help=helped)


def crontab_fields(at: Span) -> Diagnostic:
    """Five fields are read as in crontab, where weekdays count from Sunday = 0."""
    message = "five fields are read as in crontab, with weekday 0 or 7 = Sunday"
    helped = "write weekdays by name (mon…sun), or use six fields, where 1 = Sunday"
    return warning(code("bad_schedule"), message, at, help=helped)


def bad_fs_event(event: str, known: Iterable[str], at: Span) -> Diagnostic:
    """An entry of `events` that is no file event."""
    message = f'"{event}" is no file event'
    return error(code("bad_fs_event"), message, at, help=did_you_mean(event.lower(), known))


def trigger_never_fires(why: str, at: Span) -> Diagnostic:
    """A trigger that listens where it can hear nothing."""
    return error(code("trigger_never_fires"), f"this trigger never fires: {why}", at)


def unaddressable_id(node: str, at: Span) -> Diagnostic:
    """An id that no context path can name."""
    if not node:
        return warning(code("unaddressable_id"), "a node has an empty id, so no path can name it", at)
    message = f'no path can reach the output of the node "{node}": its id contains a dot'
    helped = "use `_` or `-` instead of the dot"
    return warning(code("unaddressable_id"), message, at, "paths are split at dots", help=helped)


def reserved_id(at: Span) -> Diagnostic:
    """A node called trigger."""
    message = 'a node with the id "trigger" replaces the trigger once it has run'
    return warning(code("reserved_id"), message, at, help="rename the node")


def unknown_backend(node: str, backend: str, known: Iterable[str], at: Span) -> Diagnostic:
    """A model backend that is neither declared nor the one of the command line."""
    message = f'the node "{node}" asks the model backend "{backend}", which is not declared'
    label = "no [[intelligence.backends]] has this name"
    return warning(code("unknown_backend"), message, at, label, help=did_you_mean(backend, known))


def unknown_allowed(text: str, known: Iterable[str], at: Span) -> Diagnostic:
    """An entry of `[check] allow` that allows nothing."""
    message = f'"{text}" is no code of a diagnostic, and allows nothing'
    return warning(code("unknown_value"), message, at, "no such code", help=did_you_mean(text, known))


def retry_ignored(node: str, why: str, at: Span) -> Diagnostic:
    """A retry table that changes nothing."""
    return warning(code("retry_ignored"), f'the retry of the node "{node}" has no effect: {why}', at)


def loop_edge_zero(at: Span) -> Diagnostic:
    """`max_iterations = 0`."""
    return warning(code("loop_edge_zero"), "the loop edge is never followed", at, "0 rounds")


def ambiguous_edges(node: str, label: str | None, at: Span, first: Span) -> Diagnostic:
    """Two edges of one node apply to the same outcome: the run errors when it gets there."""
    which = "without a label" if label is None else f'for "{label}"'
    message = f'two edges leave the node "{node}" {which}; a run that gets there errors'
    labels = [Label(first, "the other edge")]
    helped = "a node has one successor per label; to run both, chain them"
    return error(code("ambiguous_edges"), message, at, "applies at the same time", labels=labels, help=helped)


_GOOD = ("completed", "default", "done", "else", "next", "ok", "success", "succeeded")
_PLAIN = "leave out `when`: without it an edge is taken when nothing goes wrong"
_NO_DEFAULT = 'add `when = "…"`: a switch has no default, each value needs an edge of its own'


def dead_when(
    node: str, kind: str, label: str | None, labels: Sequence[str], at: Span, *, ends: bool
) -> Diagnostic:
    """An edge that its source never takes; `ends`: no edge leaves this kind, `labels`: () when any can come."""
    if ends:
        message = f'the edge is never taken: every run ends at "{node}" ({kind})'
        return warning(code("dead_when"), message, at, "leaves the end of the run")
    if label is None:
        message = f'the edge is never taken: "{node}" ({kind}) always gives a label'
        helped = f"add `when`; the labels are {listed(labels)}" if labels else _NO_DEFAULT
        return warning(code("dead_when"), message, at, "has no `when`", help=helped)
    gives = f"it gives {listed(labels)}" if labels else "it gives no label"
    message = f'the edge is never taken: "{node}" ({kind}) never gives the label "{label}"'
    plain = label.lower() in _GOOD and "true" not in labels
    return warning(
        code("dead_when"), message, at, gives, help=_PLAIN if plain else did_you_mean(label, labels)
    )


def impossible_label(node: str, label: str | None, others: Sequence[str], at: Span) -> Diagnostic:
    """An edge for a label that no value here gives."""
    if label is None:
        return warning(code("dead_when"), f'the edge is never taken: "{node}" always gives a label here', at)
    message = f'the edge is never taken: no value here makes "{node}" give the label "{label}"'
    gives = f"it gives {listed(others[:MANY])}{' …' if len(others) > MANY else ''}" if others else ""
    return warning(code("dead_when"), message, at, gives, help=did_you_mean(label, others, few=0))


def switch_label_missing(node: str, missing: Sequence[str], at: Span) -> Diagnostic:
    """Values that a switch can meet and no edge takes."""
    shown = listed(missing[:MANY]) + (f" and {len(missing) - MANY} more" if len(missing) > MANY else "")
    message = f'the run ends at "{node}" for {shown}: no edge takes it'
    return warning(code("switch_label_missing"), message, at, help=f'add an edge with when = "{missing[0]}"')


def end_without_value(node: str, other: str, at: Span) -> Diagnostic:
    """A run can end without a value here, and with one elsewhere."""
    message = f'a run that ends at "{node}" gives null, and one that ends at "{other}" gives a value'
    return hint(code("end_without_value"), message, at, "ends without a value")


def schema_unreadable(schema: str, reason: str, at: Span) -> Diagnostic:
    """A JSON Schema file that cannot be read."""
    message = f'the JSON Schema "{schema}" cannot be read: {reason}'
    helped = "it is looked for from the working directory, then beside the workflow that names it"
    return error(code("schema_unreadable"), message, at, help=helped)


def schema_invalid(schema: str, reason: str, at: Span) -> Diagnostic:
    """A file that is no JSON Schema."""
    return error(code("schema_invalid"), f"{schema} is no JSON Schema: {reason}", at)


def schema_empty(schema: str, answers: bool, at: Span) -> Diagnostic:
    """A JSON Schema that accepts no value; `answers`: of a model, or else bodies of requests."""
    message = f"{schema} accepts no value at all: its rules exclude each other"
    if answers:
        return error(code("schema_invalid"), message, at, "every answer of the model is rejected")
    return warning(code("schema_invalid"), message, at, "every request is refused")


def condition_one_sided(node: str, missing: Sequence[str], at: Span) -> Diagnostic:
    """A condition lacks the edge for an outcome."""
    message = f'the run ends at "{node}" when the condition is {" or ".join(missing)}: no edge for it'
    return warning(code("condition_one_sided"), message, at, help=f'add an edge with when = "{missing[0]}"')


def unhandled_branch(node: str, label: str, at: Span) -> Diagnostic:
    """An outcome that counts as a success because no edge takes it."""
    message = f'when "{node}" gives the label "{label}", the run ends as completed: no edge takes it'
    return warning(code("unhandled_error_branch"), message, at, help=f'add an edge with when = "{label}"')


def extension(what: str, at: Span) -> Diagnostic:
    """Something that only agentdc has, under the dialect of agentd."""
    message = f"{what} is an extension, which agentd does not have"
    return error(code("extension"), message, at, help="remove it, or leave out `--dialect agentd`")


def policy_absent(effects: Sequence[str], at: Span) -> Diagnostic:
    """Side effects, and nothing that limits them."""
    message = f"the workflow has side effects ({', '.join(effects)}) and no [policy]: everything is allowed"
    helped = "`agentdc explain policy_absent` shows a policy"
    return warning(code("policy_absent"), message, at, "nothing limits it", help=helped)


def inner_star(pattern: str, at: Span) -> Diagnostic:
    """A `*` that does not stand at the end."""
    message = f'in the pattern "{pattern}" the inner `*` is a literal character'
    return warning(code("policy_inner_star"), message, at, help="only a star at the end matches more")


def name_double_star(pattern: str, at: Span) -> Diagnostic:
    """A name pattern ending in `**`."""
    message = f'the pattern "{pattern}" covers only names in which a literal `*` follows the prefix'
    return warning(code("policy_name_double_star"), message, at, help="write one `*`")


def open_host(pattern: str, at: Span) -> Diagnostic:
    """A URL pattern whose host is only a prefix."""
    message = f'the pattern "{pattern}" leaves the end of the host name open'
    return warning(code("policy_open_host"), message, at, help="put a `/` after the host: `https://host/*`")


def relative_pattern(pattern: str, at: Span) -> Diagnostic:
    """A file pattern that is not absolute."""
    message = f'the pattern "{pattern}" depends on the directory in which the app is started'
    return warning(code("policy_relative_path"), message, at, help="write an absolute path")


def child_unreadable(workflow: str, reason: str, at: Span) -> Diagnostic:
    """A child workflow's file that cannot be read."""
    message = f'the child workflow "{workflow}" cannot be read: {reason}'
    helped = "it is looked for from the working directory, then beside the workflow that names it"
    return error(code("child_unreadable"), message, at, help=helped)


def child_invalid(workflow: str, reason: str, at: Span) -> Diagnostic:
    """A child workflow that cannot be used as one."""
    return error(code("child_invalid"), f'the child workflow "{workflow}" cannot be used: {reason}', at)


def child_start(workflow: str, start: str, known: Iterable[str], at: Span) -> Diagnostic:
    """A child has no start node of this name."""
    message = f'the child workflow "{workflow}" has no start node "{start}"'
    return error(code("child_invalid"), message, at, help=did_you_mean(start, known))


def pause_in_child(workflow: str, node: str, at: Span, *, soft: bool) -> Diagnostic:
    """A child that can wait for somebody; `soft`: which is then a result with an error in it."""
    make = warning if soft else error
    message = f'the child workflow "{workflow}" can wait at "{node}", and only a main workflow can wait'
    effect = "its result is an error then" if soft else "a run that gets there errors"
    helped = "wait before or after this node, in the workflow that runs the child"
    return make(code("pause_in_child"), message, at, effect, help=helped)


def child_recursion(chain: Sequence[str], at: Span, *, always: bool) -> Diagnostic:
    """A workflow that runs itself, directly or through children."""
    make = error if always else warning
    around = " → ".join(chain)
    if always:
        message = f"every run of the workflow runs it again, until it errors at depth 8: {around}"
    else:
        message = f"the workflow can run itself: {around}; a run errors when it is 8 levels deep"
    return make(code("child_recursion"), message, at)


def nested_too_deep(workflow: str, chain: Sequence[str], at: Span) -> Diagnostic:
    """A child more than eight levels below the main workflow."""
    level = len(chain) - 1
    message = (
        f'a run that gets here errors: "{workflow}" is {level} levels down, and {level - 1} is the limit'
    )
    return error(code("nested_too_deep"), message, at, notes=[f"the levels: {' → '.join(chain)}"])


def unsupported(what: str, at: Span | None) -> Diagnostic:
    """A part of the dialect that parses and is checked, and cannot be built yet."""
    message = f"this version cannot build a workflow with {what}"
    helped = "`agentdc check` accepts it; nothing is built, so that nothing is silently left out"
    return error(code("unsupported_feature"), message, at, help=helped)


def walked(route: Route) -> str:
    """Nodes with arrows between them, labels on the arrows; the middle of a long route is left out."""
    shown = [*route[:MANY], (None, "…"), *route[1 - MANY :]] if len(route) > 2 * MANY else route
    steps = [f" → {node}" if label is None else f" —{label}→ {node}" for label, node in shown[1:]]
    return "".join([shown[0][1], *steps])


def listed(names: Iterable[str]) -> str:
    """Names in quotes, separated by commas."""
    return ", ".join(f'"{name}"' for name in names)


def effect(*, aborts: bool) -> str:
    """What an unresolved path does at its consumer."""
    return "the run would error here" if aborts else "counts as null"


def schema_ignored(name: str, at: Span) -> Diagnostic:
    """A schema that is no file, so nothing is enforced."""
    message = f'the schema "{name}" is no file, so bodies are not checked'
    return warning(
        code("schema_ignored"), message, at, "names nothing", help="name a JSON Schema file, or remove it"
    )


def route_shadowed(method: str, path: str, at: Span) -> Diagnostic:
    """A route on the path of a built-in endpoint is never reached."""
    message = f"{method} {path} is answered by the built-in endpoint, so this route is never reached"
    return warning(code("route_shadowed"), message, at, "never reached", help="choose another path")


def websocket_method(method: str, path: str, at: Span) -> Diagnostic:
    """A WebSocket begins with GET, which this route does not take."""
    message = f"the route {method} {path} can have no WebSocket: each begins with a GET request"
    return error(code("websocket_method"), message, at, "never asked for", help='set method = "GET"')


def http2_without_tls(at: Span) -> Diagnostic:
    """HTTP/2 is chosen in the TLS handshake, and there is none."""
    message = "http2 needs [server.tls]: callers choose HTTP/2 in the TLS handshake"
    helped = "add [server.tls] with cert_file and key_file"
    return error(code("http2_without_tls"), message, at, "never offered", help=helped)


def shared_idempotency_key(method: str, path: str, at: Span) -> Diagnostic:
    """Two callers that send the same key get the same answer."""
    message = f"callers of {method} {path} that send the same key get each other's answers"
    helped = (
        "where callers choose keys, take one that they cannot: a path below `principal`, or `body_sha256`"
    )
    return hint(code("shared_idempotency_key"), message, at, "says nothing about the caller", help=helped)


def state_files_backend(at: Span) -> Diagnostic:
    """Files of agentd are what state is imported from and exported to, never where it is kept."""
    message = "state is kept in one SQLite database; files cannot be its backend"
    helped = (
        'remove the key, or set backend = "sqlite"; `state import DIR` of the built app takes over the'
        " checkpoint files of agentd, and `state export DIR` writes them"
    )
    return error(code("state_files_backend"), message, at, "not a store of its own", help=helped)


def state_setting_idle(key: str, needs: str, helped: str, at: Span) -> Diagnostic:
    """A setting that does nothing without another one."""
    message = f"[state] {key} changes nothing, because {needs}"
    return warning(code("state_setting_idle"), message, at, "without effect", help=helped)


def state_small_reserve(size: int, least: int, at: Span) -> Diagnostic:
    """On a full disk the log must still fit into the space that the reserve gives up."""
    message = f"a reserve of {size} MB is smaller than what the log grows by between two checkpoints"
    helped = f"reserve_mb = {least} or more lets a full store finish what runs; 0 keeps no reserve at all"
    return warning(code("state_small_reserve"), message, at, "may not be enough", help=helped)


def websocket_key(path: str, at: Span) -> Diagnostic:
    """Messages of a WebSocket are not deliveries that could be repeated."""
    message = f"messages on the WebSocket {path} are never replayed, so the key would be dropped in silence"
    helped = "remove the key, or take deliveries on a route of their own without `websocket`"
    return error(code("websocket_key"), message, at, "has no meaning here", help=helped)


def unknown_log_level(part: str, why: str, levels: Iterable[str], at: Span, *, alone: bool) -> Diagnostic:
    """A directive that is no level; alone it silences the whole log, beside others it is only useless."""
    message = f"`{part}` is not a log level: {why}"
    word = part.rpartition("=")[2].strip()
    helped = None if "[" in part else did_you_mean(_LEVEL_WORDS.get(word.lower(), word), levels)
    make, label = (error, "silences the log") if alone else (warning, "not what it seems")
    return make(code("unknown_log_level"), message, at, label, help=helped)


def default_audit_file(target: str, at: Span) -> Diagnostic:
    """An audit file that nobody chose, in a folder that few users may write to."""
    message = f"the audit log goes to the default {target}, where the app may not be allowed to write"
    helped = 'set target = "file:PATH", or "stderr"'
    note = "an app that cannot open its audit file does not start"
    return warning(code("default_audit_file"), message, at, "names no target", notes=[note], help=helped)


def bad_certificate(key: str, problem: str, at: Span) -> Diagnostic:
    """A file of certificates with which the app would not start."""
    message = f"the {key} cannot be used: {problem}"
    helped = "it must hold certificates in PEM form, the server's own first"
    return warning(code("bad_certificate"), message, at, "the app would not start", help=helped)
