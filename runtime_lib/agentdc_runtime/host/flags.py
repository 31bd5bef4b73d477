"""The command line of a built app: agentd's flags and their environment twins, and ours (spec 03 §1.1-§1.4).

Costs `environment` to link, and nothing else. The environment is read first, then the arguments from left to
right; the first problem, or the first `--help` or `--version`, ends the reading. What only the environment says
is judged at the end, so that a flag can overrule it and `--help` always works.

Not known here: what a value does. Addresses are judged by the listener, level directives by the log; whether a
state directory is there for `--resume` is judged by the host. `inspect` and other verbs as the first argument
are taken by the caller before `parse`.

`features`, the parts that the linker put into the app: `serve` (a listener or a schedule), `state`, `mcp`,
`mcp_serve`, `mcp_http`, `model`, `operands`. A flag whose part is missing is refused by name when ignoring it would
change what the user gets; the others have no effect and are accepted, as existing service files pass them.
"""

from __future__ import annotations

from agentdc_runtime.host import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Names, attribute of Options, kind of value, environment twin.
FLAGS: tuple[tuple[tuple[str, ...], str, str, str], ...] = (
    (("--config", "-c"), "config", "text", "AGENTD_CONFIG"),
    (("--input", "-i", "--input-file"), "input", "text", "AGENTD_INPUT"),
    (("--start", "-s"), "start", "text", "AGENTD_START"),
    (("--mode",), "mode", "mode", "AGENTD_MODE"),
    (("--bind", "-b"), "bind", "text", "AGENTD_HTTP_BIND"),
    (("--timeout-secs",), "timeout_secs", "number", "AGENTD_TIMEOUT_SECS"),
    (("--drain-timeout-secs",), "drain_timeout_secs", "number", "AGENTD_DRAIN_TIMEOUT_SECS"),
    (("--workers",), "workers", "count", ""),
    (("--reload-file",), "reload_file", "text", "AGENTD_RELOAD_FILE"),
    (("--intel-unix",), "intel_unix", "text", "AGENTD_INTEL_UNIX"),
    (("--intel-http",), "intel_http", "text", "AGENTD_INTEL_HTTP"),
    (("--intel-http-bearer-file",), "intel_http_bearer_file", "text", "AGENTD_INTEL_HTTP_BEARER_FILE"),
    (("--instructions",), "instructions", "text", "AGENTD_INSTRUCTIONS"),
    (("--mcp-stdio",), "mcp_stdio", "words", "AGENTD_MCP_STDIO"),
    (("--mcp-serve",), "mcp_serve", "mcp serve", ""),
    (("--dry-run",), "dry_run", "switch", "AGENTD_DRY_RUN"),
    (("--validate-only",), "validate_only", "switch", "AGENTD_VALIDATE_ONLY"),
    (("--record",), "record", "text", "AGENTD_RECORD"),
    (("--state-dir",), "state_dir", "text", "AGENTD_STATE_DIR"),
    (("--resume",), "resume", "run id", "AGENTD_RESUME"),
    (("--checkpoint-each-node",), "checkpoint_each_node", "switch", "AGENTD_CHECKPOINT_EACH_NODE"),
    (("--resume-incomplete",), "resume_incomplete", "switch", ""),
    (("--list-checkpoints",), "list_checkpoints", "switch", ""),
    (("--recover",), "recover", "recovery", ""),
    (("--signing-required",), "signing_required", "switch", "AGENTD_SIGNING_REQUIRED"),
    (("--signing-key-file",), "signing_key_file", "text", "AGENTD_SIGNING_KEY_FILE"),
    (("--operands",), "operands", "text", ""),
    (("--allow-widen",), "allow_widen", "switch", ""),
    (("--manifest",), "manifest", "switch", ""),
    (("--version", "-V"), "version", "switch", ""),
    (("--help", "-h"), "help", "switch", ""),
    (("--log-level",), "log_level", "directives", "AGENTD_LOG"),
    (("--log-format",), "log_format", "log format", "AGENTD_LOG_FORMAT"),
    (("--log-target",), "log_target", "log target", "AGENTD_LOG_TARGET"),
    (("--quiet",), "quiet", "switch", "AGENTD_QUIET"),
)

REFUSED_WITHOUT = {
    "resume": "state",
    "resume_incomplete": "state",
    "list_checkpoints": "state",
    "mcp_stdio": "mcp",
    "mcp_serve": "mcp_serve",
    "operands": "operands",
    "allow_widen": "operands",
}
IDLE_WITHOUT = {
    "bind": "serve",
    "drain_timeout_secs": "serve",
    "workers": "serve",
    "reload_file": "serve",
    "intel_unix": "model",
    "intel_http": "model",
    "intel_http_bearer_file": "model",
    "instructions": "model",
    "state_dir": "state",
    "checkpoint_each_node": "state",
    "recover": "state",
}
PLANNING = (
    "--instruction",
    "--instruction-file",
    "--goal",
    "--auto-approve",
    "--plan-only",
    "--plan-out",
    "--promote",
    "--max-replans",
)

_PARTS = {
    "state": "a state store",
    "mcp": "MCP",
    "mcp_serve": "[mcp_serve]",
    "operands": "replaceable operands",
}
_RUN_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"


class UsageError(Exception):
    """A command line that is refused: exit 2, with `message` and the help text on stderr."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Options:
    """What the command line and the environment ask for; None or False where they say nothing.

    `timeout_secs`, `drain_timeout_secs`: seconds, at least 1. `workers`: processes, at least 1. `mode`: `once` or
    `serve`. `log_format`: `text` or `json`. `log_level`, `log_target`, `bind`: as written. `warnings`: lines for
    stderr.
    """

    __slots__ = (*(attribute for _, attribute, _, _ in FLAGS), "warnings")

    config: str | None
    input: str | None
    start: str | None
    mode: str | None
    bind: str | None
    timeout_secs: int
    drain_timeout_secs: int
    workers: int
    reload_file: str | None
    intel_unix: str | None
    intel_http: str | None
    intel_http_bearer_file: str | None
    instructions: str | None
    mcp_stdio: list[str] | None
    mcp_serve: str | None
    dry_run: bool
    validate_only: bool
    record: str | None
    state_dir: str | None
    resume: str | None
    checkpoint_each_node: bool
    resume_incomplete: bool
    list_checkpoints: bool
    recover: str | None
    signing_required: bool
    signing_key_file: str | None
    operands: str | None
    allow_widen: bool
    manifest: bool
    version: bool
    help: bool
    log_level: str | None
    log_format: str | None
    log_target: str | None
    quiet: bool
    warnings: list[str]

    def __init__(self) -> None:
        for _, attribute, kind, _ in FLAGS:
            setattr(self, attribute, False if kind == "switch" else None)
        self.timeout_secs = 120
        self.drain_timeout_secs = 30
        self.workers = 1
        self.warnings = []


def parse(argv: list[str], environ: Mapping[str, str], features: frozenset[str]) -> Options:
    """Read the environment and then `argv` (without the program's name); UsageError for the first problem."""
    options = Options()
    twins = _read_environment(options, environ)
    at = 0
    while at < len(argv) and not (options.help or options.version):
        at = _read_flag(options, argv, at, features, twins)
    if not (options.help or options.version):
        _judge_environment(options, environ, features, twins)
        _judge_together(options, features)
    return options


def _read_environment(options: Options, environ: Mapping[str, str]) -> dict[str, str]:
    """Set what the environment says; which variable each attribute came from."""
    twins: dict[str, str] = {}
    for _, attribute, kind, variable in FLAGS:
        text = environ.get(variable) if variable else None
        if text is None or not text.strip():
            continue
        if kind == "switch" and environment.reads_as_on(text):
            options.warnings.append(f"`{variable}` is off: only `1` and `true` switch it on")
        try:
            value = _value(kind, text)
        except ValueError as error:
            if kind in ("mode", "run id"):
                value = text  # refused at the end, unless a flag overrules it
            else:
                options.warnings.append(f"`{variable}` {error}; it is ignored")
                continue
        if value or kind != "number":  # an environment's 0 stands for the default
            setattr(options, attribute, value)
            twins[attribute] = variable
    return twins


def _read_flag(
    options: Options, argv: list[str], at: int, features: frozenset[str], twins: dict[str, str]
) -> int:
    """Take the flag at `at`; the index of the next one."""
    name, equals, text = argv[at].partition("=") if argv[at].startswith("--") else (argv[at], "", "")
    if name in PLANNING:
        raise UsageError(_no_planner(name))
    row = next((each for each in FLAGS if name in each[0]), None)
    if row is None:
        raise UsageError(_unknown(name, features))
    _, attribute, kind, _ = row
    _refuse_missing_part(attribute, name, features)
    twins.pop(attribute, None)
    if kind == "switch":
        if equals:
            raise UsageError(f"`{name}` takes no value")
        setattr(options, attribute, True)
        return at + 1
    if not equals:
        at += 1
        text = argv[at] if at < len(argv) else ""
    if not text.strip() and (kind != "directives" or at == len(argv)):
        raise UsageError(f"`{name}` requires a value")
    try:
        value = _value(kind, text)
    except ValueError as error:
        raise UsageError(f"`{name}` {error}") from None
    setattr(options, attribute, value or 1 if kind in {"number", "count"} else value)
    return at + 1


def _value(kind: str, text: str) -> str | int | bool | list[str]:
    """The value of a text that is not blank; ValueError with words to follow the flag's name."""
    match kind:
        case "switch":
            return environment.is_on(text)
        case "number" | "count":
            number = environment.whole_number(text)
            if number is None:
                raise ValueError(f"takes a whole number{' of seconds' if kind == 'number' else ''}")
            return number
        case "words":
            return text.split()
        case "mode" if text not in ("once", "serve"):
            raise ValueError("takes `once` or `serve`")
        case "mcp serve" if text not in ("stdio", "http"):
            raise ValueError("takes `stdio` or `http`")
        case "run id" if text.strip(_RUN_ID) or text[0] in "._-":
            raise ValueError("takes a run id: letters, digits, `.`, `_` and `-`, a letter or digit first")
        case "recovery" if text not in ("auto", "list", "off"):
            raise ValueError("takes `auto`, `list` or `off`")
        case "log format":
            return _log_format(text)
        case "log target":
            return _log_target(text)
    return text


def _log_format(text: str) -> str:
    word = text.lower()
    if word not in ("text", "pretty", "json"):
        raise ValueError("takes `text` or `json`")
    return "json" if word == "json" else "text"


def _log_target(text: str) -> str:
    from agentdc_runtime.observe.target import parse as parse_target

    if parse_target(text) is None:
        raise ValueError("takes `stderr`, `stdout` or `file:PATH`")
    return text


def _judge_environment(
    options: Options, environ: Mapping[str, str], features: frozenset[str], twins: dict[str, str]
) -> None:
    for variable in ("AGENTD_INSTRUCTION", "AGENTD_GOAL"):
        if environ.get(variable, "").strip():
            raise UsageError(_no_planner(variable))
    if "mcp_stdio" in twins and "mcp" not in features:
        # Service files share one environment among apps; without an MCP node nothing is lost by ignoring it.
        options.warnings.append("`AGENTD_MCP_STDIO` is ignored: this app was built without MCP")
        options.mcp_stdio = None
    if "resume" in twins:
        _refuse_missing_part("resume", twins["resume"], features)
    for attribute, kind in (("mode", "mode"), ("resume", "run id")):
        if attribute in twins:
            try:
                _value(kind, getattr(options, attribute))
            except ValueError as error:
                raise UsageError(f"`{twins[attribute]}` {error}") from None


def _judge_together(options: Options, features: frozenset[str]) -> None:
    if options.mode == "serve" and "serve" not in features:
        raise UsageError(
            "serve mode needs an HTTP route or a cron, interval or fs_watch trigger; this app has none"
        )
    if options.mcp_serve == "http":
        if "mcp_http" not in features:
            raise UsageError("`--mcp-serve http` needs a `path` in [mcp_serve]; this app has none")
        if options.mode == "once":
            raise UsageError("`--mcp-serve http` and `--mode once` exclude each other")
    if options.mcp_serve == "stdio" and options.mode == "serve":
        raise UsageError("`--mcp-serve stdio` and `--mode serve` exclude each other")
    if options.checkpoint_each_node and options.state_dir is not None and "state" not in features:
        raise UsageError("this app was built without a state store, which `--checkpoint-each-node` needs")


def _refuse_missing_part(attribute: str, name: str, features: frozenset[str]) -> None:
    part = REFUSED_WITHOUT.get(attribute)
    if part is not None and part not in features:
        raise UsageError(f"this app was built without {_PARTS[part]}, which `{name}` needs")


def _no_planner(name: str) -> str:
    return f"`{name}`: a built app makes no plans; it runs the workflow that it was built from"


def _unknown(name: str, features: frozenset[str]) -> str:
    # Only the name is repeated: what follows `=` may be a secret.
    from agentdc_runtime.host.usage import nearest, served

    near = nearest(
        name, [each for names, attribute, _, _ in FLAGS if served(attribute, features) for each in names]
    )
    hint = f"; did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""
    return f"unknown argument `{name}`{hint}"
