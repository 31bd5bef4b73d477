"""operands: 4 nodes in 1 block.

Compiled from workflow.toml (SHA-256 4180d0c02a2f68b3fa4e795c993595464d5522192eeb3ee0dcc1e31dd8c41715)
by agentdc 0.1.0. Change the workflow and build again, rather than this file.
"""

from __future__ import annotations

from time import monotonic as clock
from agentdc_runtime.core.run import Node, Program
from agentdc_runtime.nodes import create_dir, read_env, read_file, write_file
from agentdc_runtime.values import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Json, Next, Run

ABI = 1
FILE = "workflow.toml"

HOME = Node("home", "read_env", FILE, 19)
LOAD = Node("load", "read_file", FILE, 24)
FOLDER = Node("folder", "create_dir", FILE, 29)
STORE = Node("store", "write_file", FILE, 34)


def from_home(run: Run) -> Next:
    """From home: 4 nodes."""
    trace = run.trace
    now = clock()

    # workflow.toml:19 · home (read_env)
    if now >= run.deadline:
        return run.overdue()
    run.node = HOME
    home = read_env.run(run, key="HOME")
    then, now = now, clock()
    trace.append((HOME, None, home, now - then))

    # workflow.toml:24 · load (read_file)
    if now >= run.deadline:
        return run.overdue()
    run.node = LOAD
    load = read_file.run(
        run, path=need(run.outputs["trigger"], ("path",), "read_file", "trigger.path")
    )
    then, now = now, clock()
    trace.append((LOAD, None, load, now - then))

    # workflow.toml:29 · folder (create_dir)
    if now >= run.deadline:
        return run.overdue()
    run.node = FOLDER
    folder = create_dir.run(
        run, path=need(run.outputs["trigger"], ("folder",), "create_dir", "trigger.folder")
    )
    then, now = now, clock()
    trace.append((FOLDER, None, folder, now - then))

    # workflow.toml:34 · store (write_file)
    if now >= run.deadline:
        return run.overdue()
    run.node = STORE
    store = write_file.run(
        run,
        path=need(run.outputs["trigger"], ("target",), "write_file", "trigger.target"),
        content=lambda: need(load, ("content",), "write_file", "load.content"),
    )
    then, now = now, clock()
    trace.append((STORE, None, store, now - then))
    return run.complete(store)


PROGRAM = Program(
    "operands",
    {
        "go": ("manual", from_home),
    },
    0,
)
