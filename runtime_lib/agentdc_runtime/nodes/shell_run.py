"""`shell_run` (spec 01 §5.14): one command without a shell. Links the gate and `host.command`, so asyncio."""

from __future__ import annotations

import os

from agentdc_runtime.errors import ToolError
from agentdc_runtime.host.command import run_command
from agentdc_runtime.host.files import os_reason
from agentdc_runtime.jsontext import compact
from agentdc_runtime.values import kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.host.command import Ended
    from agentdc_runtime.values import Json

KEPT = 65_536  # bytes of each stream
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


async def run(
    run: Run, *, command: str, arguments: Callable[[], Json], timeout_secs: int
) -> tuple[Json, str | None]:
    """What the command did, and the label `error` unless it exited with 0; `arguments` come after the policy."""
    place = _resolved(command)
    assert run.gate is not None
    run.gate.shell(place)
    given = _strings(arguments())
    if run.dry_run:
        return {"args": given, "command": place, "dry_run": True}, None
    try:
        # Encoded here, as the system's own encoding may lack characters.
        argv: list[str | bytes] = [command, *[each.encode() for each in given]]
        ended = await run_command(
            argv, executable=place, timeout=max(timeout_secs, 1), limit=KEPT, env=ENVIRONMENT
        )
    except (OSError, ValueError) as error:
        raise ToolError("shell_run", f"cannot start {compact(place)}: {os_reason(error)}") from None
    return _output(place, given, ended), None if ended.status == 0 and not ended.timed_out else "error"


def _output(place: str, given: list[str], ended: Ended) -> Json:
    status = -1 if ended.status is None else ended.status
    return {
        "args": given,
        "command": place,
        "duration_ms": ended.elapsed_ms,
        "exit_code": max(status, -1),
        "signal": -status if ended.status is not None and status < 0 else None,
        "stderr": ended.stderr.decode("utf-8", "replace"),
        "stdout": ended.stdout.decode("utf-8", "replace"),
        "timed_out": ended.timed_out,
        "truncated": ended.truncated,
    }


def _resolved(command: str) -> str:
    """The file behind all links, which the policy is asked about and which is executed."""
    if not command.startswith("/"):
        raise ToolError("shell_run", f"the command {compact(command)} is not an absolute path")
    try:
        os.stat(command)  # the system's own idea of the path: realpath forgives "file/" and "file/.."
        return os.path.realpath(command, strict=True)
    except (OSError, ValueError) as error:
        raise ToolError("shell_run", f"cannot find {compact(command)}: {os_reason(error)}") from None


def _strings(value: Json) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ToolError("shell_run", f"args_from must resolve to an array of strings, not {kind(value)}")
    for index, each in enumerate(value):
        if not isinstance(each, str):
            reason = f"args_from must resolve to an array of strings; item {index} is not one: {kind(each)}"
            raise ToolError("shell_run", reason)
    return list(value)
