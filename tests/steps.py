"""A workflow whose nodes leave a line each outside the app, so that what ran twice can be counted.

It begins by hand, and pauses; or with a request that has a key. A node that finds the file `arm-NAME` after its
effect turns it into `armed`: so an app of `killing.mortal` dies behind that node and not before.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

SHELL = '[[nodes]]\nid = "{id}"\ntype = "shell_run"\ncommand = "/bin/sh"\nargs_from = "trigger.{path}"\n'
EDGE = '[[edges]]\nfrom = "{}"\nto = "{}"\n'
STEPS = "\n".join(
    [
        'name = "steps"',
        '[[start_nodes]]\nname = "go"\nsource = "manual"\nentry_node = "one"',
        '[[start_nodes]]\nname = "hook"\nsource = "http"\nentry_node = "first"',
        '[[http_routes]]\nmethod = "POST"\npath = "/once"\nstart_node = "hook"\nidempotency_key = "id"',
        '[policy.shell]\ncommands = ["*"]',
        "[state]\nhistory = true\nreserve_mb = 1\ncheckpoint_interval_secs = 1",
        '[check]\nallow = ["unhandled_error_branch", "policy_may_deny", "shared_idempotency_key"]',
        SHELL.format(id="one", path="one"),
        SHELL.format(id="two", path="two"),
        '[[nodes]]\nid = "ask"\ntype = "pause_for_approval"\n',
        SHELL.format(id="three", path="three"),
        SHELL.format(id="first", path="one"),
        SHELL.format(id="second", path="two"),
        '[[nodes]]\nid = "done"\ntype = "respond"\nstatus = 201\ninput_from = "second"\nbody_template = "{{stdout}}"',
        *(EDGE.format(*each) for each in (("one", "two"), ("two", "ask"), ("ask", "three"))),
        *(EDGE.format(*each) for each in (("first", "second"), ("second", "done"))),
    ]
)


def effect(key: str, name: str) -> list[str]:
    """Arguments of a shell: a line for this node of this key, and the number of all lines as its output."""
    line = f"echo {key}.{name} >> effects.txt; wc -l < effects.txt"
    return ["-c", f"{line}; if [ -e arm-{name} ]; then mv arm-{name} armed; fi"]


def asking(key: str) -> str:
    """What a run is given."""
    return json.dumps({"id": key, **{name: effect(key, name) for name in ("one", "two", "three")}})


def effects(folder: Path) -> list[tuple[str, str]]:
    """Every effect that there was, in order: key and node."""
    path = folder / "effects.txt"
    lines = path.read_text().split() if path.exists() else []
    return [(key, name) for key, _, name in (line.partition(".") for line in lines)]


def counted(folder: Path) -> tuple[int, int, int]:
    """How often each node had its effect."""
    found = Counter(name for _, name in effects(folder))
    return found["one"], found["two"], found["three"]
