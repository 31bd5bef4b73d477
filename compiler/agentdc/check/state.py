"""The settings of `[state]` against one another (spec 04 §4.1); what each may be by itself is the model's."""

from __future__ import annotations

from collections.abc import Iterator

from agentdc.check import errors
from agentdc.diagnostics import Diagnostic
from agentdc.model.extensions import State
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

LEAST_RESERVE = (
    5  # MB: SQLite checkpoints by itself at 1,000 pages of 4 KiB, and a page has a frame around it
)


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """What cannot be done, and what does nothing or too little."""
    state = workflow.state
    if state is None:
        return
    if state.backend != "sqlite":
        yield errors.state_files_backend(at.value(("state", "backend")))
    for key, needs, helped in _idle(state, relay=workflow.relay is not None):
        yield errors.state_setting_idle(key, needs, helped, at.key(("state", key)))
    if 0 < state.reserve_mb < LEAST_RESERVE:
        yield errors.state_small_reserve(state.reserve_mb, LEAST_RESERVE, at.value(("state", "reserve_mb")))


def _idle(state: State, *, relay: bool) -> Iterator[tuple[str, str, str]]:
    """Key, reason and help for each setting that is written down in vain."""
    written = state.model_fields_set
    if "max_event_rows" in written and not relay:
        yield "max_event_rows", "events are kept for [relay] only", "remove the key, or declare [relay]"
    if state.backup_dir is not None and not state.backup_interval_secs:
        helped = "set backup_interval_secs; `state backup FILE` of the built app works without both"
        yield "backup_dir", "no backup is ever due", helped
    if state.backup_interval_secs and state.backup_dir is None:
        yield "backup_interval_secs", "there is no place for backups", "set backup_dir"
