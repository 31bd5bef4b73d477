"""Apps that kill themselves at a named moment, and a load under which an app is killed at any moment.

Nothing of this is in an app: a small script patches the named point and then runs the app as it was built. Points:

    commit:NAME:before    the transaction with the work NAME (a function's name) is about to be committed
    commit:NAME:after     it is committed, and nobody has heard of it
    call:MODULE:NAME:before, :after    a function or method is about to be called, or has returned

`python tests/killing.py --kills 300` is the long form of the random half (`make soak`): it prints the figures.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import steps
from command import environment, make
from serving import LISTENING, READY_SECONDS, Answer, Server, start, until

_MORTAL = """
import functools, importlib, inspect, os, runpy, signal, sys, threading
app, point, armed = sys.argv[1:4]
sys.argv[:] = [app, *sys.argv[4:]]
sys.path.insert(0, app)
kind, *names, moment = point.split(":")

def die(when):
    if when == moment and os.path.exists(armed):
        os.kill(os.getpid(), signal.SIGKILL)

def patched(owner, name):
    real = getattr(owner, name)
    if inspect.iscoroutinefunction(real):
        @functools.wraps(real)
        async def wrapper(*values, **more):
            die("before")
            found = await real(*values, **more)
            die("after")
            return found
    else:
        @functools.wraps(real)
        def wrapper(*values, **more):
            die("before")
            found = real(*values, **more)
            die("after")
            return found
    setattr(owner, name, wrapper)

if kind == "commit":
    from agentdc_runtime.state.store import Store
    here = threading.local()
    attempt, commit = Store._attempt, Store._commit
    def remembering(self, jobs):
        works = [getattr(job.work, "func", job.work) for job in jobs]
        here.ours = any(work.__name__ == names[0] for work in works)
        return attempt(self, jobs)
    def mortal(self, connection):
        if here.ours:
            die("before")
        commit(self, connection)
        if here.ours:
            die("after")
    Store._attempt, Store._commit = remembering, mortal
else:
    owner = importlib.import_module(names[0])
    *path, last = names[1].split(".")
    for each in path:
        owner = getattr(owner, each)
    patched(owner, last)
runpy.run_path(app, run_name="__main__")
"""


def listening(server: Server) -> Server:
    """The same, once it listens."""
    until(lambda: LISTENING.search(server.said) or server.process.poll() is not None, READY_SECONDS)
    found = LISTENING.search(server.said)
    assert found is not None, server.said
    server.port = int(found[3])
    return server


def mortal(built: Path, folder: Path, point: str, *words: str) -> Server:
    """An app that has been started, and dies at a point while the file `armed` is in its folder."""
    script = folder / "mortal.py"
    script.write_text(_MORTAL)
    errors = folder / "stderr.txt"
    command = [sys.executable, "-I", str(script), str(built), point, str(folder / "armed")]
    with errors.open("wb") as file:
        process = subprocess.Popen(
            [*command, *words],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
    return Server(process, errors, folder=folder)


def killed_early(built: Path, folder: Path, point: str, *words: str, armed: bool = True) -> None:
    """Start an app, to serve or with a verb, that dies at a point before it is done or listens.

    Without `armed` something in its run makes that file.
    """
    if armed:
        (folder / "armed").touch()
    server = mortal(built, folder, point, *words)
    status = server.process.wait(20)
    (folder / "armed").unlink()
    assert status == -signal.SIGKILL, f"{point} was never reached: {server.said}"


def killed_at(
    built: Path, folder: Path, point: str, body: str, *flags: str, path: str = "/once", armed: bool = True
) -> None:
    """Send one request to an app that dies at a point before it can answer; `armed`: see `killed_early`."""
    server = listening(mortal(built, folder, point, "--bind", "127.0.0.1:0", *flags))
    if armed:
        (folder / "armed").touch()
    try:
        answer = server.ask("POST", path, body)
    except (OSError, http.client.HTTPException):
        answer = None
    finally:
        if server.process.poll() is None and answer is not None:
            server.process.kill()
        status = server.process.wait(20)
    (folder / "armed").unlink()
    assert answer is None, f"{point} was never reached"
    assert status == -signal.SIGKILL


def integrity(state: Path, folder: Path) -> str:
    """What SQLite says of the files as they are; of a copy, so that the app has to recover the real ones itself."""
    copy = folder / "looked-at"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for each in state.glob("state.db*"):
        if each.is_file():
            shutil.copyfile(each, copy / each.name)
    database = sqlite3.connect(copy / "state.db")
    try:
        return str(database.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        database.close()


# A load of idempotent requests, each with an effect outside the app: a line with its key in a file.

LOAD = """\
name = "load"
[[start_nodes]]
name = "go"
source = "http"
entry_node = "effect"
[[nodes]]
id = "effect"
type = "shell_run"
command = "/bin/sh"
args_from = "trigger.args"
[[nodes]]
id = "done"
type = "respond"
status = 201
body_template = "{{stdout}}"
input_from = "effect"
[[edges]]
from = "effect"
to = "done"
[[http_routes]]
method = "POST"
path = "/once"
start_node = "go"
idempotency_key = "id"
[policy.shell]
commands = ["*"]
[state]
reserve_mb = 1
checkpoint_interval_secs = 1
[check]
allow = ["unhandled_error_branch"]
"""


def asking(key: str) -> str:
    """The body of a request; it is answered with the number of its effect among all."""
    return json.dumps({"id": key, "args": ["-c", f"echo {key} >> effects.txt; wc -l < effects.txt"]})


@dataclass(slots=True)
class Figures:
    """What came of a load. `lost`: answers that were given and are not given again.

    `finished_nodes_run_again`: counted where there is a checkpoint after each node.
    """

    kills: int = 0
    answered: int = 0
    lost: int = 0
    damaged: int = 0
    missing_effects: int = 0
    repeated_without_cause: int = 0
    repeated_after_a_kill: int = 0
    finished_nodes_run_again: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class _Load:
    """Callers that repeat each request until it is answered. `failed`: keys of which an attempt was cut off."""

    asking: Callable[[str], str]
    server: Server | None = None
    over: bool = False
    answers: dict[str, bytes] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def call(self, part: int) -> None:
        number = 0
        while not self.over:
            key = f"{part}-{number}"
            answer = self._answered(key)
            if answer is None:
                return
            assert answer.status == 201, answer
            self.answers[key] = answer.body
            number += 1

    def _answered(self, key: str) -> Answer | None:
        while not self.over:
            server = self.server
            if server is None:
                time.sleep(0.002)
                continue
            try:
                answer = server.ask("POST", "/once", self.asking(key))
            except ConnectionRefusedError:
                time.sleep(0.002)
            except (OSError, http.client.HTTPException):
                self.failed.add(key)
            else:
                if answer.status != 409:
                    return answer
                time.sleep(0.005)
        return None


def random_kills(
    folder: Path, kills: int, seed: int, *, stepwise: bool = False, callers: int = 4, longest: float = 0.4
) -> Figures:
    """Kill an app under load so many times, each after a random time; then ask for everything again.

    `stepwise`: with two effects in each run, and a checkpoint after each node.
    """
    built = make(steps.STEPS if stepwise else LOAD, folder / "built")
    flags = ("--state-dir", "state", *(("--checkpoint-each-node",) if stepwise else ()))
    load = _Load(steps.asking if stepwise else asking)
    chance, figures, began = random.Random(seed), Figures(), time.monotonic()
    threads = [threading.Thread(target=load.call, args=(part,)) for part in range(callers)]
    for each in threads:
        each.start()
    try:
        for number in range(kills):
            server = start(built, folder, *flags)
            if number % 5:  # every fifth is killed while it starts
                load.server = listening(server)
            time.sleep(chance.uniform(0, longest))
            server.process.kill()
            server.process.wait()
            load.server = None
            figures.kills += 1
            figures.damaged += integrity(folder / "state", folder) != "ok"
    finally:
        load.over = True
        for each in threads:
            each.join()
    _judge(load, listening(start(built, folder, *flags)), figures)
    figures.seconds = round(time.monotonic() - began, 1)
    return figures


def _judge(load: _Load, server: Server, figures: Figures) -> None:
    """Every answer is given again, byte for byte, and its effect is there; twice only where an attempt was cut."""
    try:
        for key, body in load.answers.items():
            again = server.ask("POST", "/once", load.asking(key))
            replayed = again.headers.get("x-agentd-idempotent-replay") == "true"
            figures.lost += not replayed or again.body != body
    finally:
        server.end()
    lines = (server.folder / "effects.txt").read_text().split()
    effects = Counter(lines)
    nodes = {line.partition(".")[2] for line in lines}
    figures.answered = len(load.answers)
    figures.missing_effects = sum(
        not effects[f"{key}.{node}" if node else key] for key in load.answers for node in nodes
    )
    several = [line for line, count in effects.items() if count > 1]
    figures.repeated_without_cause = sum(line.partition(".")[0] not in load.failed for line in several)
    figures.finished_nodes_run_again = _again(lines)
    figures.repeated_after_a_kill = len(several) - figures.repeated_without_cause


def _again(lines: list[str]) -> int:
    """How often the first node of a run ran again after the second one had begun, and so after its checkpoint."""
    further, again = set(), 0
    for key, _, node in (line.partition(".") for line in lines):
        again += node == "one" and key in further
        if node == "two":
            further.add(key)
    return again


def main() -> int:
    """Run the long form; exit status 1 when something was lost."""
    parser = argparse.ArgumentParser(description="Kill an app under load at random moments.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    bad = 0
    for stepwise in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            figures = random_kills(Path(folder), options.kills, options.seed, stepwise=stepwise)
        sys.stdout.write(json.dumps({"checkpoint_each_node": stepwise, **asdict(figures)}) + "\n")
        bad += figures.lost + figures.damaged + figures.missing_effects
        bad += figures.repeated_without_cause + figures.finished_nodes_run_again
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
