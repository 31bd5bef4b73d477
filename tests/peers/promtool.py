"""Prometheus's judge of an exposition. The set-up puts it beside the interpreter, without the server around it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def complaints(text: bytes) -> str:
    """What promtool has to say about the text; empty when it is content."""
    program = shutil.which("promtool", path=str(Path(sys.executable).parent)) or shutil.which("promtool")
    if program is None:
        pytest.fail("promtool is missing: `make test` sets it up")
    done = subprocess.run(
        [program, "check", "metrics"], input=text, capture_output=True, check=False, timeout=60
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0 or said, "promtool failed without a word"
    return said
