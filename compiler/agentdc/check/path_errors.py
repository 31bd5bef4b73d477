"""The wording of what the checker finds about context paths and placeholders: one function per code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agentdc.check.errors import MANY, Route, effect, walked
from agentdc.diagnostics import Diagnostic, Span, code, did_you_mean, error, warning

_NEEDED = {"strings": "an array of strings"}


def unknown_head(
    path: str, head: str, known: Iterable[str], at: Span, *, aborts: bool, instead: str | None = None
) -> Diagnostic:
    """The first segment of a path names nothing; `instead`: what was probably meant."""
    make = error if aborts else warning
    message = f'the path "{path}" begins with "{head}", which is neither "trigger" nor a node'
    return make(
        code("unknown_path_head"),
        message,
        at,
        effect(aborts=aborts),
        help=instead or did_you_mean(head, known),
    )


def not_upstream(path: str, head: str, node: str, at: Span, *, aborts: bool) -> Diagnostic:
    """The head of a path can never have run before its consumer."""
    make = error if aborts else warning
    message = f'the path "{path}" reads "{head}", which never runs before "{node}"'
    if head == node:
        message = f'the path "{path}" reads the output of its own node, which is not there yet'
    return make(code("path_not_upstream"), message, at, effect(aborts=aborts))


def no_output(path: str, head: str, kind: str, at: Span, *, aborts: bool) -> Diagnostic:
    """The head of a path is a node that never has an output."""
    make = error if aborts else warning
    message = f'nothing is at the path "{path}": "{head}" ({kind}) has no output'
    return make(code("unknown_output_key"), message, at, effect(aborts=aborts))


def maybe_unset(path: str, head: str, node: str, route: Route, at: Span, *, aborts: bool) -> Diagnostic:
    """The head of a path runs on some routes only; `route`: one on which it does not."""
    make = error if aborts else warning
    message = f'the path "{path}" reads "{head}", which has not run on every route to "{node}"'
    effect = "on the other routes the run errors here" if aborts else "null on the other routes"
    notes = [f'a route without "{head}": {walked(route)}'] if route else []
    return make(code("maybe_unset"), message, at, effect, notes=notes)


def undecided(path: str, head: str, at: Span, *, aborts: bool) -> Diagnostic:
    """A path into a decision that nobody may have made."""
    message = f'the path "{path}" reads the decision of "{head}", which `--resume` goes on without'
    effect = (
        "a plain `--resume` is refused, or the run errors here" if aborts else "null after a plain `--resume`"
    )
    helped = f'set `require_decision = true` on "{head}": then the run goes on only when somebody has decided'
    return warning(code("maybe_unset"), message, at, effect, help=helped)


def unset_on_route(path: str, node: str, route: Route, at: Span, *, aborts: bool) -> Diagnostic:
    """A key that is there on some routes only; `route`: one on which it is not."""
    make = error if aborts else warning
    message = f'nothing is at the path "{path}" on some routes to "{node}"'
    effect = "on those routes the run errors here" if aborts else "null on those routes"
    return make(code("maybe_unset"), message, at, effect, notes=[f"such a route: {walked(route)}"])


def maybe_missing(path: str, segment: str, at: Span) -> Diagnostic:
    """A key that data may lack, in front of a consumer that aborts."""
    message = f'nothing may be at the path "{path}": not every value has "{segment}"'
    helped = "branch on it with a condition first, or select it with json_select and branch on `found`"
    return warning(code("maybe_missing"), message, at, "without it the run errors here", help=helped)


def unknown_key(
    path: str, segment: str, known: Iterable[str], at: Span, *, aborts: bool, instead: str | None = None
) -> Diagnostic:
    """A segment of a path that no value there has; `instead`: what was probably meant."""
    make = error if aborts else warning
    message = f'nothing is at the path "{path}": there is no "{segment}"'
    return make(
        code("unknown_output_key"),
        message,
        at,
        effect(aborts=aborts),
        help=instead or did_you_mean(segment, known),
    )


def type_mismatch(
    path: str, found: Iterable[str], needs: str, at: Span, route: Route = (), inside: Sequence[str] = ()
) -> Diagnostic:
    """A value whose kind its consumer refuses; `route`: on this one only. `inside`: its keys that would fit."""
    needed = _NEEDED.get(needs, _a(needs))
    message = f'the value at "{path}" is {_any(found)}, and {needed} is needed'
    notes = [f"on this route: {walked(route)}"] if route else []
    fitting = " or ".join(f'"{path}.{key}"' for key in inside[:MANY])
    helped = f"did you mean {fitting}?" if inside else None
    return error(code("type_mismatch"), message, at, f"needs {needed}", notes=notes, help=helped)


def value_mismatch(path: str, why: str, at: Span, route: Route = ()) -> Diagnostic:
    """A value of the right kind that its consumer always refuses; `route`: on this route, if not on all."""
    notes = [f"on this route: {walked(route)}"] if route else []
    return error(code("value_mismatch"), f'the value at "{path}" {why}', at, effect(aborts=True), notes=notes)


def maybe_value(path: str, why: str, at: Span) -> Diagnostic:
    """A value of the right kind that its consumer may refuse."""
    message = f'one of the values at "{path}" {why}'
    helped = "branch on it first, so that only values that fit get here"
    return warning(code("maybe_mismatch"), message, at, "then the run errors here", help=helped)


def maybe_mismatch(path: str, wrong: Iterable[str], needs: str, at: Span) -> Diagnostic:
    """A value that may be of a kind that its consumer refuses."""
    needed = _NEEDED.get(needs, _a(needs))
    message = f'the value at "{path}" may be {_any(wrong)}, and {needed} is needed'
    helped = "branch on it first, so that only values that fit get here"
    return warning(code("maybe_mismatch"), message, at, "then the run errors here", help=helped)


def unknown_inner(
    path: str, segment: str, known: Iterable[str], at: Span, instead: str | None = None
) -> Diagnostic:
    """An inner path that leads nowhere in any value; `instead`: what was probably meant."""
    message = f'nothing is ever found at "{path}": there is no "{segment}"'
    return warning(
        code("unknown_output_key"), message, at, "never found", help=instead or did_you_mean(segment, known)
    )


def dead_placeholder(
    key: str, segment: str, known: Iterable[str], field: str | None, at: Span, instead: str | None = None
) -> Diagnostic:
    """A placeholder that no value fills; `field`: the field that would say where its data is, if it lacks.

    `instead`: what was probably meant.
    """
    shown = "{{" + key + "}}"
    if field is not None:
        message = f"the placeholder {shown} stays as it is: the template has no data"
        return warning(code("unfilled_placeholder"), message, at, help=instead or f'add `{field} = "…"`')
    message = f'the placeholder {shown} stays as it is: there is no "{segment}"'
    return warning(code("unfilled_placeholder"), message, at, help=instead or did_you_mean(segment, known))


def doubtful_placeholder(key: str, at: Span) -> Diagnostic:
    """A placeholder that data may not fill."""
    shown = "{{" + key + "}}"
    message = f"the placeholder {shown} may stay as it is: not every value has it"
    return warning(code("unfilled_placeholder"), message, at)


def _any(found: Iterable[str]) -> str:
    return " or ".join(_a(each) for each in sorted(found))


def _a(kind: str) -> str:
    if kind == "null":
        return kind
    return f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"
