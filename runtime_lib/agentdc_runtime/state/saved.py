"""A run on its way, as a record: what it takes to go on with it in another process (spec 01 §7). Links `jsontext`.

The columns are agentd's checkpoint fields one to one, with what agentd loses behind them. Values are JSON text, so
that writing a checkpoint again does not mean to read it first.
"""

from __future__ import annotations

from agentdc_runtime.jsontext import compact, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from agentdc_runtime.core.run import Json, Run

COLUMNS = (
    "run_id",
    "workflow",
    "start_node",
    "trigger_kind",
    "trigger_input",
    "node_outputs",
    "paused_at",
    "resume_node",
    "reason",
    "awaiting_approval",
    "created_at",
    "program",
    "loop_counts",
    "http_response",
    "expires_at",
    "extra",
)


class Checkpoint:
    """One row.

    `trigger_input`, `node_outputs`, `loop_counts`, `http_response`: JSON text, the last two None when there is
    nothing. `awaiting_approval`: it paused; else it was on its way. `created_at`, `expires_at`: milliseconds, UTC.
    `program`: digest of the program that wrote it. `extra`: further members: ours, and those of imported files.
    """

    __slots__ = COLUMNS

    run_id: str
    workflow: str
    start_node: str
    trigger_kind: str
    trigger_input: str
    node_outputs: str
    paused_at: str
    resume_node: str | None
    reason: str | None
    awaiting_approval: bool
    created_at: int
    program: str | None
    loop_counts: str | None
    http_response: str | None
    expires_at: int | None
    extra: dict[str, Any]

    def __init__(self, **values: Any) -> None:
        for name in COLUMNS:
            setattr(self, name, values.get(name))

    def row(self) -> tuple[Any, ...]:
        """Its columns, as SQLite takes them."""
        values = [getattr(self, name) for name in COLUMNS[:-1]]
        return (*values, text_of(self.extra) if self.extra else None)


def from_row(row: Sequence[Any]) -> Checkpoint:
    """The record of a row of `COLUMNS`."""
    found = Checkpoint(**dict(zip(COLUMNS, row, strict=True)))
    found.awaiting_approval = bool(found.awaiting_approval)
    found.extra = loads(row[-1]) if row[-1] else {}
    return found


def of_run(run: Run, program: str, now: int, outputs: str) -> Checkpoint:
    """The checkpoint of a run before it is said where it stands. `outputs`: all of them, as JSON."""
    return Checkpoint(
        run_id=run.id,
        workflow=run.workflow,
        start_node=run.start,
        trigger_kind=run.kind,
        trigger_input=text_of(run.input),
        node_outputs=outputs,
        paused_at=run.last_node or "",
        awaiting_approval=False,
        created_at=now,
        program=program,
        loop_counts=compact(run.loops) if run.loops else None,
        http_response=None if run.response is None else text_of(run.response),
        extra={"dry_run": True} if run.dry_run else {},
    )


class Outputs:
    """All outputs of a run as the text of one JSON object, kept up to date from its trace."""

    __slots__ = ("_run", "_seen", "_texts")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._seen = 0
        self._texts = {head: text_of(value) for head, value in run.outputs.items()}

    def text(self) -> str:
        """With every node that has run so far; each output is spelled once."""
        for node, _, output, _ in self._run.trace[self._seen :]:
            if node.kind not in {"fail", "pause_for_approval"}:
                self._texts[node.id] = text_of(output)
        self._seen = len(self._run.trace)
        return "{" + ",".join(f"{compact(head)}:{text}" for head, text in self._texts.items()) + "}"


def text_of(value: Json) -> str:
    """JSON text that SQLite can hold: what is not Unicode becomes a replacement character."""
    text = compact(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
