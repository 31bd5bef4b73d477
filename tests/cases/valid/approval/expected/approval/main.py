"""The app approval: what it is made of, and where it starts."""

from __future__ import annotations

import os
import sys
from agentdc_runtime.core.drive import drive
from agentdc_runtime.host import stateful
from agentdc_runtime.host.app import App
from agentdc_runtime.host.once import once
from agentdc_runtime.host.start import run_app
from agentdc_runtime.host.verbs import VERBS
from agentdc_runtime.state.walk import drive_kept
from approval import workflow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from agentdc_runtime.core.run import Program

    __loader__: Any  # whatever imported this module: a folder, an archive, a frozen app


def read_data(name: str) -> bytes:
    """A file that was packed beside this module; FileNotFoundError when there is none."""
    data: bytes = __loader__.get_data(os.path.join(os.path.dirname(__file__), name))
    return data


def stepwise() -> Program:
    """The graph with a function per node: loaded when runs are resumed, or kept after every node."""
    from approval.stepwise import PROGRAM

    return PROGRAM


APP = App(
    program=workflow.PROGRAM,
    version="0.1.0",
    abi=workflow.ABI,
    read_data=read_data,
    once=once,
    drive=drive,
    drive_kept=drive_kept,
    state=stateful,
    verbs=VERBS,
    stepwise=stepwise,
    features=frozenset(["state"]),
)


def main() -> int:
    """Run the app with this process's arguments; the exit status."""
    return run_app(APP, sys.argv)
