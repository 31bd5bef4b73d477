"""What a built app is made of: a record that the generated main module fills in. Imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from agentdc_runtime.core.run import Block
    from agentdc_runtime.policy.gate import Gate


class App:
    """One compiled workflow with the parts of the runtime that it needs.

    `starts`: start node name to (source, block). `loops`: number of loop edges. `read_data`: a packed file by
    name, FileNotFoundError when there is none. `gate`: the policy gate's class, when a node needs it. `signing`:
    the signature check, when it is built in. `features`: parts that flags need.
    """

    __slots__ = (
        "abi",
        "features",
        "gate",
        "loops",
        "name",
        "read_data",
        "signing",
        "source",
        "starts",
        "version",
    )

    def __init__(
        self,
        *,
        name: str,
        source: str,
        version: str,
        abi: int,
        starts: dict[str, tuple[str, Block]],
        loops: int,
        read_data: Callable[[str], bytes],
        gate: Callable[[dict[str, Any] | None], Gate] | None = None,
        signing: Callable[..., Any] | None = None,
        features: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.source = source
        self.version = version
        self.abi = abi
        self.starts = starts
        self.loops = loops
        self.read_data = read_data
        self.gate = gate
        self.signing = signing
        self.features = features
