"""agentd's checkpoint files, into the store and out of it (spec 01 §7). Links `jsontext` and `state.rows`.

A file is one run, called `<run id>.json`. agentd's fields come first and in its order; what it loses on a resume
(loop counts, the reply) and what else a checkpoint holds follows, which agentd ignores. Fields that we do not know
are kept.
"""

from __future__ import annotations

import os

from agentdc_runtime.jsontext import Fixed, JsonError, loads, pretty
from agentdc_runtime.state import rows
from agentdc_runtime.state.copies import synced
from agentdc_runtime.state.fault import StoreError, of_system
from agentdc_runtime.state.saved import Checkpoint, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any

_ID = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_KINDS = frozenset({"manual", "http", "event"})
_JSON = {"loop_counts": list, "http_response": dict}  # columns that are JSON text, with what they must be
_TIMES = {"created_at_unix_ms": "created_at", "expires_at_unix_ms": "expires_at"}
_DIGEST = "program_sha256"
_SUFFIX = ".json"


def exported(database: sqlite3.Connection, folder: str) -> list[str]:
    """Write every checkpoint to a file of its own, and change nothing here; the names. StoreError.

    Overwrites nothing: when one of the files is there already, none is written.
    """
    found = rows.load_all(database)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for each in found:
            if os.path.exists(os.path.join(folder, each.run_id + _SUFFIX)):
                raise StoreError(f"{each.run_id}{_SUFFIX} is in {folder} already", "state_exists")
        for each in found:
            _write(folder, each.run_id + _SUFFIX, pretty(document(each)).encode("utf-8", "replace") + b"\n")
        synced(folder)
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}", f"state_{of_system(error)}") from error
    return [each.run_id + _SUFFIX for each in found]


def document(checkpoint: Checkpoint) -> Fixed:
    """A checkpoint as agentd writes it, with more behind."""
    made = Fixed(
        run_id=checkpoint.run_id,
        workflow=checkpoint.workflow,
        start_node=checkpoint.start_node,
        trigger_kind=checkpoint.trigger_kind,
        trigger_input=loads(checkpoint.trigger_input),
        node_outputs=loads(checkpoint.node_outputs),
        paused_at=checkpoint.paused_at,
        resume_node=checkpoint.resume_node,
        reason=checkpoint.reason,
        awaiting_approval=checkpoint.awaiting_approval,
    )
    for name in _JSON:
        if getattr(checkpoint, name) is not None:
            made[name] = loads(getattr(checkpoint, name))
    for name, column in _TIMES.items():
        if getattr(checkpoint, column) is not None:
            made[name] = getattr(checkpoint, column)
    if checkpoint.program is not None:
        made[_DIGEST] = checkpoint.program
    made.update({name: value for name, value in checkpoint.extra.items() if name not in made})
    return made


def _write(folder: str, name: str, data: bytes) -> None:
    """One file as a whole: written beside it, synced, renamed."""
    ready = os.path.join(folder, f".{name}.part")
    file = os.open(ready, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(file, "wb") as out:
        out.write(data)
    synced(ready)
    os.rename(ready, os.path.join(folder, name))


class Unreadable(Exception):
    """A file that is no checkpoint; the message says why."""


def read_all(folder: str, now: int) -> tuple[list[Checkpoint], dict[str, str]]:
    """Every checkpoint in a folder by run id, and what is wrong with files that are none. StoreError."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(_SUFFIX))
    except OSError as error:
        kind = "state_not_found" if isinstance(error, FileNotFoundError) else f"state_{of_system(error)}"
        raise StoreError(f"{folder}: {error.strerror}", kind) from error
    found, wrong = [], {}
    for name in names:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                found.append(read(name, file.read().decode(), now))
        except OSError as error:
            wrong[name] = error.strerror or "unreadable"
        except UnicodeDecodeError:
            wrong[name] = "no UTF-8"
        except (JsonError, Unreadable) as error:
            wrong[name] = str(error)
    return found, wrong


def read(name: str, text: str, now: int) -> Checkpoint:
    """The checkpoint in a file; Unreadable, JsonError. `now`: when it was made, if it does not say."""
    value = loads(text)
    if not isinstance(value, dict):
        raise Unreadable("it is no JSON object")
    made = Checkpoint(created_at=now, extra={})
    for field in ("run_id", "workflow", "start_node", "trigger_kind", "paused_at"):
        setattr(made, field, _take(value, field, str))
    for field in ("resume_node", "reason"):
        setattr(made, field, _take(value, field, str, None))
    made.awaiting_approval = _take(value, "awaiting_approval", bool, True)
    made.trigger_input = text_of(value.pop("trigger_input", None))
    made.node_outputs = text_of(_take(value, "node_outputs", dict))
    for field, kind in _JSON.items():
        if field in value:
            setattr(made, field, text_of(_take(value, field, kind)))
    for field, column in _TIMES.items():
        if field in value:
            setattr(made, column, _take(value, field, int))
    made.program = _take(value, _DIGEST, str, None)
    made.extra = value
    _check(made, name)
    return made


_NEEDED: Any = object()


def _take(value: dict[str, Any], field: str, kind: type, missing: Any = _NEEDED) -> Any:
    """A field, taken out; `missing` where it is not there or null."""
    found = value.pop(field, None)
    if found is None and missing is not _NEEDED:
        return missing
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise Unreadable(f"its {field} is missing or of the wrong kind")
    return found


def _check(made: Checkpoint, name: str) -> None:
    if not set(made.run_id) <= _ID or made.run_id.startswith(".") or f"{made.run_id}{_SUFFIX}" != name:
        raise Unreadable("its run_id is not the name of the file")
    if made.trigger_kind not in _KINDS:
        raise Unreadable(f"its trigger_kind is none of {', '.join(sorted(_KINDS))}")


def imported(database: sqlite3.Connection, found: list[Checkpoint]) -> list[str]:
    """Store checkpoints, inside a transaction; the ids of those that were new. What is here already stays."""
    new = [each for each in found if rows.load(database, each.run_id) is None]
    for each in new:
        rows.save(database, each)
    return [each.run_id for each in new]
