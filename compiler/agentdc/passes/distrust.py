"""Read what another process stored as if nothing were known of it: another version may have stored something else."""

from __future__ import annotations

from dataclasses import replace

from agentdc.ir.ops import Block, Expr, Fetch, Hole, Program, Template
from agentdc.ir.walk import rewrite


def distrust(program: Program) -> Program:
    """The program with every read a search, which misses in order where the checker had proved that it hits."""
    return replace(program, blocks=tuple(_block(block) for block in program.blocks))


def _block(block: Block) -> Block:
    return replace(
        block, steps=tuple(replace(each, value=rewrite(each.value, _searched)) for each in block.steps)
    )


def _searched(expr: Expr) -> Expr:
    match expr:
        case Fetch():
            return replace(expr, ran=False, certain=0)
        case Template(parts=parts):
            return replace(expr, parts=tuple(_open(part) for part in parts))
        case _:
            return expr


def _open(part: str | Hole) -> str | Hole:
    return part if isinstance(part, str) else replace(part, known="nothing")
