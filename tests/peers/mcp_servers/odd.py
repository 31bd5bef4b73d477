"""An MCP server that does one thing wrong, over its standard streams: `python odd.py exits`.

What it does wrong is the name of a function below, which answers each `tools/call`; everything before that is as it
should be. It is written by hand, since nothing that is made with an SDK behaves like this.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Message = dict[str, Any]
HELD: list[Message] = []
MODE = sys.argv[1]


def send(message: Message) -> None:
    line(json.dumps({"jsonrpc": "2.0", **message}))


def line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def said(request: Message, text: str) -> None:
    send({"id": request["id"], "result": {"content": [{"type": "text", "text": text}]}})


def exits(request: Message) -> None:
    print("out of paper", file=sys.stderr, flush=True)
    os._exit(3)


def dies_once(request: Message) -> None:
    """Dies in the first call of its first life; `sys.argv[2]` is the file that remembers."""
    memory = Path(sys.argv[2])
    lives = int(memory.read_text()) if memory.exists() else 0
    memory.write_text(str(lives + 1))
    if not lives:
        os._exit(1)
    said(request, f"life {lives}")


def closes(request: Message) -> None:
    os.close(1)
    time.sleep(600)


def wrong_id(request: Message) -> None:
    said({"id": request["id"] + 1000}, "for somebody else")
    said({"id": "text"}, "for somebody else")
    said({"id": None}, "for nobody")
    said({"id": True}, "for a truth value")


def wrong_then_right(request: Message) -> None:
    wrong_id(request)
    said(request, "for you")


def silent(request: Message) -> None:
    pass


def hung(request: Message) -> None:
    time.sleep(600)


def floods(request: Message) -> None:
    for _ in range(400):
        sys.stderr.write("no line end " * 1000)
    sys.stderr.flush()
    said(request, "flooded")


def huge(request: Message) -> None:
    said(request, "x" * 50_000_000)


def huge_and_late_id(request: Message) -> None:
    text = "x" * 50_000_000
    line(json.dumps({"result": {"content": [{"type": "text", "text": text}]}, "id": request["id"]}))


def endless(request: Message) -> None:
    while True:
        sys.stdout.write("x" * 1_000_000)


def garbage(request: Message) -> None:
    line("Listening on port 8080")
    said(request, "too late")


def not_utf8(request: Message) -> None:
    sys.stdout.buffer.write(b'{"jsonrpc": "2.0", "id": \xff}\n')
    sys.stdout.flush()


def no_result(request: Message) -> None:
    send({"id": request["id"]})


def odd_result(request: Message) -> None:
    send({"id": request["id"], "result": {"content": "text", "isError": "yes"}})


def odd_error(request: Message) -> None:
    send({"id": request["id"], "error": {"code": "E1", "message": "first\nsecond \u001b[31mred", "data": 1}})


def reorders(request: Message) -> None:
    HELD.append(request)
    if len(HELD) == 3:
        for each in reversed(HELD):
            said(each, each["params"]["arguments"]["text"])
        HELD.clear()


def batches(request: Message) -> None:
    answer = {
        "jsonrpc": "2.0",
        "id": request["id"],
        "result": {"content": [{"type": "text", "text": "one of two"}]},
    }
    line(json.dumps([{"jsonrpc": "2.0", "method": "notifications/message", "params": {}}, answer]))


def asks(request: Message) -> None:
    """Asks back, and says what it was answered."""
    HELD.append(request)
    send({"id": 1, "method": "ping"})
    send({"id": "s1", "method": "sampling/createMessage", "params": {}})
    send({"method": "notifications/unknown", "params": {"deep": [1, {"a": None}]}})
    send({"method": "notifications/tools/list_changed"})


def changes(request: Message) -> None:
    said(request, "it was removed" if request["params"]["name"] == "gone" else "still here")


def pages(request: Message) -> None:
    said(request, "paged")


def listed(request: Message) -> None:
    cursor = (request.get("params") or {}).get("cursor")
    result: Message = {
        "tools": [{"name": f"tool{cursor or 0}", "inputSchema": {"type": "object"}}, 7, {"no": 1}]
    }
    if MODE == "dies_once":
        for name, hints in (("any", {"idempotentHint": True}), ("other", {})):
            result["tools"].append({"name": name, "inputSchema": {"type": "object"}, "annotations": hints})
    if MODE == "pages":
        result["nextCursor"] = str(int(cursor or 0) + 1)
    send({"id": request["id"], "result": result})


def answered(message: Message) -> None:
    """An answer to a question of ours (`asks`)."""
    HELD.append(message)
    if len(HELD) == 3:
        request, *answers = HELD
        HELD.clear()
        said(request, json.dumps(answers))


def main(behave: Callable[[Message], None]) -> None:
    if MODE == "garbage":
        line("Welcome!")
    for text in sys.stdin:
        message = json.loads(text)
        method = message.get("method")
        if method is None:
            answered(message)
        elif method == "initialize":
            version = "1999-01-01" if MODE == "no_version" else "2025-06-18"
            info = {"name": "odd", "version": "1"}
            told = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
            send({"id": message["id"], "result": told})
        elif method == "ping":
            send({"id": message["id"], "result": {}})
        elif method == "tools/list":
            listed(message)
        elif method == "tools/call":
            behave(message)
        elif method == "notifications/cancelled":
            print(f"cancelled {message['params']['requestId']}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(globals().get(MODE, silent))
