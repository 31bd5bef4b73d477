"""Several processes on one address: they share the port and the figures, and end together."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from pathlib import Path

from command import make
from serving import ECHO, Server, serving, start, until

ROUTE = """
[[http_routes]]
method = "POST"
path = "/show"
start_node = "go"
[[triggers]]
type = "interval"
every = "1s"
start_node = "go"
"""


def workers(server: Server) -> list[int]:
    """Process ids of the workers."""
    tasks = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(each) for each in tasks.split()]


def test_workers_share_port_and_figures(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path, "--workers", "3", "--log-level", "info") as server:
        until(lambda: len(workers(server)) == 3)
        for _ in range(60):
            assert server.ask("POST", "/show", b"1").status == 200
        until(lambda: server.metric("agentdc_http_requests_total") >= 60)
        ids = set(re.findall(r"execution_id=\S*?(exec-\w+-\w+)-", server.said))
        assert len(ids) > 1  # more than one of them was asked
        time.sleep(1.5)
        runs = server.metric("agentd_workflow_completions_total")
        fired = server.said.count('event="cron.fire"')
        assert 1 <= fired <= 4  # one of them has the schedule
        assert runs >= 61
        assert server.said.count("listening on") == 1
        assert server.end() == 0


def test_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    with serving(f"{ECHO}{ROUTE}", tmp_path, "--workers", "2") as server:
        until(lambda: len(workers(server)) == 2)
        time.sleep(1.1)
        first = workers(server)
        os.kill(first[1], signal.SIGKILL)
        until(lambda: len(workers(server)) == 2 and workers(server) != first)
        until(lambda: "it is started again" in server.said)
        assert all(server.ask("POST", "/show", b"1").status == 200 for _ in range(20))
        assert server.end() == 0


def test_workers_reload_and_drain_together(tmp_path: Path) -> None:
    limited = f"{ECHO}{ROUTE}".replace(
        'path = "/show"', 'path = "/show"\nrate_limit = { capacity = 9, per_second = 9.0 }'
    )
    with serving(limited, tmp_path, "--workers", "2", "--log-level", "info") as server:
        server.process.send_signal(signal.SIGHUP)
        until(lambda: server.said.count('event="reload.succeeded"') == 2)
        answers: list[int] = []
        asking = [threading.Thread(target=lambda: answers.append(server.ask("POST", "/show", b"1").status))]
        for each in asking:
            each.start()
        for each in asking:
            each.join()
        assert server.end(signal.SIGINT) == 0
        assert answers == [200]
        assert server.said.count("draining") == 2


def test_workers_that_cannot_start_give_up(tmp_path: Path) -> None:
    text = f'{ECHO}{ROUTE}[server.tls]\ncert_file = "none.pem"\nkey_file = "none.key"\n'
    server = start(make(text, tmp_path / "built"), tmp_path, "--workers", "2")
    assert server.process.wait(30) == 5
    assert "server.tls.cert_file none.pem" in server.said
