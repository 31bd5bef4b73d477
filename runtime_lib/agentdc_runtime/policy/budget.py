"""What a process may use up (spec 02 §8): memory, processor time, run time, written bytes, model tokens.

Links the errors, and `resource` when a limit is set. Counts for the life of the process; nothing is given back.
"""

from __future__ import annotations

from agentdc_runtime.errors import ToolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    Emit: TypeAlias = Callable[[int, str, dict[str, Any]], None]

MIB = 1 << 20
WARN, INFO = 2, 3  # as in `observe.log`, which policy does not import


class Budget:
    """The `[budget]` table of the operands; an absent key is no limit. `emit`: takes level, event and fields."""

    __slots__ = ("_emit", "_settings", "tokens", "written")

    def __init__(self, settings: Mapping[str, Any] | None, emit: Emit) -> None:
        self._settings = settings or {}
        self._emit = emit
        self.written = 0
        self.tokens = 0

    def apply_limits(self) -> None:
        """Limit the process itself; what cannot be applied is told, and the start goes on."""
        self._limit("memory_mb", "max_memory_mb", "RLIMIT_AS", MIB)
        self._limit("cpu_secs", "max_cpu_secs", "RLIMIT_CPU", 1)

    def run_time(self, timeout: float) -> float:
        """Seconds that a run may take, at most `timeout`."""
        most = self._settings.get("max_run_time_secs")
        return min(timeout, float(most)) if most else timeout

    def reserve_write(self, path: str, size: int) -> None:
        """Count `size` bytes that are about to be written to `path`; ToolError, and nothing counted, if too many."""
        most = self._settings.get("max_fs_write_mb")
        if most and self.written + size > most * MIB:
            reason = f"budget.fs_write: {size} bytes after {self.written} would be more than {most} MiB"
            self._emit(WARN, "budget.fs_write_denied", {"path": path, "bytes": size, "reason": reason})
            raise ToolError("write_file", reason)
        self.written += size

    def check_tokens(self, tool: str = "llm_infer", *, in_run: int = 0) -> None:
        """Returns when the model may be called; asked before each call, so one call may go beyond a limit.

        `in_run`: tokens that the run has used, its children included.
        """
        for key, used in (("max_llm_tokens", self.tokens), ("max_run_llm_tokens", in_run)):
            most = self._settings.get(key)
            if most is not None and used >= most:
                reason = f"budget.{key}: {used} of {most} tokens are used"
                self._emit(WARN, "budget.llm_denied", {"used": used, "limit": most, "reason": reason})
                raise ToolError(tool, reason)

    def add_tokens(self, count: int) -> None:
        """Count what a call used, prompt and completion; whoever reports less than nothing adds nothing."""
        self.tokens += max(count, 0)

    def _limit(self, kind: str, key: str, name: str, unit: int) -> None:
        value = self._settings.get(key)
        if value is None:
            return
        reason = "0 counts as not set" if value == 0 else _lowered(name, value * unit)
        if reason is None:
            self._emit(INFO, "budget.applied", {"kind": kind, "value": value})
        else:
            self._emit(WARN, "budget.apply_failed", {"kind": kind, "value": value, "reason": reason})


def _lowered(name: str, value: int) -> str | None:
    """Set both limits of a resource; the reason when that fails. A limit never makes room that was not there."""
    try:
        import resource

        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        if hard not in (resource.RLIM_INFINITY, value) and hard < value:
            return f"the process has a lower limit already: {hard}"
        resource.setrlimit(number, (value, value))
    except ImportError:
        return "this system has no such limit"
    except (OSError, ValueError, OverflowError, AttributeError) as error:
        return str(error) or type(error).__name__
    return None
