"""The passes in their order, with the program's rules checked after each."""

from __future__ import annotations

from agentdc.ir.ops import Program
from agentdc.ir.verify import verify
from agentdc.passes.chain import chain
from agentdc.passes.fold import fold
from agentdc.passes.localise import localise
from agentdc.passes.prune import prune


def run_passes(program: Program) -> Program:
    """The program as the code generator wants it."""
    return verify(localise(chain(fold(prune(program)))))
