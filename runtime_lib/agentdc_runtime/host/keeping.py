"""Opens the state store of an app. Links it."""

from __future__ import annotations

import os

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.host.console import USAGE, Refusal
from agentdc_runtime.http.reply import outcome_reply
from agentdc_runtime.state.keeper import Keeper
from agentdc_runtime.state.settings import folder_of
from agentdc_runtime.state.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.host.start import Started


def folder(started: Started) -> str | None:
    """The state directory of this process: as flags say, or as the workflow does."""
    return folder_of(started.options.state_dir, started.operands, started.app.name, os.environ)


def needed_folder(started: Started, what: str) -> str:
    """The state directory, which `what` cannot do without."""
    found = folder(started)
    if found is None:
        raise Refusal(f"`{what}` needs a state directory; pass --state-dir", USAGE)
    return found


def open_keeper(started: Started, place: str) -> Keeper:
    """The keeper of a process that does not serve, with a store of its own; StoreError."""
    return keep(started, Store(place, started.process.emit, started.operands.get("state")), serving=False)


def keep(started: Started, store: Store, *, serving: bool) -> Keeper:
    """The keeper of this process's runs in an open store."""
    app, operands = started.app, started.operands
    if app.stepwise is None:
        raise ConfigError("this app was built without a state store")
    settings = operands.get("state") or {}
    keeper = Keeper(
        store,
        started.process,
        app.stepwise,
        outcome_reply,
        workflow=app.name,
        program=operands["program_sha256"],
        each_node=started.options.checkpoint_each_node,
        history=bool(settings.get("history")),
        serving=serving,
    )
    started.process.keeper = keeper
    started.process.spread_ids()
    return keeper
