"""`<app> runs …`: the history of runs (spec 04 §4.2). Links the store."""

from __future__ import annotations

import time

from agentdc_runtime.host.asking import Asked, ask
from agentdc_runtime.host.console import OK, line, print_out
from agentdc_runtime.host.words import Action, Usage
from agentdc_runtime.jsontext import compact
from agentdc_runtime.state import history, past, rows
from agentdc_runtime.state.decisions import Refused
from agentdc_runtime.state.keeper import now_ms
from agentdc_runtime.state.past import Filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentdc_runtime.host.app import App
    from agentdc_runtime.host.verbs import Begin
    from agentdc_runtime.jsontext import Fixed

_FILTERS = {
    "--status": "STATUS",
    "--workflow": "NAME",
    "--start": "NAME",
    "--since": "TIME",
    "--until": "TIME",
    "--limit": "N",
}
ACTIONS = {
    "list": Action("", _FILTERS, "the newest runs; 20 unless told"),
    "show": Action("RUN-ID", {}, "one run with every node that it passed"),
    "export": Action("", _FILTERS, "runs with their nodes, one JSON object per line, oldest first"),
    "prune": Action(
        "",
        {"--older-than": "DAYS", "--status": "STATUS", "--keep": "N"},
        "forget finished runs: those that ended so long ago, or all but the newest N",
    ),
}
_DAY_MS = 86_400_000
_LISTED = 20
_PAGE = 200  # runs that are read at once


def main(app: App, words: list[str], program: str, begin: Begin) -> int:
    """Do what the words after `runs` say; the exit status."""
    work: dict[str, Callable[[Asked], int]] = {
        "list": _list,
        "show": _show,
        "export": _export,
        "prune": _prune,
    }
    return ask(app, words, program, begin, "runs", ACTIONS, lambda asked: _work(asked, work))


def _work(asked: Asked, work: Mapping[str, Callable[[Asked], int]]) -> int:
    asked.store.write_now(lambda database: history.sweep(database, rows.is_over, now_ms()))
    return work[asked.words.action](asked)


def _filter(asked: Asked) -> Filter:
    flags = asked.words.flags
    status = flags.get("--status")
    if status is not None and status not in past.STATUSES:
        raise Usage(f"`--status` takes {', '.join(past.STATUSES)}")
    return Filter(
        status=status,
        workflow=flags.get("--workflow"),
        start=flags.get("--start"),
        since=_moment(flags.get("--since"), "--since"),
        until=_moment(flags.get("--until"), "--until"),
    )


def _moment(text: str | None, flag: str) -> int | None:
    """A time as milliseconds: a date, a date with a time (UTC), or an age such as 90m, 12h, 7d."""
    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    if text[:-1].isascii() and text[:-1].isdigit() and text[-1] in units and len(text) < 12:
        return int((time.time() - int(text[:-1]) * units[text[-1]]) * 1000)
    import calendar

    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return calendar.timegm(time.strptime(text, form)) * 1000
        except ValueError:
            continue
    raise Usage(f"`{flag}` takes a time such as 2030-01-31, 2030-01-31T12:00:00Z, 90m, 12h or 7d")


def _list(asked: Asked) -> int:
    most = asked.words.number("--limit") or _LISTED
    chosen = _filter(asked)
    with asked.store.reading() as reader:
        found = past.newest(reader, chosen, most)
    return asked.say({"runs": found}, [_line(each) for each in found] or ["no runs"])


def _line(run: Fixed) -> str:
    took = "" if run["elapsed_ms"] is None else f"  {run['elapsed_ms']} ms"
    last = "" if run["last_node"] is None else f"  last={run['last_node']}"
    return f"{run['run_id']}  {run['status']:<11}  {run['started_at']}  start={run['start_node']}{last}{took}"


def _show(asked: Asked) -> int:
    with asked.store.reading() as reader:
        found = past.one(reader, asked.words.operand)
    if found is None:
        raise Refused("unknown", f"no run {asked.words.operand} in the history")
    return print_out(line(found), asked.program)


def _export(asked: Asked) -> int:
    """In pages, each with a snapshot of its own: a long export must not hold back the checkpoint of the log."""
    chosen, left = _filter(asked), asked.words.number("--limit")
    after: tuple[int, str] = (-1, "")
    while left is None or left > 0:
        most = _PAGE if left is None else min(_PAGE, left)
        with asked.store.reading() as reader:
            page, after = past.page(reader, chosen, after, most)
        text = "".join(f"{compact(each)}\n" for each in page)
        status = print_out(text.encode("utf-8", "replace"), asked.program)
        if status or len(page) < most:
            return status
        left = None if left is None else left - len(page)
    return OK


def _prune(asked: Asked) -> int:
    days, keep = asked.words.number("--older-than"), asked.words.number("--keep")
    status = asked.words.flags.get("--status")
    if days is None and keep is None and status is None:
        raise Usage("`runs prune` needs --older-than, --keep or --status: say what to forget")
    if status is not None and status not in past.FINISHED:
        raise Usage(f"`--status` takes {', '.join(past.FINISHED)}")
    before = int(time.time() * 1000) - (days or 0) * _DAY_MS if days is not None else None
    total = 0
    while True:
        gone = asked.store.write_now(lambda database: past.forget(database, before, status, keep))
        total += gone
        if not gone:
            break
    return asked.say({"pruned": total}, [f"{total} runs forgotten"])
