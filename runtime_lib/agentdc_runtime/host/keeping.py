"""Opens the state store of an app. Links it."""

from __future__ import annotations

import os

from agentdc_runtime.errors import ConfigError
from agentdc_runtime.state.keeper import Keeper
from agentdc_runtime.state.store import NAME, Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.host.start import Started


def open_keeper(started: Started, folder: str, *, serving: bool) -> Keeper:
    """The keeper of this process's runs; StoreError."""
    app, operands = started.app, started.operands
    if app.stepwise is None:
        raise ConfigError("this app was built without a state store")
    settings = operands.get("state") or {}
    keeper = Keeper(
        Store(folder, started.process.emit),
        started.process,
        app.stepwise,
        path=os.path.join(folder, NAME),
        workflow=app.name,
        program=operands["program_sha256"],
        each_node=started.options.checkpoint_each_node,
        history=bool(settings.get("history")),
        serving=serving,
    )
    started.process.keeper = keeper
    return keeper
