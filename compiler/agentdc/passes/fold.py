"""Templates whose text is known at build time become constants."""

from __future__ import annotations

from dataclasses import replace

from agentdc.ir.ops import Block, Const, Expr, Program, Template
from agentdc.ir.walk import rewrite


def fold(program: Program) -> Program:
    """The program with constant templates computed."""
    return replace(program, blocks=tuple(_block(block) for block in program.blocks))


def _block(block: Block) -> Block:
    return replace(
        block, steps=tuple(replace(each, value=rewrite(each.value, _folded)) for each in block.steps)
    )


def _folded(expr: Expr) -> Expr:
    if not isinstance(expr, Template):
        return expr
    if all(isinstance(part, str) for part in expr.parts) and isinstance(expr.data, Const):
        return Const("".join(part for part in expr.parts if isinstance(part, str)))
    return expr
