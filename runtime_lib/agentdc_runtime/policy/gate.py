"""The gate every effect on files and the environment passes (spec 02 §5). Links `match`, `paths`, `jsontext`.

It decides and says why; it opens nothing. It is made once from the `policy` table of the operands, when the
process starts or takes new operands, and asked before each effect, in dry runs too. A denial is a PolicyError.
URLs need more code than the rest: they are asked for in `policy.http`, which only apps with HTTP nodes link.
"""

from __future__ import annotations

from agentdc_runtime.errors import CapabilityError, PolicyError
from agentdc_runtime.jsontext import compact
from agentdc_runtime.policy.match import covers, name_rules, path_rules
from agentdc_runtime.policy.paths import PathList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Gate:
    """What the policy allows; without a policy (None) everything, and no path is resolved.

    `pins_reads`, `pins_writes`: the path that `read` or `write` returned is a resolved place, and must be opened
    without following links, or it could lead elsewhere by then. `http`: the lists `urls` and `methods`, or None.
    """

    __slots__ = ("_env", "_read", "_shell", "_write", "http", "pins_reads", "pins_writes")

    def __init__(self, policy: dict[str, Any] | None) -> None:
        self._read = self._write = self._env = self._shell = None
        self.http: tuple[list[str], list[str]] | None = None
        if policy is not None:
            _refuse_rego(policy)
            self._read = PathList(_list(policy, "fs", "read"))
            self._write = PathList(_list(policy, "fs", "write"))
            self._env = name_rules(_list(policy, "env", "read_keys"))
            self.http = _list(policy, "http", "urls"), _list(policy, "http", "methods")
            self._shell = path_rules(_list(policy, "shell", "commands"))
        self.pins_reads = self._read is not None and not self._read.anything
        self.pins_writes = self._write is not None and not self._write.anything

    def read(self, path: str, tool: str = "read_file") -> str:
        """The path to open for reading."""
        if self._read is None:
            return path
        place = self._read.admit(path)
        if place is None:
            raise _denial(tool, "fs_read", path, "[policy.fs] read")
        return place

    def write(self, path: str, tool: str = "write_file") -> str:
        """The path to write to or to create."""
        if self._write is None:
            return path
        place = self._write.admit(path)
        if place is None:
            raise _denial(tool, "fs_write", path, "[policy.fs] write")
        return place

    def env(self, key: str, tool: str = "read_env") -> None:
        """Returns when the environment variable may be read."""
        if self._env is not None and not covers(self._env, key):
            raise _denial(tool, "env_read", key, "[policy.env] read_keys")

    def shell(self, place: str, tool: str = "shell_run") -> None:
        """Returns when the command may be run; `place`: its file with all links followed."""
        if self._shell is not None and not covers(self._shell, place):
            raise _denial(tool, "shell_run", place, "[policy.shell] commands")


def changed(tool: str, operation: str, path: str) -> PolicyError:
    """The denial of a path that was allowed and led elsewhere when it was opened."""
    return PolicyError(
        f"{tool}: {operation} of {compact(path)} is not covered by [policy.fs]: "
        "a symbolic link took its place after the check"
    )


def _denial(tool: str, operation: str, subject: str, where: str) -> PolicyError:
    return PolicyError(f"{tool}: {operation} of {compact(subject)} is not covered by {where}")


def _list(policy: dict[str, Any], section: str, key: str) -> list[str]:
    """The list, empty when it or its section is absent: an empty list denies."""
    return (policy.get(section) or {}).get(key) or []


def _refuse_rego(policy: dict[str, Any]) -> None:
    """A second opinion that this gate cannot ask for must not be dropped in silence."""
    rego = policy.get("rego") or {}
    if rego.get("inline") or rego.get("file"):
        raise CapabilityError("this app was built without [policy.rego]")
