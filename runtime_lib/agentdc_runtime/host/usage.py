"""The help text of a built app (spec 03 §1.3, §1.12), and the nearest flag to a mistyped one.

Imported only to print help; links `flags`, which is there by then, and `observe.lines`. Only the flags that the
build serves are described; those it accepts without effect are named in one line.
"""

from __future__ import annotations

from agentdc_runtime.host.flags import FLAGS, IDLE_WITHOUT, REFUSED_WITHOUT
from agentdc_runtime.observe.lines import printable

WIDTH = 80
_COLUMN = 31
_VERBS = (
    "approvals ACTION   decide about runs that wait",
    "runs ACTION        the history of runs",
    "state ACTION       look after the state directory",
)

_RUN = {
    "input": ("FILE", "the trigger's payload: JSON, or any UTF-8 text; - reads standard input"),
    "start": ("NAME", "the start node of a one-shot run"),
    "mode": ("once|serve", "how to run; default: serve when the workflow has a listener or a schedule"),
    "bind": ("IP:PORT", "where to listen; default 127.0.0.1:8080"),
    "timeout_secs": ("N", "deadline of a run in seconds; default 120"),
    "drain_timeout_secs": ("N", "how long to wait for open requests at the end; default 30"),
    "workers": ("N", "serve with so many processes on one address; default 1"),
    "reload_file": ("FILE", "reload operands when this file is touched"),
    "intel_unix": ("PATH", "the default model backend, on a Unix socket"),
    "intel_http": ("URL", "the default model backend, over HTTP"),
    "intel_http_bearer_file": ("FILE", "the token for --intel-http"),
    "instructions": ("FILE", "identity file whose system text goes before every agent loop's"),
    "mcp_stdio": ("COMMAND", "one MCP server over standard input and output"),
    "mcp_serve": ("stdio|http", "be an MCP server with the start nodes as tools"),
    "dry_run": ("", "walk the graph with placeholders for every effect"),
    "record": ("FILE", "write a record of the run"),
    "state_dir": ("DIR", "where runs and checkpoints are kept"),
    "resume": ("RUN-ID", "continue a paused or interrupted run"),
    "resume_incomplete": ("", "continue every interrupted run"),
    "list_checkpoints": ("", "list the runs that can be continued"),
    "checkpoint_each_node": ("", "make a checkpoint after every node"),
    "recover": (
        "auto|list|off",
        "interrupted runs, when serving: continue, tell, or leave them; default auto",
    ),
}
_TRUST = {
    "config": ("FILE", "accepted only when it is the workflow that this app was built from"),
    "operands": ("FILE", "use these operands instead of the built-in ones"),
    "allow_widen": ("", "accept operands whose policy is wider than the built-in one"),
    "signing_required": ("", "refuse to run unless the workflow is signed"),
    "signing_key_file": ("FILE", "the public key to verify with"),
    "validate_only": ("", "print the validation report and stop"),
    "manifest": ("", "print what was built in and stop"),
}
_LOG = {
    "log_level": ("LEVEL", "error, warn, info, debug, trace or off, also by target; default warn"),
    "log_format": ("text|json", "default text"),
    "log_target": ("TARGET", "stderr, stdout or file:PATH; default stderr"),
    "quiet": ("", "no logs at all, and no audit sink"),
}
_OTHER = {
    "version": ("", "print the version and stop"),
    "help": ("", "print this text and stop"),
}
SECTIONS = (("Run", _RUN), ("Workflow and trust", _TRUST), ("Log", _LOG), ("Other", _OTHER))

_EXIT_CODES = (
    ("0", "completed, drained, or nothing to do"),
    ("2", "the command line, the input or the set-up cannot be used"),
    ("5", "the run failed, timed out or was refused"),
    ("7", "the run is paused for approval"),
    ("128+N", "stopped by signal N"),
)


def help_text(program: str, workflow: str, features: frozenset[str]) -> str:
    """The help of an app whose workflow is called `workflow`; `features` as in `flags`; ends with a line end."""
    lines = [
        f"{program}: a bounded workflow runtime",
        "",
        *_wrapped(f"Runs the workflow `{printable(workflow)}`, which is compiled into this program.", 0),
        "",
        f"Usage: {program} [FLAGS]",
        f"       {program} inspect FILE       show the record of a run",
        *(f"       {program} {verb}" for verb in (_VERBS if "state" in features else ())),
    ]
    for title, rows in SECTIONS:
        lines += ["", f"{title}:"]
        for attribute, (operand, meaning) in rows.items():
            if served(attribute, features):
                lines += _row(attribute, operand, meaning)
    lines += ["", "In brackets: the environment variable for a flag; a flag overrules it.", *_idle(features)]
    lines += ["", "Exit codes:", *(f"  {code:<7}{meaning}" for code, meaning in _EXIT_CODES)]
    return "\n".join(lines) + "\n"


def served(attribute: str, features: frozenset[str]) -> bool:
    """Whether the flag of this attribute does something in a build with `features`."""
    part = REFUSED_WITHOUT.get(attribute) or IDLE_WITHOUT.get(attribute)
    return part is None or part in features


def nearest(name: str, known: list[str]) -> list[str]:
    """At most two of the long flags in `known` that `name` may have meant, nearest first."""
    limit = max(1, len(name.lstrip("-")) // 3)
    if name.startswith("-") and not name.startswith("--") and len(name) > 2:
        name = "-" + name  # `-config` for `--config`
    ranked = sorted((_distance(name.lower(), each), each) for each in known if each.startswith("--"))
    return [each for distance, each in ranked if distance <= limit][:2]


def _distance(left: str, right: str) -> int:
    """Edits (insert, delete, replace) from `left` to `right`."""
    previous = list(range(len(right) + 1))
    for row, a in enumerate(left, 1):
        current = [row]
        for column, b in enumerate(right, 1):
            current.append(min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (a != b)))
        previous = current
    return previous[-1]


def _row(attribute: str, operand: str, meaning: str) -> list[str]:
    names, variable = next((names, variable) for names, each, _, variable in FLAGS if each == attribute)
    short = next((f"{each}, " for each in names if not each.startswith("--")), "    ")
    left = f"  {short}{names[0]}{' ' if operand else ''}{operand}"
    right = _wrapped(f"{meaning} [{variable}]" if variable else meaning, _COLUMN)
    if len(left) > _COLUMN - 2:
        return [left, *right]
    return [left + right[0][len(left) :], *right[1:]]


def _wrapped(text: str, column: int) -> list[str]:
    """`text` in lines that begin at `column` and end before `WIDTH`, as far as its words allow."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(" " * column + word)
    return lines


def _idle(features: frozenset[str]) -> list[str]:
    idle = [name for name in IDLE_WITHOUT if name != "checkpoint_each_node" and not served(name, features)]
    names = [names[0] for names, attribute, _, _ in FLAGS if attribute in idle]
    return _wrapped(f"Accepted without effect in this build: {', '.join(names)}.", 0) if names else []
