"""Why a run cannot go on in another version, or does so with something to know: one function per reason.

What an app says itself when it refuses a checkpoint is worded in `agentdc_runtime.state.fitting`; a test holds the
two together.
"""

from __future__ import annotations


def no_node(node: str) -> str:
    """The node where it stands is gone."""
    return f"it stands before node `{node}`, which this build of the workflow does not have"


def keeps_nothing() -> str:
    """An app without a state store has no `--resume`."""
    return "this version keeps no runs: it has no [state], no pause and no idempotency key"


def other_workflow(old: str, new: str) -> str:
    """Checkpoints belong to a workflow by its name."""
    return f"it is a run of workflow `{old}`, and this is workflow `{new}`"


def not_stored(node: str, path: str, head: str) -> str:
    """Nothing is there to read."""
    return f"node `{node}` reads `{path}`, and no output of `{head}` is stored"


def no_key(node: str, path: str, head: str) -> str:
    """An output is there, of another shape."""
    return f"node `{node}` reads `{path}`, and what is stored of `{head}` does not have it"


def wrong_kind(node: str, path: str, needed: str, held: str) -> str:
    """A value is there, of another kind."""
    return f"node `{node}` needs {needed} at `{path}`, and {held} is stored there"


def may_lack(node: str, path: str) -> str:
    """Some runs have it, some do not."""
    return f"node `{node}` reads `{path}`, which not every run has stored"


def may_be_wrong(node: str, path: str, needed: str) -> str:
    """Some runs have the right kind."""
    return f"node `{node}` needs {needed} at `{path}`, where some runs have stored something else"


def changed(node: str, path: str, before: str, now: str) -> str:
    """A reader that takes anything gets something else than in a new run."""
    return f"node `{node}` reads `{path}`, where {before} is stored and a new run has {now}"


def placeholder(node: str, key: str) -> str:
    """A template with a key that the stored data lacks."""
    return f"the placeholder {{{{{key}}}}} of node `{node}` stays as it is: what is stored does not have it"


def kind_changed(node: str, before: str, now: str) -> str:
    """The node of this name is another one."""
    return f"node `{node}` was {before} and is {now} now"


def passed_by(after: str, following: str, resume: str) -> str:
    """The new version put something between."""
    return f"after `{after}` a new run comes to `{following}`; this one goes on at `{resume}`"


def ends_early(after: str, following: str) -> str:
    """The run was at its end."""
    return f"after `{after}` a new run comes to `{following}`; this one ends"


def no_longer_follows(after: str, resume: str) -> str:
    """The edge that was taken is gone."""
    return f"`{resume}` no longer follows `{after}`; the run goes on there all the same"


def no_pause(node: str) -> str:
    """What was asked for is not asked for any more."""
    return f"`{node}` no longer asks for approval; this run still waits for it"


def loops() -> str:
    """Counts of loop edges are stored by number."""
    return "the loop edges are others now: how often each was followed is not kept"
