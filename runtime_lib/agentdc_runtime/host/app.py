"""What a built app is made of: a record that the generated main module fills in. Imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any

    from agentdc_runtime.core.process import Process
    from agentdc_runtime.core.run import Ending, Next, Program, Run
    from agentdc_runtime.host.flags import Options
    from agentdc_runtime.host.start import Started
    from agentdc_runtime.mcp.router import Router
    from agentdc_runtime.models.registry import Models
    from agentdc_runtime.policy.budget import Budget
    from agentdc_runtime.policy.gate import Gate
    from agentdc_runtime.secrets.registry import Registry


class App:
    """One compiled workflow with the parts of the runtime that it needs.

    `read_data`: a packed file by name, FileNotFoundError when there is none. `drive`: runs blocks, with or without
    an event loop. `once`, `serve`, `offer`: what its modes do, until the exit status; None when nothing of the
    workflow can be served, or offered to MCP clients. `emit`: tells the running app of an event. The classes of the
    policy gate, the budget and the secrets, the signature check, and what makes the models and the router of MCP
    calls: None when nothing of the workflow needs them. `instructions`: reads the file of standing words for agent
    loops. `features`: parts that flags need. `verbs`: what takes the place of flags as
    the first argument. `state`: the module of what an app with a state store can do; `drive_kept` runs blocks with
    checkpoints between them, and `stepwise` loads the program whose blocks are single nodes. None where the app has
    no store.
    """

    __slots__ = (
        "abi",
        "budget",
        "drive",
        "drive_kept",
        "emit",
        "features",
        "gate",
        "instructions",
        "mcp",
        "models",
        "offer",
        "once",
        "program",
        "read_data",
        "secrets",
        "serve",
        "signing",
        "state",
        "stepwise",
        "verbs",
        "version",
    )

    def __init__(
        self,
        *,
        program: Program,
        version: str,
        abi: int,
        read_data: Callable[[str], bytes],
        drive: Callable[[Run, Next], Ending],
        once: Callable[[Started], int],
        serve: Callable[[Started], int] | None = None,
        gate: Callable[[dict[str, Any] | None], Gate] | None = None,
        budget: Callable[..., Budget] | None = None,
        secrets: Callable[..., Registry] | None = None,
        signing: Callable[..., Any] | None = None,
        instructions: Callable[[str, bytes], str] | None = None,
        models: Callable[[list[dict[str, Any]], Options, Process], Models] | None = None,
        mcp: Callable[..., Router] | None = None,
        offer: Callable[[Started], int] | None = None,
        emit: Callable[[list[str], str], int] | None = None,
        features: frozenset[str] = frozenset(),
        state: ModuleType | None = None,
        drive_kept: Callable[[Run, Next], Ending] | None = None,
        stepwise: Callable[[], Program] | None = None,
        verbs: Mapping[str, Callable[..., int]] | None = None,
    ) -> None:
        self.program = program
        self.version = version
        self.abi = abi
        self.read_data = read_data
        self.drive = drive
        self.once = once
        self.serve = serve
        self.gate = gate
        self.budget = budget
        self.secrets = secrets
        self.signing = signing
        self.instructions = instructions
        self.models = models
        self.mcp = mcp
        self.offer = offer
        self.emit = emit
        self.features = features
        self.state = state
        self.drive_kept = drive_kept
        self.stepwise = stepwise
        self.verbs = verbs or {}

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self.program.name
