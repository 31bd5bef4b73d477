"""The file of `--instructions`: the operator's standing words for every agent loop (spec 01 §11.2).

Links tomllib, which is loaded when there is such a file.
"""

from __future__ import annotations

from agentdc_runtime.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEPT = "instructions"  # where a process keeps them
_KEYS = {
    "name": str,
    "system": str,
    "default_backend": str,
    "loop_tools": list,
    "task": str,
    "auto_approve": bool,
}


def read(path: str, data: bytes) -> str:
    """The `system` text of the file; ConfigError. A `task` belongs to planning, which no app does."""
    import tomllib

    try:
        document: dict[str, Any] = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"the instructions {path} are not TOML: {error}") from None
    agent = document.get("agent", {})
    unknown = [
        *(document.keys() - {"agent"}),
        *(agent.keys() - _KEYS.keys() if isinstance(agent, dict) else ()),
    ]
    if not isinstance(agent, dict) or unknown:
        said = f"the key `{sorted(unknown)[0]}`" if unknown else "an `agent` that is no table"
        raise ConfigError(f"the instructions {path} have {said}, which instructions do not have")
    for name, value in agent.items():
        if not isinstance(value, _KEYS[name]):
            raise ConfigError(f"the instructions {path}: `{name}` has the wrong type")
    if str(agent.get("task", "")).strip():
        raise ConfigError(f"the instructions {path} have a `task`: a built app makes no plans")
    return str(agent.get("system", ""))
