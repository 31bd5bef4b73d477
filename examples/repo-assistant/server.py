"""An MCP server over standard streams with one tool: which lines of the repository hold a word."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SEARCH = {
    "name": "search",
    "description": "Lines of the repository that hold a text, as path:line: text.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}


def search(text: str) -> str:
    """At most twenty lines."""
    found = []
    for file in sorted(Path("repo").rglob("*.*")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if text.lower() in line.lower():
                found.append(f"{file}:{number}: {line.strip()}")
    return "\n".join(found[:20]) or "nothing"


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The result of a request."""
    if method == "initialize":
        server = {"name": "repo", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        return {"tools": [SEARCH]}
    if method == "tools/call":
        text = str(params.get("arguments", {}).get("text", ""))
        return {"content": [{"type": "text", "text": search(text)}], "isError": False}
    return {}


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        result = answer(asked["method"], asked.get("params") or {})
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
