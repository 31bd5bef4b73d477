"""`create_dir` (spec 01 §5.11): a folder and those above it. Links the gate and `host.files`."""

from __future__ import annotations

from agentdc_runtime.errors import ToolError
from agentdc_runtime.host.files import LinkInPath, make_folder, os_reason
from agentdc_runtime.jsontext import compact
from agentdc_runtime.policy.gate import changed
from agentdc_runtime.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Run
    from agentdc_runtime.values import Json


def run(run: Run, *, path: Json) -> Json:
    """`{"created", "path"}`, also when the folder was there already."""
    name = string(path, "create_dir", "path_from")
    assert run.gate is not None
    place = run.gate.write(name, "create_dir")
    if run.dry_run:
        return {"dry_run": True, "path": name}
    try:
        make_folder(place, pinned=run.gate.pins_writes)
    except LinkInPath:
        raise changed("create_dir", "fs_write", name) from None
    except (OSError, ValueError) as error:
        raise ToolError("create_dir", f"cannot create {compact(name)}: {os_reason(error)}") from error
    return {"created": True, "path": name}
