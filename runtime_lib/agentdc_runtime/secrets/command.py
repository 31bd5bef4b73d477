"""A secret that a command prints (spec 02 §6.2), run once. Links `host.command`, so asyncio."""

from __future__ import annotations

from asyncio import Lock

from agentdc_runtime.host.command import plain_environment, run_command
from agentdc_runtime.host.files import os_reason
from agentdc_runtime.secrets.errors import SecretError
from agentdc_runtime.secrets.sources import MAX_BYTES, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentdc_runtime.host.command import Ended

TIMEOUT = 30.0  # seconds


class Command:
    """Runs `argv` directly, with the process's own environment, at the first use that succeeds."""

    __slots__ = ("_argv", "_environ", "_lock", "_name", "_value")

    def __init__(self, name: str, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self._name = name
        self._argv = argv
        self._environ = environ
        self._value: str | None = None
        self._lock = Lock()

    async def value(self) -> str:
        """What the command printed, without the blanks and line ends after it."""
        async with self._lock:
            if self._value is None:
                self._value = self._printed(await self._run())
            return self._value

    async def _run(self) -> Ended:
        try:
            return await run_command(
                self._argv,
                timeout=TIMEOUT,
                limit=MAX_BYTES,
                env=plain_environment(self._environ),
                errors=False,
                stop_when_full=True,
            )
        except (OSError, ValueError) as error:
            raise SecretError(self._name, f"the command cannot be started: {os_reason(error)}") from None

    def _printed(self, ended: Ended) -> str:
        cause = _failure(ended)
        if cause is not None:
            raise SecretError(self._name, cause)
        value = as_text(ended.stdout)
        if value is None:
            raise SecretError(self._name, "the command printed something that is not UTF-8 text")
        value = value.rstrip()
        if not value:
            raise SecretError(self._name, "the command printed nothing")
        return value


def _failure(ended: Ended) -> str | None:
    if ended.truncated:
        return "the command printed more than 1 MiB"
    if ended.timed_out:
        return f"the command did not end within {TIMEOUT:g} s"
    if ended.status is None or ended.status < 0:
        return f"the command was ended by signal {-(ended.status or 0)}"
    return f"the command ended with exit code {ended.status}" if ended.status else None
