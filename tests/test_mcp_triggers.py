"""Apps whose runs begin with changes on a server made with the official SDK."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

from command import agentdc
from mcp_routing import over_http, python
from serving import Server, serving, until

WATCHED = """\
name = "watcher"

[[start_nodes]]
name = "changed"
source = "event"
entry_node = "line"

[[start_nodes]]
name = "change"
source = "http"
entry_node = "write"

[[http_routes]]
method = "POST"
path = "/change"
start_node = "change"

[[triggers]]
type = "mcp.resource.updated"
server = "notes"
resource = "note://first"
start_node = "changed"

[[triggers]]
type = "mcp.resource.created"
server = "notes"
resource = "note://new-*"
start_node = "changed"

[[mcp_servers]]
name = "notes"
SERVER
allow_tools = ["write"]
allow_resources = ["note://*"]

[mcp_servers.supervisor]
base_delay_ms = 10

[[nodes]]
id = "line"
type = "template_render"
input_from = "trigger"
template = "{{kind}} {{resource}} {{contents.0.text}}"

[[nodes]]
id = "name"
type = "template_render"
input_from = "trigger"
template = "seen-{{tick}}-{{kind}}.txt"

[[nodes]]
id = "save"
type = "write_file"
path_from = "name.rendered"
content_from = "line.rendered"

[[nodes]]
id = "write"
type = "call_mcp_tool"
tool = "write"
args_from = "trigger"

[[edges]]
from = "line"
to = "name"

[[edges]]
from = "name"
to = "save"

[policy.fs]
write = ["*"]

[check]
allow = ["unhandled_error_branch", "untrusted_subject", "wide_grant"]
"""


def _write(app: Server, name: str, text: str) -> None:
    given = json.dumps({"name": name, "text": text})
    answer = app.ask("POST", "/change", given, {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body


def _says(file: Path, text: str) -> None:
    until(lambda: file.exists() and file.read_text() == text)


def _watch(app: Server, folder: Path) -> None:
    """Everything that a watcher must do, whatever carries the messages."""
    until(lambda: app.said.count('event="mcp_trigger.watching"') == 2)
    _write(app, "first", "once")
    _says(folder / "seen-1-mcp.resource.updated.txt", "mcp.resource.updated note://first once")
    _write(app, "second", "nobody asked for this one")
    _write(app, "new-1", "fresh")
    _says(folder / "seen-1-mcp.resource.created.txt", "mcp.resource.created note://new-1 fresh")
    _write(app, "new-1", "not new any more")
    _write(app, "first", "twice")
    _says(folder / "seen-2-mcp.resource.updated.txt", "mcp.resource.updated note://first twice")
    assert not (folder / "seen-2-mcp.resource.created.txt").exists()
    assert app.end() == 0


def test_changes_fire_runs_over_pipes(tmp_path: Path) -> None:
    text = WATCHED.replace("SERVER", f"command = {json.dumps(python('sdk', 'plain'))}")
    with serving(text, tmp_path, "--log-level", "info") as app:
        _watch(app, tmp_path)


def test_changes_fire_runs_over_http(tmp_path: Path) -> None:
    def served(url: str) -> None:
        text = WATCHED.replace("SERVER", f'url = "{url}"')
        with serving(text, tmp_path, "--log-level", "info") as app:
            _watch(app, tmp_path)

    async def go() -> None:
        async with over_http() as url:
            await asyncio.get_running_loop().run_in_executor(None, served, url)

    asyncio.run(go())


def test_a_server_that_came_back_is_watched_again(tmp_path: Path) -> None:
    text = WATCHED.replace("SERVER", f"command = {json.dumps(python('sdk', 'plain'))}")
    with serving(text, tmp_path, "--log-level", "info") as app:
        until(lambda: app.said.count('event="mcp_trigger.watching"') == 2)
        pid = int(app.said.split('event="sidecar.started"')[1].split("pid=")[1].split()[0])
        os.kill(pid, signal.SIGKILL)
        # What is watched may have changed while nobody was told, so it is read once more.
        _says(tmp_path / "seen-1-mcp.resource.updated.txt", "mcp.resource.updated note://first one")
        _write(app, "first", "after the crash")
        _says(
            tmp_path / "seen-2-mcp.resource.updated.txt", "mcp.resource.updated note://first after the crash"
        )
        assert app.end() == 0


def test_check_finds_triggers_that_hear_nothing(tmp_path: Path) -> None:
    text = WATCHED.replace("SERVER", 'command = ["x"]').replace('server = "notes"', 'server = "note"', 1)
    (tmp_path / "w.toml").write_text(text)
    done = agentdc("check", "w.toml", cwd=tmp_path)
    assert done.returncode == 5
    assert 'this trigger never fires: the MCP server "note" is not declared' in done.stdout
