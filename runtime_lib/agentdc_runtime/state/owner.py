"""Which process holds something, so that what a dead one held can be taken over (spec 04 §4.2). Links `os` only."""

from __future__ import annotations

import os


def me() -> str:
    """Boot id, pid and start time of this process: what no other process ever has."""
    return f"{boot()}/{os.getpid()}/{_began(os.getpid())}"


def is_gone(owner: str) -> bool:
    """Whether this owner is certainly dead; False where that cannot be known."""
    booted, _, rest = owner.partition("/")
    pid, _, began = rest.partition("/")
    if not pid.isdigit() or not began:
        return False
    if booted != boot():
        return True
    now = _began(int(pid))
    return now != began if now else not _there(int(pid))


def boot() -> str:
    """The boot of this machine; `-` where it has no name."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return "-"


def namespace() -> str:
    """The process namespace that pids of this process belong to; empty where there is none."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _began(pid: int) -> str:
    """Start time in ticks since boot (proc(5), field 22); empty when there is no such process or no /proc."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode()
    except OSError:
        return ""


def _there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
