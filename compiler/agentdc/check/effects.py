"""Everything a workflow can touch, each place with what the policy says of it (spec 02 §5).

An effect is *allowed* when the policy covers every text that its subject can be, *denied* when it covers none, and
*guarded* otherwise: then the gate decides at run time, with the data. The subjects are those of `origins`; effects of
children are judged by the policy of the workflow that runs them, so they are told here without a verdict and judged
with the main workflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentdc.check.flow import Flow
from agentdc.check.matching import Subject, Verdict, climbs_only, judged
from agentdc.check.origins import Origins, Text, prefix, whole
from agentdc.diagnostics import Span
from agentdc.model.policy import Policy
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.nodes.spec import Effect, Family
from agentdc.parse.positions import Places

ANYTHING: Text = ()
Why = Literal[
    "no_policy",
    "covered",
    "not_covered",
    "empty_list",
    "method",
    "data",
    "climbs",
    "chosen",
    "reading",
    "link",
    "rego",
]
_SUBJECTS: Mapping[Family, tuple[Subject, str, str]] = {
    "fs.read": ("path", "fs", "read"),
    "fs.write": ("path", "fs", "write"),
    "env.read": ("name", "env", "read_keys"),
    "http": ("url", "http", "urls"),
    "shell": ("command", "shell", "commands"),
    "mcp.tool": ("name", "mcp", "tools"),
    "mcp.resource": ("name", "mcp", "resources"),
}
_REGO: frozenset[Family] = frozenset(("fs.read", "fs.write", "env.read", "http", "shell"))


@dataclass(frozen=True, slots=True)
class Touch:
    """One effect of one node. `texts`: every text that its subject can be; none when a model chooses it.

    `at`, `place`: where the subject is written. `file`: of the child that the node belongs to, or empty.
    """

    node: str
    kind: str
    effect: Effect
    texts: tuple[Text, ...]
    at: Places
    place: tuple[str | int, ...]
    file: str = ""

    @property
    def family(self) -> Family:
        """What kind of thing is touched."""
        return self.effect.family

    @property
    def where(self) -> Span:
        """Where the subject is written."""
        return self.at.value(self.place)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the policy says of one effect. `denied`: the texts that it never covers. `why`: the reason, as a word."""

    verdict: Verdict
    why: Why
    denied: tuple[Text, ...] = ()


def touches(workflow: Workflow, flow: Flow, origins: Origins, at: Places, file: str = "") -> Iterator[Touch]:
    """The effects of the nodes that some run reaches, in declaration order."""
    for index, node in enumerate(workflow.nodes):
        if not flow.reaches(node.id):
            continue
        for effect in SPECS[node.type].effects(node):
            texts: tuple[Text, ...] = ()
            if effect.constant is not None:
                texts = ((effect.constant,) if effect.constant else (),)
            elif effect.data is not None:
                texts = origins.texts(effect.data, node.id)
            yield Touch(node.id, node.type, effect, texts, at, ("nodes", index, effect.field), file)


def patterns(workflow: Workflow, touch: Touch) -> Sequence[str] | None:
    """The list that gates an effect; None when nothing does."""
    if touch.family not in _SUBJECTS:
        return None
    if touch.family in {"mcp.tool", "mcp.resource"} and workflow.mcp_servers:
        return _allowlist(workflow, touch)
    if workflow.policy is None:
        return None
    _, section, name = _SUBJECTS[touch.family]
    found: Sequence[str] = getattr(getattr(workflow.policy, section), name)
    return found


def server_of(workflow: Workflow, touch: Touch) -> int | None:
    """The index of the declared server that an MCP effect goes to; None when it is the command line's, or open."""
    named = touch.effect.server
    for index, server in enumerate(workflow.mcp_servers):
        if named == server.name or (named is None and len(workflow.mcp_servers) == 1):
            return index
    return None


def _allowlist(workflow: Workflow, touch: Touch) -> Sequence[str]:
    at = server_of(workflow, touch)
    if at is None:  # the model names a server
        servers = workflow.mcp_servers
        return [pattern for each in servers for pattern in each.allow_tools]
    server = workflow.mcp_servers[at]
    return server.allow_tools if touch.family == "mcp.tool" else server.allow_resources


def subject(family: Family) -> Subject:
    """How the subject of an effect is matched."""
    return _SUBJECTS[family][0]


def section(family: Family) -> tuple[str, str]:
    """The section and key of the policy that gate an effect."""
    return _SUBJECTS[family][1:]


def judge(workflow: Workflow, touch: Touch) -> Judgement:
    """What the policy of a workflow says of an effect, of its own or of a child's."""
    allowed = patterns(workflow, touch)
    if allowed is None:
        return Judgement("allowed", "no_policy")
    if not allowed:
        return Judgement("denied", "empty_list", touch.texts)
    if touch.family == "http" and not _method(workflow.policy, touch):
        return Judgement("denied", "method", touch.texts)
    if touch.effect.chosen:
        return Judgement("guarded", "chosen")
    verdicts = [judged(subject(touch.family), allowed, text) for text in touch.texts]
    denied = tuple(text for text, each in zip(touch.texts, verdicts, strict=True) if each == "denied")
    found = _together(touch, allowed, verdicts, denied)
    if found.verdict == "allowed" and touch.family in _REGO and workflow.policy and workflow.policy.rego:
        return Judgement("guarded", "rego")
    return found


def _together(
    touch: Touch, allowed: Sequence[str], verdicts: Sequence[Verdict], denied: tuple[Text, ...]
) -> Judgement:
    """The verdict of all alternatives."""
    if touch.family == "shell" and denied:
        return Judgement("guarded", "link", denied)  # the place that it leads to is what counts
    if len(denied) == len(verdicts):
        return Judgement("denied", "not_covered", denied)
    if denied or all(each == "allowed" for each in verdicts):
        return Judgement("guarded" if denied else "allowed", "not_covered" if denied else "covered", denied)
    if all(climbs_only(subject(touch.family), allowed, text) for text in touch.texts):
        return Judgement("guarded", "climbs")
    known = all(whole(text) is not None for text in touch.texts)
    return Judgement("guarded", "reading" if known else "data")


def _method(policy: Policy | None, touch: Touch) -> bool:
    methods = () if policy is None else policy.http.methods
    return (
        not methods
        or touch.effect.method is None
        or touch.effect.method in {each.upper() for each in methods}
    )


def known_start(texts: Iterable[Text]) -> str:
    """The known beginning that all texts of an effect have; empty when a model chooses it."""
    starts = [prefix(text) for text in texts]
    if not starts:
        return ""
    shortest, longest = min(starts), max(starts)
    for at, (a, b) in enumerate(zip(shortest, longest, strict=False)):
        if a != b:
            return shortest[:at]
    return shortest
