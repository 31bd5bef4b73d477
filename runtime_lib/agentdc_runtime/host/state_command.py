"""`<app> state …`: looking at, copying and repairing the store of an app (spec 04 §4.5, §11). Links the store.

Knows the words of the command line, how results are shown, and exit codes; the work is done by `state`. Nothing here
starts a run, and nothing but `restore`, `recover`, `import` and `prune` changes what is stored.
"""

from __future__ import annotations

import os
import sqlite3
import time

from agentdc_runtime.host.console import FAILED, OK, USAGE, line, print_out, tell
from agentdc_runtime.observe.lines import printable
from agentdc_runtime.observe.log import AUDIT, INFO
from agentdc_runtime.state.fault import UNUSABLE, StoreError, fault_of
from agentdc_runtime.state.place import NAME
from agentdc_runtime.state.settings import Settings, folder_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, TypeAlias

    from agentdc_runtime.host.app import App
    from agentdc_runtime.host.verbs import Begin

    Result: TypeAlias = tuple[int, dict[str, Any]]

MISSING, CONFLICT = 3, 8
_STATUS = {
    "state_not_found": MISSING,
    "state_locked": CONFLICT,
    "state_busy": CONFLICT,
    "state_exists": CONFLICT,
}
_HINTS = {
    "state_not_found": "name the state directory with --state-dir",
    "state_corrupt": "`state recover` saves what can be read; `state restore FILE` takes a backup",
    "state_full": "make room on the disk of the state directory",
}


class Usage(Exception):
    """Words that are refused; the message says why."""


class Asked:
    """A command, understood. `operand`: the file or folder; `folder`: the state directory."""

    __slots__ = ("emit", "folder", "full", "json", "mode", "operand", "settings", "state_dir", "timeout")

    def __init__(self) -> None:
        self.operand = ""
        self.state_dir: str | None = None
        self.json = False
        self.full = False
        self.mode = "truncate"
        self.timeout = 10.0
        self.folder = ""
        self.settings = Settings()
        self.emit: Callable[[int, str, Mapping[str, Any]], None] = lambda *_: None

    @property
    def path(self) -> str:
        """The database, which is there; StoreError."""
        path = os.path.join(self.folder, NAME)
        if not os.path.exists(path):
            raise StoreError(f"{self.folder} holds no {NAME}", "state_not_found")
        return path

    def connected(self) -> sqlite3.Connection:
        """A connection to it; StoreError, sqlite3.Error."""
        from agentdc_runtime.state.database import connect

        return connect(self.path, self.settings, busy_ms=int(self.timeout * 1000))


# What can be asked for. Each function does it, and gives an exit status and a document.


def _info(asked: Asked) -> Result:
    from agentdc_runtime.state.info import info

    return OK, info(asked.connected(), asked.folder)


def _checkpoint(asked: Asked) -> Result:
    from agentdc_runtime.state.checkpoint import DONE, attempt

    connection = asked.connected()
    try:
        outcome = attempt(connection, asked.mode)
    finally:
        connection.close()
    status = OK if outcome.result == DONE else CONFLICT
    return status, {
        "result": outcome.result,
        "mode": asked.mode,
        "log": outcome.log,
        "copied": outcome.copied,
    }


def _verify(asked: Asked) -> Result:
    from agentdc_runtime.state.database import problems

    try:
        connection = asked.connected()
    except sqlite3.DatabaseError as error:
        return FAILED, {"ok": False, "full": asked.full, "problems": [str(error)]}
    try:
        found = problems(connection, full=asked.full)
    finally:
        connection.close()
    return (FAILED if found else OK), {"ok": not found, "full": asked.full, "problems": found}


def _backup(asked: Asked) -> Result:
    from agentdc_runtime.state.copies import backup

    size = backup(asked.path, asked.operand)
    asked.emit(INFO, "state.backup", {"path": asked.operand, "bytes": size})
    return OK, {"backup": asked.operand, "bytes": size}


def _restore(asked: Asked) -> Result:
    from agentdc_runtime.state.copies import restore
    from agentdc_runtime.state.place import Lock, prepare

    prepare(asked.folder, asked.emit, network=asked.settings.allow_network_fs)
    lock = Lock(asked.folder, exclusive=True)
    try:
        aside = restore(asked.folder, asked.operand, time.time())
    finally:
        lock.close()
    asked.emit(INFO, "state.restored", {"path": asked.operand, "original": aside})
    return OK, {"restored": asked.operand, "original": aside}


def _recover(asked: Asked) -> Result:
    from agentdc_runtime.state.place import Lock
    from agentdc_runtime.state.repair import recover

    path = asked.path
    lock = Lock(asked.folder, exclusive=True)
    try:
        found = recover(os.path.dirname(path), time.time())
    finally:
        lock.close()
    rows = sum(found["recovered"].values())
    asked.emit(INFO, "state.recovered_rows", {"rows": rows, "original": found["original"]})
    return OK, found


def _prune(asked: Asked) -> Result:
    from agentdc_runtime.state.prune import prune_all
    from agentdc_runtime.state.store import Store

    assert asked.path
    store = Store(asked.folder, asked.emit, asked.settings.given)
    try:
        deleted = prune_all(store)
    finally:
        store.close()
    rows = sum(deleted.values())
    if rows:
        asked.emit(INFO, "state.pruned", {"rows": rows})
    return OK, {"pruned": deleted}


def _export(asked: Asked) -> Result:
    from agentdc_runtime.state.agentd import exported

    connection = asked.connected()
    try:
        names = exported(connection, asked.operand)
    finally:
        connection.close()
    asked.emit(INFO, "state.exported", {"path": asked.operand, "runs": len(names)})
    return OK, {"exported": len(names), "to": asked.operand}


def _import(asked: Asked) -> Result:
    from agentdc_runtime.state.agentd import imported, read_all
    from agentdc_runtime.state.store import Store

    found, wrong = read_all(asked.operand, int(time.time() * 1000))
    store = Store(asked.folder, asked.emit, asked.settings.given)
    try:
        new = store.write_now(lambda database: imported(database, found))
    finally:
        store.close()
    asked.emit(INFO, "state.imported", {"path": asked.operand, "runs": len(new)})
    problems = [f"{name}: {why}" for name, why in wrong.items()]
    document = {"imported": len(new), "known": len(found) - len(new), "unreadable": problems}
    return (FAILED if wrong else OK), document


# Name: what does it, its operand, the flags of its own, what it is for.
ACTIONS: dict[str, tuple[Callable[[Asked], Result], str, tuple[str, ...], str]] = {
    "info": (_info, "", (), "sizes, the schema, and how many rows there are"),
    "checkpoint": (_checkpoint, "", ("--mode",), "write the log back; exit 8 when somebody is in the way"),
    "verify": (_verify, "", ("--full",), "look for damage; exit 5 when there is some"),
    "backup": (_backup, "FILE", (), "copy the database, while it may be in use"),
    "restore": (_restore, "FILE", (), "put a backup in its place; the agent must be stopped"),
    "recover": (_recover, "", (), "save what a damaged database still holds; the agent must be stopped"),
    "import": (_import, "DIR", (), "take over agentd's checkpoint files; exit 5 when one is none"),
    "export": (_export, "DIR", (), "write checkpoints as agentd's files; overwrites nothing"),
    "prune": (_prune, "", (), "forget finished runs, as the retention says"),
}
_MODES = ("passive", "full", "restart", "truncate")


def main(app: App, words: list[str], program: str, begin: Begin) -> int:
    """Do what the words after `state` say; the exit status (spec 04 §11)."""
    try:
        action, asked = _understood(words)
    except Usage as error:
        if str(error):
            tell(program, str(error))
        text = "\n".join(_help(program)) + "\n"
        if str(error):
            os.write(2, text.encode())
            return USAGE
        return print_out(text.encode(), program)
    options, operands, log = begin()
    try:
        asked.settings = Settings(operands.get("state"))
        flag = asked.state_dir or options.state_dir
        folder = folder_of(flag, operands, app.name, os.environ)
        if folder is None:
            tell(program, "no state directory is known: name it with --state-dir")
            return USAGE
        asked.folder = folder
        asked.emit = lambda level, event, fields: log.emit(level, AUDIT, event, fields)
        return _done(ACTIONS[action][0], asked, program)
    finally:
        log.close()


def _done(act: Callable[[Asked], Result], asked: Asked, program: str) -> int:
    try:
        status, document = act(asked)
    except sqlite3.Error as error:
        code = f"state_{fault_of(error, asked.folder) or UNUSABLE}"
        return _refused(StoreError(f"{asked.folder}: {error}", code), asked, program)
    except StoreError as error:
        return _refused(error, asked, program)
    shown = line(document) if asked.json else "".join(f"{each}\n" for each in _lines(document)).encode()
    return print_out(shown, program) or status


def _refused(error: StoreError, asked: Asked, program: str) -> int:
    hint = _HINTS.get(error.code)
    if asked.json:
        what: dict[str, Any] = {"code": error.code, "message": error.reason}
        print_out(line({"error": what if hint is None else {**what, "hint": hint}}), program)
    tell(program, error.reason if hint is None else f"{error.reason}; {hint}")
    return _STATUS.get(error.code, FAILED)


def _understood(words: list[str]) -> tuple[str, Asked]:
    """The action and what belongs to it; Usage, without a text when help is asked for."""
    if not words or words[0] in ("--help", "-h"):
        raise Usage("" if words else "`state` needs to know what to do")
    action, asked, operands = words[0], Asked(), list[str]()
    if action not in ACTIONS:
        raise Usage(f"unknown argument `{action}` after `state`")
    _, operand, own, _ = ACTIONS[action]
    rest = iter(words[1:])
    for word in rest:
        name, equals, text = word.partition("=") if word.startswith("--") else (word, "", "")
        if name in ("--help", "-h"):
            raise Usage("")
        if name == "--json" or (name == "--full" and name in own):
            if equals:
                raise Usage(f"`{name}` takes no value")
            setattr(asked, name[2:], True)
        elif name in ("--state-dir", "--format", "--timeout") or name in own:
            _take(asked, name, text if equals else next(rest, ""))
        elif word.startswith("-"):
            raise Usage(f"unknown argument `{name}` for `state {action}`")
        else:
            operands.append(word)
    if len(operands) != bool(operand):
        raise Usage(f"`state {action}` takes {f'one {operand}' if operand else 'no operand'}")
    asked.operand = operands[0] if operands else ""
    return action, asked


def _take(asked: Asked, name: str, text: str) -> None:
    if not text.strip():
        raise Usage(f"`{name}` requires a value")
    match name:
        case "--state-dir":
            asked.state_dir = text
        case "--format" if text in ("text", "json"):
            asked.json = text == "json"
        case "--mode" if text in _MODES:
            asked.mode = text
        case "--timeout" if text.isascii() and text.isdigit() and len(text) < 7:
            asked.timeout = float(text)
        case "--timeout":
            raise Usage("`--timeout` takes a whole number of seconds")
        case _:
            choices = ("text", "json") if name == "--format" else _MODES
            raise Usage(f"`{name}` takes {', '.join(choices[:-1])} or {choices[-1]}")


def _help(program: str) -> Iterator[str]:
    yield f"Usage: {program} state ACTION [--state-dir DIR] [--format text|json] [--timeout SECONDS]"
    yield ""
    for name, (_, operand, own, meaning) in ACTIONS.items():
        flags = "".join(f" [{each}{' MODE' if each == '--mode' else ''}]" for each in own)
        yield f"  {f'{name} {operand}'.strip() + flags:<26}{meaning}"
    yield ""
    yield f"MODE is {', '.join(_MODES[:-1])} or {_MODES[-1]}. Exit codes: 0 done, 2 usage, 3 nothing there,"
    yield "5 damaged or refused, 8 busy or locked."


def _lines(document: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """A result for people: a line for each value, names of nested ones with a dot."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _lines(value, f"{above}{name}.")
        elif isinstance(value, list):
            yield f"{above}{name}: {printable('; '.join(map(str, value))) or 'none'}"
        else:
            shown = "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            yield f"{above}{name}: {printable(shown)}"
