"""`write_file` (spec 01 §5.10): text or compact JSON into a file. Links the gate and `host.files`."""

from __future__ import annotations

from agentdc_runtime.errors import ToolError
from agentdc_runtime.host import files
from agentdc_runtime.jsontext import compact
from agentdc_runtime.policy.gate import changed
from agentdc_runtime.values import string, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Run
    from agentdc_runtime.values import Json


def run(run: Run, *, path: Json, content: Callable[[], Json]) -> Json:
    """`{"bytes", "path", "written"}`; `content` is resolved only once the policy has allowed the path."""
    name = string(path, "write_file", "path_from")
    assert run.gate is not None
    place = run.gate.write(name)
    data = text(content()).encode()
    if run.dry_run:
        return {"bytes": len(data), "dry_run": True, "path": name}
    if run.process.budget is not None:
        run.process.budget.reserve_write(name, len(data))
    try:
        files.write_file(place, data, pinned=run.gate.pins_writes)
    except files.LinkInPath:
        raise changed("write_file", "fs_write", name) from None
    except (OSError, ValueError) as error:
        raise ToolError("write_file", f"cannot write {compact(name)}: {files.os_reason(error)}") from error
    return {"bytes": len(data), "path": name, "written": True}
