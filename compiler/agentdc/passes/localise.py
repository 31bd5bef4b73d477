"""Read outputs from local variables where the producer stands earlier in the same block; keep the others."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from agentdc.ir.ops import Block, Expr, Fetch, Program
from agentdc.ir.walk import parts, rewrite


def localise(program: Program) -> Program:
    """The program with local reads marked, and outputs kept only where another block reads them."""
    blocks = [_local(block) for block in program.blocks]
    read = {
        part.node
        for block in blocks
        for step in block.steps
        for part in parts(step.value)
        if isinstance(part, Fetch) and not part.local
    }
    return replace(program, blocks=tuple(_kept(block, read) for block in blocks))


def _local(block: Block) -> Block:
    seen: set[str] = set()
    steps = []
    for step in block.steps:
        steps.append(replace(step, value=rewrite(step.value, partial(_mark, frozenset(seen)))))
        seen.add(step.node)
    return replace(block, steps=tuple(steps))


def _mark(seen: frozenset[str], expr: Expr) -> Expr:
    if isinstance(expr, Fetch) and expr.node in seen:
        return replace(expr, local=True, ran=True)
    return expr


def _kept(block: Block, read: set[str]) -> Block:
    return replace(block, steps=tuple(replace(step, kept=step.node in read) for step in block.steps))
