"""What a listener answers besides the replies of a workflow: bodies and headers by status (spec 02 §1, §2, §3)."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = Any

JSON = "application/json"

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_NODE = {"type": ["string", "null"], "description": "id of the node that ran last"}


def _record(properties: dict[str, Json], *optional: str) -> Json:
    required = sorted(properties.keys() - set(optional))
    return {"type": "object", "properties": dict(sorted(properties.items())), "required": required}


def _outcome(status: str, properties: dict[str, Json], *optional: str) -> Json:
    return _record({"status": {"const": status}, "last_node": _NODE, **properties}, *optional)


# Names of the shapes begin with a capital letter; those of a workflow's own schemas do not.
SHAPES: dict[str, Json] = {
    "Busy": _record({"error": _TEXT}),
    "Completed": _outcome("completed", {"final_value": {}}),
    "Error": _record({"error": _TEXT}),
    "Failed": _outcome("failed", {"reason": _TEXT}),
    "Health": _record({"status": {"const": "ok"}, "workflow": _TEXT}),
    "Hidden": _record({"error": {"const": "internal error"}, "run_id": _TEXT}, "run_id"),
    "NoSuchRoute": _record({"error": _TEXT, "path": _TEXT}),
    "Paused": _outcome("paused", {"run_id": _TEXT, "reason": _TEXT}, "reason"),
    "RateLimited": _record(
        {"error": {"const": "rate limited"}, "retry_after_ms": {"type": "integer", "minimum": 1}}
    ),
    "Ready": _record({"status": {"enum": ["draining", "ready"]}}),
    "TimedOut": _outcome("timed_out", {"elapsed_ms": _COUNT}),
    "TooLarge": _record({"error": _TEXT, "cap_bytes": _COUNT}),
    "Unauthorized": _record({"error": {"const": "unauthorized"}, "detail": _TEXT}),
}

# Status to description and shape, for every request that reaches a route.
ALWAYS = {
    "400": ("The request cannot be read.", "Error"),
    "404": ("There is no such path.", "NoSuchRoute"),
    "405": ("The path does not take this method.", "NoSuchRoute"),
    "413": ("The body is larger than 1 MiB.", "TooLarge"),
    "422": ("The run failed.", "Failed"),
    "431": ("Request line and headers are larger than 16 KiB.", "Error"),
    "500": ("The run was aborted.", "Error"),
    "503": ("Too many runs are in flight, or the server is ending.", "Busy"),
    "504": ("The run took too long.", "TimedOut"),
    "505": ("The request is not HTTP/1.", "Error"),
}
COMPLETED = ("The run completed.", "Completed")
CONFLICT = ("The same delivery is being processed.", "Error")
LIMITED = ("Too many requests.", "RateLimited")
PAUSED = ("The run waits for an approval.", "Paused")
UNAUTHORIZED = ("The caller is not let in.", "Unauthorized")

HEADERS: dict[str, Json] = {
    "Allow": {"description": "Methods that the path takes.", "required": True, "schema": _TEXT},
    "Retry-After": {
        "description": "Seconds to wait.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "The scheme that is asked for.",
        "required": True,
        "schema": _TEXT,
    },
    "X-Agentd-Idempotent-Replay": {
        "description": "There when the answer was given before, to the same delivery.",
        "schema": {"const": "true"},
    },
}


def answer(description: str, shape: str) -> Json:
    """A response with one of SHAPES as its body."""
    return {"description": description, "content": {JSON: {"schema": shaped(shape)}}}


def shaped(name: str) -> Json:
    """A reference to one of SHAPES."""
    return {"$ref": f"#/components/schemas/{name}"}


def header(name: str) -> dict[str, Json]:
    """One of HEADERS, as an entry of a response's headers."""
    return {name: {"$ref": f"#/components/headers/{name}"}}
