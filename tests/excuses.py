"""Whether a run may die as it did, by what the check said before it: `claimed` as a function."""

from __future__ import annotations

from bisect import bisect_right

from claimed import CAUSES, Excluded
from dying import Death

from agentdc.check.flow import Flow
from agentdc.check.paths import fits
from agentdc.diagnostics import Diagnostic
from agentdc.driver.check import Report
from agentdc.nodes.registry import SPECS
from agentdc.types import Array, Literal, Type
from agentdc.types.shape import members_of

UNKNOWN = "unknown data"
VALUE = "wrong value"


def lie_of(death: Death, report: Report) -> str:
    """Why the check lied, or empty."""
    cause = left_of(death, report)
    row = CAUSES.get(cause)
    if row is None:
        return f"no row of the table names the cause: {_shown(death)}"
    if death.category not in row.classes:
        return f"the class is not one of {row.classes}: {_shown(death)}"
    if isinstance(row, Excluded) and not _warned(death, row, report):
        return f"a green check excludes {cause}: {_shown(death)}"
    return ""


def left_of(death: Death, report: Report) -> str:
    """The cause, with what was known: a value that the check knew, data that it did not know."""
    flows = [each for each in _flows(death) if death.node in each.envs]
    if not death.path or not flows:
        return death.cause
    if death.cause in {"text", "count"}:
        known = all(_known(flow.resolve(death.path, death.node).type, death) for flow in flows)
        return VALUE if known else death.cause
    row = CAUSES[death.cause]
    if isinstance(row, Excluded) and row.when and not _warned(death, row, report):
        return UNKNOWN if any(_open(death, flow) for flow in flows) else death.cause
    return death.cause


def _flows(death: Death) -> list[Flow]:
    """What holds in the runs of the workflow: of a child, for each call of it."""
    assert death.member.checked is not None
    assert death.member.checked.facts is not None
    return death.member.flows or [death.member.checked.facts.flow]


def _known(value: Type, death: Death) -> bool:
    """Whether the check knew that every value there is refused."""
    if death.cause == "count":
        return isinstance(value, Array) and len(value.prefix) > death.most
    return all(isinstance(each, Literal) for each in members_of(value))


def _open(death: Death, flow: Flow) -> bool:
    """Whether nothing is known of what the node died of: what `--explain-unknown` lists."""
    found = flow.resolve(death.path, death.node)
    if death.cause == "key not there":
        return found.doubt == "open"
    node = flow.steps.nodes[death.node]
    needed = [
        (field.needs, field.missing)
        for _, field, path in SPECS[node.type].paths_of(node)
        if path == death.path
    ]
    return any(fits(found.type, needs, nullable=missing == "null") == "open" for needs, missing in needed)


def _warned(death: Death, row: Excluded, report: Report) -> bool:
    """Whether a warning inside the table of the node says that the data decides."""
    return any(each.code.slug in row.warnings and _at(each, death) for each in report.diagnostics)


def _at(found: Diagnostic, death: Death) -> bool:
    workflow = death.member.decoded.workflow
    assert workflow is not None
    if found.primary is None or found.primary.span.file is not death.member.source:
        return False
    places = death.member.decoded.places
    begins = [places.value(("nodes", at)).start for at in range(len(workflow.nodes))]
    return workflow.nodes[bisect_right(begins, found.primary.span.start) - 1].id == death.node


def _shown(death: Death) -> str:
    return f"{death.file}, node {death.node}, {death.cause}, {death.path}: {death.shown}"
