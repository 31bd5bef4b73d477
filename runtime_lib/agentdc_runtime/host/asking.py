"""What verbs about runs have in common: the store that they ask, how they answer, exit codes (spec 04 §11)."""

from __future__ import annotations

import os

from agentdc_runtime.host.console import FAILED, USAGE, line, print_out, tell, write
from agentdc_runtime.host.words import Usage, help_lines, understood
from agentdc_runtime.observe.lines import printable
from agentdc_runtime.observe.log import AUDIT
from agentdc_runtime.state.decisions import Refused
from agentdc_runtime.state.fault import StoreError
from agentdc_runtime.state.place import NAME
from agentdc_runtime.state.settings import folder_of
from agentdc_runtime.state.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from agentdc_runtime.host.app import App
    from agentdc_runtime.host.verbs import Begin
    from agentdc_runtime.host.words import Action, Words

    Emit = Callable[[int, str, Mapping[str, Any]], None]

MISSING, CONFLICT = 3, 8
_STATUS = {"unknown": MISSING, "decided": CONFLICT, "running": CONFLICT}


class Asked:
    """A command with the store that it is about. `emit`: audit events."""

    __slots__ = ("app", "emit", "folder", "program", "store", "words")

    def __init__(self, app: App, program: str, words: Words, folder: str, store: Store, emit: Emit) -> None:
        self.app = app
        self.program = program
        self.words = words
        self.folder = folder
        self.store = store
        self.emit = emit

    def say(self, document: Any, lines: list[str]) -> int:
        """The answer, for machines or for people; the exit status."""
        if self.words.json:
            return print_out(line(document), self.program)
        return print_out("".join(f"{printable(each)}\n" for each in lines).encode(), self.program)


def ask(
    app: App,
    words: list[str],
    program: str,
    begin: Begin,
    verb: str,
    actions: Mapping[str, Action],
    work: Callable[[Asked], int],
) -> int:
    """Understand the words, open the store, do it; the exit status."""
    try:
        asked = understood(words, verb, actions)
    except Usage as error:
        text = "".join(f"{each}\n" for each in help_lines(program, verb, actions)).encode()
        if not error.args:
            return print_out(text, program)
        tell(program, str(error))
        write(2, text)
        return USAGE
    options, operands, log = begin()
    try:
        flag = asked.flags.get("--state-dir") or options.state_dir
        folder = folder_of(flag, operands, app.name, os.environ)
        if folder is None:
            tell(program, "no state directory is known: name it with --state-dir")
            return USAGE
        if not os.path.exists(os.path.join(folder, NAME)):
            return refused(asked, program, "state_not_found", f"{folder} holds no {NAME}", MISSING)

        def emit(level: int, event: str, fields: Mapping[str, Any]) -> None:
            log.emit(level, AUDIT, event, fields)

        store = Store(folder, emit, operands.get("state"))
        try:
            return work(Asked(app, program, asked, folder, store, emit))
        finally:
            store.close()
    except Usage as error:
        tell(program, str(error))
        return USAGE
    except Refused as error:
        return refused(asked, program, error.kind, error.message, _STATUS.get(error.kind, FAILED))
    except StoreError as error:
        return refused(asked, program, error.code, error.reason, FAILED)
    finally:
        log.close()


def refused(words: Words, program: str, code: str, message: str, status: int) -> int:
    """Say why it was not done; the exit status."""
    if words.json:
        print_out(line({"error": {"code": code, "message": message}}), program)
    tell(program, message)
    return status
