"""The settings of `[state]` as operands (spec 04 §4.1), and where the state directory is. Imports `errors`."""

from __future__ import annotations

import os

from agentdc_runtime.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MB = 2**20
DAY_MS = 86_400_000
_DEFAULTS: dict[str, int | str | bool | None] = {
    "checkpoint_interval_secs": 300,
    "busy_timeout_ms": 5000,
    "durability": "full",
    "wal_warn_mb": 64,
    "wal_max_mb": 256,
    "reserve_mb": 8,
    "retention_days": 30,
    "max_runs": 10_000,
    "max_event_rows": 100_000,
    "allow_network_fs": False,
    "backup_dir": None,
    "backup_interval_secs": 0,
}


class Settings:
    """How a store behaves. `given`: the part `state` of the operands; ConfigError when it is no such thing.

    A directory app can be edited, and then its operands may be anything. What is not a setting of the store (a flag
    of run history, say) is of no concern here.
    """

    __slots__ = (*_DEFAULTS, "given")

    checkpoint_interval_secs: int
    busy_timeout_ms: int
    durability: str
    wal_warn_mb: int
    wal_max_mb: int
    reserve_mb: int
    retention_days: int
    max_runs: int
    max_event_rows: int
    allow_network_fs: bool
    backup_dir: str | None
    backup_interval_secs: int

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self.given = given
        for name, default in _DEFAULTS.items():
            value = (given or {}).get(name, default)
            kind = str if default is None else type(default)
            fits = type(value) is kind or (default is None and value is None)
            if (
                not fits
                or (kind is int and value < 0)
                or (name == "durability" and value not in ("full", "normal"))
            ):
                raise ConfigError(f"operands.json cannot be used: state.{name}")
            setattr(self, name, value)


def default_folder(name: str, environ: Mapping[str, str]) -> str:
    """The state directory of a workflow that has `[state]`, where no flag names one (spec 04 §1)."""
    plain = "".join(
        each if each.isascii() and (each.isalnum() or each in "._-") else "-" for each in name.lower()
    )
    identity = (plain.lstrip("._-") or "agent")[:64]
    base = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "agentdc", identity)


def folder_of(
    flag: str | None, operands: Mapping[str, Any], name: str, environ: Mapping[str, str]
) -> str | None:
    """The state directory: as the flag says, else the default where there is `[state]`, else None."""
    if flag is not None or operands.get("state") is None:
        return flag
    return default_folder(name, environ)
