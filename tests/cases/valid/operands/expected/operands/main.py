"""The app operands: what it is made of, and where it starts."""

from __future__ import annotations

import os
import sys
from agentdc_runtime.core.drive import drive
from agentdc_runtime.host.app import App
from agentdc_runtime.host.once import once
from agentdc_runtime.host.start import run_app
from agentdc_runtime.policy.gate import Gate
from operands import workflow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    __loader__: Any  # whatever imported this module: a folder, an archive, a frozen app


def read_data(name: str) -> bytes:
    """A file that was packed beside this module; FileNotFoundError when there is none."""
    data: bytes = __loader__.get_data(os.path.join(os.path.dirname(__file__), name))
    return data


APP = App(
    program=workflow.PROGRAM,
    version="0.1.0",
    abi=workflow.ABI,
    read_data=read_data,
    once=once,
    drive=drive,
    gate=Gate,
)


def main() -> int:
    """Run the app with this process's arguments; the exit status."""
    return run_app(APP, sys.argv)
