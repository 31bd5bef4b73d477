"""The command line of a built app and its environment (spec 03 §1.1-§1.4, §1.10), and its help text."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from agentdc_runtime.host.flags import (
    FLAGS,
    IDLE_WITHOUT,
    PLANNING,
    REFUSED_WITHOUT,
    Options,
    UsageError,
    parse,
)
from agentdc_runtime.host.usage import SECTIONS, WIDTH, help_text

ALL = frozenset({"serve", "state", "mcp", "mcp_serve", "mcp_http", "model", "operands"})
NONE: frozenset[str] = frozenset()


def told(options: Options) -> dict[str, Any]:
    """What differs from the defaults."""
    default = Options()
    return {
        name: getattr(options, name)
        for name in Options.__slots__
        if getattr(options, name) != getattr(default, name)
    }


def refused(argv: list[str], environ: dict[str, str] | None = None, features: frozenset[str] = ALL) -> str:
    with pytest.raises(UsageError) as caught:
        parse(argv, environ or {}, features)
    return caught.value.message


ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("--config w.toml", {"config": "w.toml"}),
    ("-c w.toml", {"config": "w.toml"}),
    ("--input f", {"input": "f"}),
    ("--input-file f", {"input": "f"}),
    ("-i -", {"input": "-"}),
    ("--start s", {"start": "s"}),
    ("-s s", {"start": "s"}),
    ("--mode once", {"mode": "once"}),
    ("--mode serve", {"mode": "serve"}),
    ("--bind [::1]:0", {"bind": "[::1]:0"}),
    ("-b x", {"bind": "x"}),
    ("--timeout-secs 5", {"timeout_secs": 5}),
    ("--timeout-secs 0", {"timeout_secs": 1}),
    ("--timeout-secs +7", {"timeout_secs": 7}),
    ("--timeout-secs 18446744073709551615", {"timeout_secs": 2**64 - 1}),
    ("--drain-timeout-secs 0", {"drain_timeout_secs": 1}),
    ("--intel-unix p", {"intel_unix": "p"}),
    ("--intel-http http://h", {"intel_http": "http://h"}),
    ("--intel-http-bearer-file f", {"intel_http_bearer_file": "f"}),
    ("--instructions f", {"instructions": "f"}),
    ("--dry-run", {"dry_run": True}),
    ("--validate-only", {"validate_only": True}),
    ("--record r", {"record": "r"}),
    ("--state-dir d", {"state_dir": "d"}),
    ("--resume exec-1f-2.a_b", {"resume": "exec-1f-2.a_b"}),
    ("--checkpoint-each-node", {"checkpoint_each_node": True}),
    ("--resume-incomplete", {"resume_incomplete": True}),
    ("--list-checkpoints", {"list_checkpoints": True}),
    ("--signing-required", {"signing_required": True}),
    ("--signing-key-file k", {"signing_key_file": "k"}),
    ("--reload-file f", {"reload_file": "f"}),
    ("--operands o", {"operands": "o"}),
    ("--allow-widen", {"allow_widen": True}),
    ("--manifest", {"manifest": True}),
    ("--version", {"version": True}),
    ("-V", {"version": True}),
    ("--help", {"help": True}),
    ("-h", {"help": True}),
    ("--log-level agentd::audit=info,warn", {"log_level": "agentd::audit=info,warn"}),
    ("--log-level=", {"log_level": ""}),
    ("--log-format JSON", {"log_format": "json"}),
    ("--log-format Pretty", {"log_format": "text"}),
    ("--log-format text", {"log_format": "text"}),
    ("--log-target STDOUT", {"log_target": "STDOUT"}),
    ("--log-target file:a.log", {"log_target": "file:a.log"}),
    ("--quiet", {"quiet": True}),
    # the shape of a flag
    ("--config=w.toml", {"config": "w.toml"}),
    ("--config=a=b", {"config": "a=b"}),
    ("--record -r", {"record": "-r"}),
    ("--start --help", {"start": "--help"}),
    ("-c a -c b --config=c", {"config": "c"}),
    ("--timeout-secs 9 --timeout-secs 0", {"timeout_secs": 1}),
    ("--help --bogus", {"help": True}),
    ("--dry-run --version --mode bogus", {"dry_run": True, "version": True}),
]


@pytest.mark.parametrize(("line", "expected"), ARGUMENTS)
def test_arguments(line: str, expected: dict[str, Any]) -> None:
    assert told(parse(line.split(" ") if line else [], {}, ALL)) == expected


def test_words() -> None:
    assert parse(["--mcp-stdio", " server  --flag 'a b' "], {}, ALL).mcp_stdio == [
        "server",
        "--flag",
        "'a",
        "b'",
    ]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--bogus"], "unknown argument `--bogus`"),
        (["--bogus", "--help"], "unknown argument `--bogus`"),
        (["file.toml"], "unknown argument `file.toml`"),
        (["--dry-run", "inspect"], "unknown argument `inspect`"),
        ([""], "unknown argument ``"),
        (["-"], "unknown argument `-`"),
        (["-c=x"], "unknown argument `-c=x`"),
        (["--"], "unknown argument `--`"),
        (["--tokn=s3cret"], "unknown argument `--tokn`"),
        (["--confg", "x"], "unknown argument `--confg`; did you mean `--config`?"),
        (["--Dry-Run"], "did you mean `--dry-run`?"),
        (["-record", "x"], "did you mean `--record`?"),
        (["--config"], "`--config` requires a value"),
        (["--dry-run", "-c"], "`-c` requires a value"),
        (["--log-level"], "`--log-level` requires a value"),
        (["--config", ""], "`--config` requires a value"),
        (["--config="], "`--config` requires a value"),
        (["--record", " "], "`--record` requires a value"),
        (["--mcp-stdio", " "], "`--mcp-stdio` requires a value"),
        (["--resume", ""], "`--resume` requires a value"),
        (["--dry-run=1"], "`--dry-run` takes no value"),
        (["--help="], "`--help` takes no value"),
        (["--mode", "Serve"], "`--mode` takes `once` or `serve`"),
        (["--mode", "bogus", "--help"], "`--mode` takes"),
        (["--log-format", "yaml"], "`--log-format` takes `text` or `json`"),
        (["--log-target", "syslog"], "`--log-target` takes `stderr`, `stdout` or `file:PATH`"),
        (["--log-target", "file:"], "`file:PATH`"),
        *(
            (["--timeout-secs", bad], "takes a whole number of seconds")
            for bad in ("x", "-1", "1.5", "1_0", "٣", "²")
        ),
        *(
            (["--timeout-secs", bad], "takes a whole number")
            for bad in ("18446744073709551616", "9" * 5000, "++1", " 1")
        ),
        (["--drain-timeout-secs=soon"], "`--drain-timeout-secs` takes a whole number of seconds"),
        *(
            (["--resume", bad], "`--resume` takes a run id")
            for bad in (".", "..", "-x", "_x", "a/b", "../x", "a b", "é")
        ),
        *(([flag, "x"], "makes no plans") for flag in PLANNING),
        (["--goal=x"], "`--goal`: a built app makes no plans"),
    ],
)
def test_refused_arguments(argv: list[str], words: str) -> None:
    message = refused(argv)
    assert words in message
    assert "s3cret" not in message


ENVIRONMENT: list[tuple[str, str, dict[str, Any]]] = [
    ("AGENTD_CONFIG", "w.toml", {"config": "w.toml"}),
    ("AGENTD_INPUT", " f ", {"input": " f "}),
    ("AGENTD_INPUT", " ", {}),
    ("AGENTD_START", "s", {"start": "s"}),
    ("AGENTD_START", "", {}),
    ("AGENTD_MODE", "serve", {"mode": "serve"}),
    ("AGENTD_MODE", " ", {}),
    ("AGENTD_HTTP_BIND", "127.0.0.1:0", {"bind": "127.0.0.1:0"}),
    ("AGENTD_TIMEOUT_SECS", "5", {"timeout_secs": 5}),
    ("AGENTD_TIMEOUT_SECS", "0", {}),
    ("AGENTD_TIMEOUT_SECS", "", {}),
    ("AGENTD_DRAIN_TIMEOUT_SECS", "6", {"drain_timeout_secs": 6}),
    ("AGENTD_INTEL_UNIX", "p", {"intel_unix": "p"}),
    ("AGENTD_INTEL_HTTP", "http://h", {"intel_http": "http://h"}),
    ("AGENTD_INTEL_HTTP_BEARER_FILE", "f", {"intel_http_bearer_file": "f"}),
    ("AGENTD_INSTRUCTIONS", "f", {"instructions": "f"}),
    ("AGENTD_MCP_STDIO", "a  b", {"mcp_stdio": ["a", "b"]}),
    ("AGENTD_MCP_STDIO", "  ", {}),
    *(("AGENTD_DRY_RUN", on, {"dry_run": True}) for on in ("1", "true", "TRUE", "True")),
    *(("AGENTD_DRY_RUN", off, {}) for off in ("", "0", "false", "FALSE", "no", "off")),
    ("AGENTD_VALIDATE_ONLY", "1", {"validate_only": True}),
    ("AGENTD_RECORD", "r", {"record": "r"}),
    ("AGENTD_STATE_DIR", "d", {"state_dir": "d"}),
    ("AGENTD_RESUME", "exec-1", {"resume": "exec-1"}),
    ("AGENTD_CHECKPOINT_EACH_NODE", "1", {"checkpoint_each_node": True}),
    ("AGENTD_SIGNING_REQUIRED", "1", {"signing_required": True}),
    ("AGENTD_SIGNING_KEY_FILE", "k", {"signing_key_file": "k"}),
    ("AGENTD_RELOAD_FILE", "f", {"reload_file": "f"}),
    ("AGENTD_LOG", "debug", {"log_level": "debug"}),
    ("AGENTD_LOG", "", {}),
    ("AGENTD_LOG_FORMAT", "Json", {"log_format": "json"}),
    ("AGENTD_LOG_TARGET", "stdout", {"log_target": "stdout"}),
    ("AGENTD_QUIET", "1", {"quiet": True}),
    ("AGENTD_INSTRUCTION", " ", {}),
    ("AGENTD_RESUME_INCOMPLETE", "1", {}),
]


@pytest.mark.parametrize(("variable", "text", "expected"), ENVIRONMENT)
def test_environment(variable: str, text: str, expected: dict[str, Any]) -> None:
    assert told(parse([], {variable: text}, ALL)) == expected


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("AGENTD_LOG_FORMAT", "yaml", "`AGENTD_LOG_FORMAT` takes `text` or `json`; it is ignored"),
        ("AGENTD_LOG_TARGET", "syslog", "`AGENTD_LOG_TARGET` takes `stderr`"),
        (
            "AGENTD_TIMEOUT_SECS",
            "soon",
            "`AGENTD_TIMEOUT_SECS` takes a whole number of seconds; it is ignored",
        ),
        ("AGENTD_TIMEOUT_SECS", " 5", "it is ignored"),
        ("AGENTD_DRY_RUN", "yes", "`AGENTD_DRY_RUN` is off: only `1` and `true` switch it on"),
        ("AGENTD_DRY_RUN", "on", "is off"),
    ],
)
def test_environment_that_counts_as_unset_is_told(variable: str, text: str, words: str) -> None:
    options = parse([], {variable: text}, ALL)
    (warning,) = options.warnings
    assert words in warning
    assert told(options).keys() == {"warnings"}


def test_flags_overrule_the_environment_in_every_order() -> None:
    environ = {
        "AGENTD_CONFIG": "e",
        "AGENTD_MODE": "bogus",
        "AGENTD_RESUME": "../x",
        "AGENTD_TIMEOUT_SECS": "3",
    }
    options = parse(["-c", "f", "--mode", "once", "--resume", "id", "--timeout-secs", "0"], environ, ALL)
    assert told(options) == {"config": "f", "mode": "once", "resume": "id", "timeout_secs": 1}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"AGENTD_MODE": "bogus"}, "`AGENTD_MODE` takes `once` or `serve`"),
        ({"AGENTD_RESUME": "../x"}, "`AGENTD_RESUME` takes a run id"),
        ({"AGENTD_INSTRUCTION": "do"}, "`AGENTD_INSTRUCTION`: a built app makes no plans; it runs"),
        ({"AGENTD_GOAL": "do"}, "`AGENTD_GOAL`"),
    ],
)
def test_refused_environment_does_not_hide_help(environ: dict[str, str], words: str) -> None:
    assert words in refused([], environ)
    assert parse(["--help"], environ, ALL).help
    assert parse(["-V"], environ, ALL).version


@pytest.mark.parametrize(
    ("argv", "environ", "words"),
    [
        (["--resume", "x"], {}, "without a state store, which `--resume` needs"),
        (["--resume-incomplete"], {}, "`--resume-incomplete`"),
        (["--list-checkpoints", "--help"], {}, "`--list-checkpoints`"),
        (["--checkpoint-each-node", "--state-dir", "d"], {}, "`--checkpoint-each-node`"),
        (["--state-dir", "d"], {"AGENTD_CHECKPOINT_EACH_NODE": "1"}, "`--checkpoint-each-node`"),
        ([], {"AGENTD_RESUME": "x"}, "which `AGENTD_RESUME` needs"),
        (["--mcp-stdio", "x"], {}, "without MCP, which `--mcp-stdio` needs"),
        (["--operands=x"], {}, "without replaceable operands, which `--operands` needs"),
        (["--allow-widen"], {}, "`--allow-widen`"),
    ],
)
def test_a_part_that_is_missing_is_refused_by_name(
    argv: list[str], environ: dict[str, str], words: str
) -> None:
    message = refused(argv, environ, NONE)
    assert message.startswith("this app was built without ")
    assert words in message


def test_serve_mode_needs_something_to_serve() -> None:
    assert "serve mode needs" in refused(["--mode", "serve"], features=NONE)
    assert "serve mode needs" in refused([], {"AGENTD_MODE": "serve"}, NONE)


@pytest.mark.parametrize(
    "line",
    [
        "--bind 127.0.0.1:0",
        "--drain-timeout-secs 1",
        "--reload-file f",
        "--intel-unix p",
        "--intel-http http://h",
        "--intel-http-bearer-file f",
        "--instructions f",
        "--state-dir d",
        "--checkpoint-each-node",
    ],
)
def test_flags_without_effect_are_accepted(line: str) -> None:
    assert len(told(parse(line.split(), {}, NONE))) == 1


def test_a_shared_environment_may_name_an_mcp_server() -> None:
    options = parse([], {"AGENTD_MCP_STDIO": "x"}, NONE)
    assert options.mcp_stdio is None
    assert options.warnings == ["`AGENTD_MCP_STDIO` is ignored: this app was built without MCP"]


def test_unknown_flags_are_not_answered_with_flags_the_build_lacks() -> None:
    assert "did you mean" in refused(["--list-checkpoint"])
    assert "did you mean" not in refused(["--list-checkpoint"], features=NONE)


def test_help_describes_every_flag_that_the_build_serves() -> None:
    text = help_text("agent", "billing", ALL)
    for names, _, _, variable in FLAGS:
        assert f" {names[0]} " in text or f" {names[0]}\n" in text
        assert f"[{variable}]" in text or not variable
    assert "without effect" not in text
    assert {name for _, rows in SECTIONS for name in rows} == {attribute for _, attribute, _, _ in FLAGS}


def test_help_names_idle_flags_in_one_place_and_leaves_out_refused_ones() -> None:
    described, idle = help_text("agent", "billing", NONE).split("Accepted without effect in this build: ")
    for names, attribute, _, _ in FLAGS:
        assert (f"{names[0]} " in described) == (
            attribute not in REFUSED_WITHOUT and attribute not in IDLE_WITHOUT
        )
        assert (names[0] in idle) == (attribute in IDLE_WITHOUT and attribute != "checkpoint_each_node")


@pytest.mark.parametrize("features", [ALL, NONE, frozenset({"serve", "state"})])
def test_help_fits_eighty_columns(features: frozenset[str]) -> None:
    text = help_text("agent", "two\nlines \x1b[31m", features)
    assert "bounded workflow runtime" in text.splitlines()[0]
    assert all(len(line) <= WIDTH and line == line.rstrip() for line in text.splitlines())
    assert text.replace("\n", "").isprintable()
    assert all(f"\n  {code} " in text for code in ("0", "2", "5", "7", "128+N"))


def test_parsing_imports_nothing_dear() -> None:
    script = (
        "import sys\nbefore = set(sys.modules)\n"
        "from agentdc_runtime.host.flags import parse\nparse(['--dry-run'], {}, frozenset())\n"
        "print(*sorted(set(sys.modules) - before - {'__future__'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {
        "agentdc_runtime",
        "agentdc_runtime.host",
        "agentdc_runtime.host.environment",
        "agentdc_runtime.host.flags",
    }
