"""The passes in their order, with the program's rules checked at the end."""

from __future__ import annotations

from dataclasses import replace

from agentdc.ir.ops import Bundle, Program
from agentdc.ir.verify import verify
from agentdc.passes.chain import chain
from agentdc.passes.colour import colour
from agentdc.passes.distrust import distrust
from agentdc.passes.fold import fold
from agentdc.passes.localise import localise
from agentdc.passes.prune import prune


def run_passes(bundle: Bundle, *, stepwise: bool = False) -> Bundle:
    """The bundle as the code generator wants it; `stepwise`: with the main program one block per node as well."""
    children = tuple((key, _program(program)) for key, program in bundle.children)
    single = _single(bundle.main) if stepwise else None
    return colour(replace(bundle, main=_program(bundle.main), children=children, stepwise=single))


def _program(program: Program) -> Program:
    return verify(localise(chain(fold(prune(program)))))


def _single(program: Program) -> Program:
    """Every node begins a block, so that a run can go on at any of them."""
    return verify(localise(distrust(fold(prune(program)))))
