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


def inspect(record: str) -> int:
    """Print the record to standard output; the exit status."""
    return subprocess.run([sys.executable, "-c", _PROGRAM, record], check=False).returncode  # noqa: S603 - ourselves
