"""`agentdc run` of a workflow that serves: the parent stays, the file may change, and no connection is refused."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from command import AGENTDC, environment
from serving import ECHO, LISTENING, Server, until

ROUTE = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
"""
TEXT = f"{ECHO}{ROUTE}"
BOTH = f'{TEXT}\n[[http_routes]]\nmethod = "GET"\npath = "/new"\nstart_node = "go"\n'


@contextmanager
def running(folder: Path, text: str, *flags: str) -> Iterator[Server]:
    (folder / "w.toml").write_text(text)
    errors = folder / "stderr.txt"
    with errors.open("wb") as file:
        process = subprocess.Popen(
            [*AGENTDC, "run", "w.toml", "--bind", "127.0.0.1:0", *flags],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
        )
    server = Server(process, errors, folder=folder)
    try:
        until(lambda: LISTENING.search(server.said) or process.poll() is not None, 30)
        found = LISTENING.search(server.said)
        assert found is not None, server.said
        server.port = int(found[3])
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def test_a_changed_workflow_takes_over(tmp_path: Path) -> None:
    failures: list[str] = []
    with running(tmp_path, TEXT) as server:
        assert server.ask("GET", "/new").status == 404
        stop = threading.Event()

        def call() -> None:
            while not stop.is_set():
                try:
                    status = server.ask("POST", "/show", "1").status
                except (OSError, http.client.HTTPException) as error:
                    failures.append(repr(error))
                else:
                    if status != 200:
                        failures.append(str(status))

        callers = [threading.Thread(target=call) for _ in range(3)]
        for each in callers:
            each.start()
        (tmp_path / "w.toml").write_text(BOTH)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: server.ask("GET", "/new").status == 200, 30)
        stop.set()
        for each in callers:
            each.join()
        assert failures == []
        assert len(set(re.findall(r"listening on \S+", server.said))) == 1
        assert server.end() == 0


def test_a_broken_workflow_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path, TEXT) as server:
        (tmp_path / "w.toml").write_text(TEXT.replace('entry_node = "show"', 'entry_node = "shwo"'))
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "the app goes on as it was" in server.said, 30)
        assert "unknown_start_entry_node" in server.said
        assert server.ask("POST", "/show", "1").status == 200
        assert server.process.poll() is None


def test_an_app_that_does_not_start_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path, TEXT) as server:
        (tmp_path / "w.toml").write_text(f'{TEXT}[server.tls]\ncert_file = "no.pem"\nkey_file = "no.key"\n')
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "the new app did not start" in server.said, 30)
        assert server.ask("POST", "/show", "1").status == 200


def test_exit_status_is_that_of_the_app(tmp_path: Path) -> None:
    with running(tmp_path, TEXT) as server:
        assert server.end(signal.SIGINT) == 0


def test_bad_address_is_refused_by_the_app(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(TEXT)
    done = subprocess.run(
        [*AGENTDC, "run", "w.toml", "--bind", "localhost:80"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "cannot bind to localhost:80" in done.stderr
