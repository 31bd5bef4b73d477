"""`read_file` (spec 01 §5.1): a UTF-8 file as text. Links the gate and `host.files`."""

from __future__ import annotations

from agentdc_runtime.errors import ToolError
from agentdc_runtime.host.files import LinkInPath, os_reason, read_bytes
from agentdc_runtime.jsontext import compact
from agentdc_runtime.policy.gate import changed
from agentdc_runtime.values import string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.core.run import Run
    from agentdc_runtime.values import Json


def run(run: Run, *, path: Json) -> Json:
    """`{"bytes", "content", "path"}`; the path is checked against the policy before anything else happens."""
    name = string(path, "read_file", "path_from")
    assert run.gate is not None
    place = run.gate.read(name)
    if run.dry_run:
        return {"dry_run": True, "path": name}
    try:
        data = read_bytes(place, pinned=run.gate.pins_reads)
        content = data.decode()
    except LinkInPath:
        raise changed("read_file", "fs_read", name) from None
    except UnicodeDecodeError as error:
        raise ToolError("read_file", f"{compact(name)} is not UTF-8 text (byte {error.start})") from None
    except (OSError, ValueError) as error:
        raise ToolError("read_file", f"cannot read {compact(name)}: {os_reason(error)}") from error
    return {"bytes": len(data), "content": content, "path": name}
