"""`<app> inspect FILE`: a run record for people (spec 01 §8.4, spec 03 §1.9). Links `jsontext` and `observe.lines`.

Works on any JSON: what is missing or of another type shows as `?`, as nothing, or as 0. A record may come from
anywhere, so characters that a terminal would obey are escaped.
"""

from __future__ import annotations

from agentdc_runtime.jsontext import compact, loads
from agentdc_runtime.observe.lines import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

_OUTPUT = 160  # characters
_DETAIL = 200


def inspect(argv: list[str], out: TextIO, err: TextIO, program: str) -> int:
    """Print the record that `argv` (what follows `inspect`) names; the exit code: 0, or 2 with a reason on `err`."""
    if len(argv) != 1 or not argv[0].strip():
        problem = (
            f"unknown argument `{argv[1]}`" if len(argv) > 1 else "`inspect` requires a value: a run record"
        )
        return _refused(problem, err, program)
    try:
        with open(argv[0], encoding="utf-8") as file:
            text = file.read()
    except UnicodeDecodeError:
        return _refused(f"failed to parse {argv[0]}: not UTF-8", err, program)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return _refused(f"failed to read {argv[0]}: {reason}", err, program)
    try:
        report = "\n".join(report_lines(loads(text)))
    except ValueError as error:
        return _refused(f"failed to parse {argv[0]}: {error}", err, program)
    _write(out, report + "\n")
    return 0


def report_lines(record: Any) -> list[str]:
    """The lines of the report on any JSON value."""
    cost = _member(record, "cost")
    run = f"run {_word(record, 'execution_id') or '?'}"
    calls = f"{_count(cost, 'llm_calls')} llm call(s) / {_count(cost, 'llm_tokens')} tokens"
    denials = f"{_count(cost, 'policy_denials')} policy denial(s)"
    lines = [
        f"{run}  workflow={_word(record, 'workflow')}  status={_word(record, 'status')}",
        f"  start={_word(record, 'start_node')}  {_count(record, 'wall_ms')} ms  {calls}  {denials}",
        *_path_lines(_member(_member(record, "trace"), "entries")),
    ]
    detail = _member(record, "detail")
    return lines if detail is None else [*lines, f"  outcome: {_cut(detail, _DETAIL)}"]


def _path_lines(entries: Any) -> list[str]:
    if not isinstance(entries, list) or not entries:
        return ["  (no node trace captured)"]
    lines = ["  path:"]
    for number, entry in enumerate(entries, 1):
        lines.append(f"    {number:2d}. {_visit(entry)}")
        output = _member(entry, "output")
        if output is not None:
            lines.append(f"        output: {_cut(output, _OUTPUT)}")
    return lines


def _visit(entry: Any) -> str:
    node, kind, outcome = (_word(entry, key) or "?" for key in ("node_id", "kind", "outcome"))
    branch = f" →{_word(entry, 'branch')}" if isinstance(_member(entry, "branch"), str) else ""
    return f"{node} [{kind}] {outcome}{branch}  {_count(entry, 'elapsed_ms')} ms"


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _word(value: Any, key: str) -> str:
    found = _member(value, key)
    return printable(found) if isinstance(found, str) else ""


def _count(value: Any, key: str) -> int:
    found = _member(value, key)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else 0


def _cut(value: Any, length: int) -> str:
    text = compact(value)
    return printable(text if len(text) <= length else text[:length] + "…")


def _refused(message: str, err: TextIO, program: str) -> int:
    _write(err, printable(f"{program}: {message}") + "\n")
    return 2


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:  # a terminal without UTF-8
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
