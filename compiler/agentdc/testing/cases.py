"""One test, whatever it came from: what is run, and the document that tells a test app to run it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agentdc.diagnostics import Diagnostic
from agentdc.testing.models import Fixture, Scenario
from agentdc.testing.subject import Subject


@dataclass(frozen=True, slots=True)
class Case:
    """One fixture or scenario.

    `place`: its folder or file as people know it. `test`: None when it does not have the shape of one.
    `diagnostics`: about it and, when they keep it from running, about its workflow. `problem`: why it cannot be
    run, or empty. `subject`: None when its workflow has errors.
    """

    place: str
    test: Fixture | Scenario | None
    diagnostics: tuple[Diagnostic, ...] = ()
    problem: str = ""
    subject: Subject | None = None
    scenario: bool = False

    @property
    def name(self) -> str:
        """What the test is called: a scenario says it, a fixture is named by its folder."""
        return self.test.name if isinstance(self.test, Scenario) else self.place

    @property
    def trials(self) -> int:
        """How many runs it takes."""
        return max(1, self.test.trials) if isinstance(self.test, Scenario) else 1

    @property
    def timeout_secs(self) -> int:
        """Seconds that one run may take."""
        return max(1, self.test.timeout_secs) if self.test is not None else 1


def load_error(found: tuple[Diagnostic, ...]) -> str:
    """The errors among the findings as one line, each `[code] message`."""
    return "; ".join(f"[{each.code.slug}] {each.message}" for each in found if each.is_error)


def world(subject: Subject) -> dict[str, Any]:
    """What all cases of one app share: names that models and servers answer to."""
    workflow = subject.main.workflow
    backends = () if workflow.intelligence is None else workflow.intelligence.backends
    return {
        "backends": [each.name for each in backends],
        "servers": [each.name for each in workflow.mcp_servers],
    }


def document(
    number: int,
    case: Case,
    own_policy: dict[str, Any] | None,
    folder: str | None,
    cassette: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One case for the harness.

    `own_policy`: the workflow's table. `folder`: where the run takes place, or None. `cassette`: `record`, and the
    `entries` to play otherwise; None when models are scripted or absent.
    """
    assert case.test is not None
    assert case.subject is not None
    shared = {
        "id": number,
        "trials": case.trials,
        "timeout_secs": case.timeout_secs,
        "folder": folder,
        "cassette": cassette,
    }
    if isinstance(case.test, Scenario):
        return shared | _scenario(case.test, case.subject, own_policy)
    return shared | _fixture(case.test, case.subject, own_policy)


def _fixture(it: Fixture, subject: Subject, own_policy: dict[str, Any] | None) -> dict[str, Any]:
    bound = it.policy == "workflow"
    mocks = it.mocks.model_dump(mode="python", by_alias=True, exclude_unset=True)
    served = bool(it.mocks.mcp_tools or it.mocks.mcp_resources)
    return {
        "start": it.start,
        "trigger": {"kind": it.trigger.kind, "payload": it.trigger.payload},
        "dry_run": it.dry_run,
        "policy": own_policy if bound else None,
        "env": dict(it.env),
        "mocks": {
            "intel": [{"content": each} for each in it.mocks.intel] or None,
            "loop": list(it.mocks.agent_loop) or None,
            "approvals": [{"by": each.by, "note": each.note} for each in it.mocks.approvals],
            "fault": None,
            "mcp_tools": mocks.get("mcp_tools", {}) if served else None,
            "mcp_resources": mocks.get("mcp_resources", {}) if served else None,
            "allow": _allowlists(subject) if bound else None,
        },
    }


def _allowlists(subject: Subject) -> dict[str, dict[str, list[str]]]:
    return {
        each.name: {"tool": list(each.allow_tools), "resource": list(each.allow_resources)}
        for each in subject.main.workflow.mcp_servers
    }


def _scenario(it: Scenario, subject: Subject, own_policy: dict[str, Any] | None) -> dict[str, Any]:
    policy = own_policy
    if it.policy is not None:
        policy = it.policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "start": it.trigger.start if it.trigger.start is not None else next(iter(subject.starts), ""),
        "trigger": {"kind": it.trigger.kind, "payload": it.trigger.payload},
        "dry_run": False,
        "policy": policy,
        "env": {},
        "mocks": {
            "intel": [each.model_dump(mode="json", exclude_none=True) for each in it.intel.turns],
            "loop": None,
            "approvals": [],
            "fault": it.faults.intel_error_on_call,
            "mcp_tools": None,
            "mcp_resources": None,
            "allow": None,
        },
    }
