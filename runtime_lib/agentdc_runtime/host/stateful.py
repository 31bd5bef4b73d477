"""What an app with a state store does beside its modes: opening the store, going on with runs.

Imports nothing by itself: each part, and the database behind it, is loaded when it is asked for, so that a start
without a state directory pays for none.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.host.app import App
    from agentdc_runtime.host.flags import Options
    from agentdc_runtime.host.recovery import Recovery
    from agentdc_runtime.host.start import Started
    from agentdc_runtime.http.runs import Runs
    from agentdc_runtime.state.keeper import Keeper
    from agentdc_runtime.state.store import Store


def opened(started: Started) -> Keeper | None:
    """The keeper of this process's runs, None without a state directory; StoreError."""
    if started.options.state_dir is None and started.operands.get("state") is None:
        return None
    from agentdc_runtime.host.keeping import needed_folder, open_keeper

    return open_keeper(started, needed_folder(started, "--state-dir"))


def keep(started: Started, store: Store) -> Keeper:
    """The keeper of a process that serves, with the store that is open already."""
    from agentdc_runtime.host import keeping

    return keeping.keep(started, store, serving=True)


def list_checkpoints(app: App, options: Options, program: str) -> int:
    """`--list-checkpoints`; the exit status."""
    from agentdc_runtime.host.resume import list_checkpoints

    return list_checkpoints(app, options, program)


def resume(started: Started) -> int:
    """`--resume` and `--resume-incomplete`; the exit status."""
    from agentdc_runtime.host.resume import resume, resume_incomplete

    if started.options.resume is not None:
        return resume(started, started.options.resume)
    return resume_incomplete(started)


def recovery(started: Started, runs: Runs, keeper: Keeper) -> Recovery:
    """What goes on with runs in a process that serves."""
    from agentdc_runtime.host.recovery import Recovery

    return Recovery(started, runs, keeper, started.options.recover or "auto")
