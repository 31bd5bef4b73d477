"""`--resume`, `--resume-incomplete` and `--list-checkpoints` (spec 01 §7, spec 03 §1.11). Links the state store."""

from __future__ import annotations

import os
from time import monotonic

from agentdc_runtime.errors import AgentError, WorkflowError
from agentdc_runtime.host.console import FAILED, OK, USAGE, Refusal, print_out, tell
from agentdc_runtime.host.keeping import needed_folder, open_keeper
from agentdc_runtime.host.once import perform
from agentdc_runtime.host.start import read_operands
from agentdc_runtime.observe.lines import printable
from agentdc_runtime.state import decisions, rows
from agentdc_runtime.state.decisions import Refused
from agentdc_runtime.state.place import NAME
from agentdc_runtime.state.resuming import ending_of, restored, taking
from agentdc_runtime.state.settings import folder_of
from agentdc_runtime.state.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.host.app import App
    from agentdc_runtime.host.flags import Options
    from agentdc_runtime.host.start import Started
    from agentdc_runtime.state.keeper import Keeper
    from agentdc_runtime.state.resuming import Claim
    from agentdc_runtime.state.saved import Checkpoint


def list_checkpoints(app: App, options: Options, program: str) -> int:
    """One line per checkpoint, of any workflow."""
    operands = {} if options.state_dir is not None else read_operands(app)
    folder = folder_of(options.state_dir, operands, app.name, os.environ)
    if folder is None:
        raise Refusal("`--list-checkpoints` needs a state directory; pass --state-dir", USAGE)
    found: list[Checkpoint] = []
    if os.path.exists(os.path.join(folder, NAME)):
        store = Store(folder, lambda _level, _event, _fields: None)
        try:
            found = store.write_now(rows.load_all)
        finally:
            store.close()
    lines = [_line(each) for each in found] or [f"no checkpoints in {folder}"]
    return print_out("".join(f"{printable(each)}\n" for each in lines).encode(), program)


def _line(checkpoint: Checkpoint) -> str:
    kind = "paused" if checkpoint.awaiting_approval else "recoverable"
    where = "-" if checkpoint.resume_node is None else checkpoint.resume_node
    return f"{checkpoint.run_id}  {kind:<11}  workflow={checkpoint.workflow}  resume_node={where}"


def resume(started: Started, run_id: str) -> int:
    """Go on with one run; the exit status of its outcome."""
    keeper = open_keeper(started, needed_folder(started, "--resume"))
    try:
        return go_on(started, keeper, run_id)
    except Refused as refused:
        raise _refusal(started, refused) from None
    finally:
        keeper.close()


def resume_incomplete(started: Started) -> int:
    """Go on with every run that a process left on its way; the last exit status that is not 0."""
    keeper = open_keeper(started, needed_folder(started, "--resume-incomplete"))
    try:
        found = [
            each.run_id
            for each in keeper.store.write_now(lambda database: rows.load_all(database, keeper.workflow))
            if not each.awaiting_approval
        ]
        status = OK
        for run_id in found:
            tell(started.program, f"resuming {run_id}")
            try:
                status = go_on(started, keeper, run_id, recorded=False) or status
            except Refused as refused:
                if refused.kind != "running":
                    status = FAILED
                tell(started.program, refused.message)
        if not found:
            tell(started.program, f"no incomplete runs of workflow `{keeper.workflow}`")
        return status
    finally:
        keeper.close()


def go_on(started: Started, keeper: Keeper, run_id: str, *, recorded: bool = True) -> int:
    """Take a run and walk on; its exit status, or Refused."""
    try:
        claimed: Claim = keeper.store.write_now(taking(keeper, run_id))
        run, block = restored(keeper, claimed, monotonic() + started.run_time())
    except ValueError as error:
        raise Refused("unknown", f"the checkpoint {run_id} cannot be read: {error}") from error
    except AgentError as error:
        raise Refused("store", error.display) from error
    keeper.warn_of_change(claimed.checkpoint)
    if claimed.expired and claimed.decision is not None:
        decisions.tell(keeper.process.emit, claimed.decision, ends=False)
    ending = ending_of(claimed) if block is None or claimed.expired else None
    return perform(started, run, block, ending, recorded=recorded)


def _refusal(started: Started, refused: Refused) -> Refusal:
    if refused.kind == "unknown":
        return Refusal(refused.message, USAGE)
    if refused.kind == "workflow":
        return Refusal(WorkflowError(started.app.name, refused.message).display, FAILED)
    return Refusal(refused.message, FAILED)
