"""`template_render` (spec 01 §5.5): the text arrives rendered, hole by hole, by generated code. Links nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agentdc_runtime.values import Json


def run(*, rendered: str) -> Json:
    """`{"rendered"}`."""
    return {"rendered": rendered}
