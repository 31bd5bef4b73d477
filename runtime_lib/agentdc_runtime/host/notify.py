"""What systemd tells a service, and what it wants to hear (sd_listen_fds(3), sd_notify(3)). Links `socket`.

Without the variables of systemd both functions do nothing. Nothing of systemd's is needed.
"""

from __future__ import annotations

import os
import socket
import time

from agentdc_runtime.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_FIRST = 3  # the first descriptor that is handed over
_PATIENCE = 1.0  # seconds for a manager that does not read; the event loop waits with us


def listen_fds(environ: MutableMapping[str, str], pid: int) -> list[int]:
    """Descriptors of sockets that were opened for this process, from 3 on; they are closed on exec from now on.

    The variables are removed, so that no child takes them for its own. ConfigError when they speak of descriptors
    that are not open, or not of a number.
    """
    for_pid = environ.pop("LISTEN_PID", "")
    count = environ.pop("LISTEN_FDS", "") or "0"
    for name in ("LISTEN_FDNAMES", "LISTEN_PIDFDID"):
        environ.pop(name, None)
    if for_pid != str(pid):
        return []
    if not (count.isascii() and count.isdigit() and len(count) < 10):
        raise ConfigError(f"LISTEN_FDS is no number of descriptors: {count}")
    found = []
    for each in range(_FIRST, _FIRST + int(count)):
        try:
            os.set_inheritable(each, False)
        except OSError as error:
            raise ConfigError(f"LISTEN_FDS is {count}, but descriptor {each}: {error.strerror}") from error
        found.append(each)
    return found


def notify(environ: Mapping[str, str], state: str) -> None:
    """Send `READY=1`, `STOPPING=1`, `RELOADING=1` or `STATUS=…`, or several, each on a line of its own.

    Nothing where nobody asked for it, or nobody listens any more: no service fails for that. `RELOADING=1` gets the
    time that systemd wants with it (`Type=notify-reload`); end a reload with `READY=1`.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if "RELOADING=1" in state.split("\n"):
        state += f"\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.settimeout(_PATIENCE)
        try:
            door.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            door.sendall(state.encode("utf-8", "replace"))
        except OSError:
            return
