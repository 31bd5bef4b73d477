"""The operator verbs of an app that keeps state, and what does them (spec 04 §11). Costs nothing until one is used.

A verb is the first argument; what follows it is its own. It gets the app, these words, the program's name, and
`begin`, which reads environment and operands and opens the log: after the words have been understood.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from agentdc_runtime.host.app import App
    from agentdc_runtime.host.flags import Options
    from agentdc_runtime.observe.log import Log

    Begin: TypeAlias = Callable[[], tuple[Options, dict[str, Any], Log]]
    Verb: TypeAlias = Callable[[App, list[str], str, Begin], int]


def _state(app: App, words: list[str], program: str, begin: Begin) -> int:
    from agentdc_runtime.host.state_command import main

    return main(app, words, program, begin)


def _approvals(app: App, words: list[str], program: str, begin: Begin) -> int:
    from agentdc_runtime.host.approvals_command import main

    return main(app, words, program, begin)


def _runs(app: App, words: list[str], program: str, begin: Begin) -> int:
    from agentdc_runtime.host.runs_command import main

    return main(app, words, program, begin)


VERBS: dict[str, Verb] = {"approvals": _approvals, "runs": _runs, "state": _state}
