"""`agentdc inspect`: shows a run record with the code that built apps use, as a program of its own.

The runtime library is read, never imported, by the compiler; so the command runs it in a fresh interpreter.
"""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import sys
from agentdc_runtime.host.inspect import inspect
sys.exit(inspect(sys.argv[1:], sys.stdout, sys.stderr, "agentdc"))
"""


def inspect(record: str) -> tuple[int, str]:
    """The exit status and what goes to standard output; a refusal has been told on standard error."""
    # -P: the working directory may hold modules of its own
    command = [sys.executable, "-P", "-X", "utf8", "-c", _PROGRAM, record]
    shown = subprocess.run(command, check=False, stdout=subprocess.PIPE)  # noqa: S603 - ourselves
    return shown.returncode, shown.stdout.decode()
