"""Where an app listens for events, and where `emit` looks for it. Imports nothing but `os` and `sys`."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"


def event_socket(environ: Mapping[str, str]) -> str:
    """`AGENTDC_EVENTS`, else a file in a folder of the user's own, called after the app's program."""
    named = environ.get("AGENTDC_EVENTS", "")
    if named.strip():
        return os.path.abspath(named)
    folder = environ.get("XDG_RUNTIME_DIR", "")
    base = os.path.join(folder, "agentdc") if os.path.isabs(folder) else f"/tmp/agentdc-{os.getuid()}"  # noqa: S108
    program = os.path.basename(os.path.abspath(sys.argv[0]))
    if program == "__main__.py":
        program = os.path.basename(os.path.dirname(os.path.abspath(sys.argv[0])))
    name = "".join(each if each in _NAME else "_" for each in program)[:64]
    return os.path.join(base, f"{name}.events")
