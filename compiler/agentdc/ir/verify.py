"""The invariants of `ops`, checked between passes; a violation is a mistake of the compiler."""

from __future__ import annotations

from collections.abc import Collection

from agentdc.ir.ops import Block, Fetch, Load, Program, Step
from agentdc.ir.walk import parts


class BrokenProgram(Exception):
    """A program that breaks its own rules; the message names the step."""


def verify(program: Program) -> Program:
    """The same program; BrokenProgram when a rule of `ops` does not hold."""
    names = [block.name for block in program.blocks]
    if len(set(names)) != len(names):
        raise BrokenProgram("two blocks have one name")
    kept = {step.node for block in program.blocks for step in block.steps if step.kept} | {"trigger"}
    for start in program.starts:
        _target(start.block, names, f"start {start.name}")
    for block in program.blocks:
        _block(block, set(names), kept)
    return program


def _block(block: Block, names: set[str], kept: set[str]) -> None:
    if not block.steps or block.steps[0].node != block.name:
        raise BrokenProgram(f"block {block.name} is not named after its first step")
    seen: set[str] = set()
    for index, step in enumerate(block.steps):
        _reads(step, seen, kept)
        if index < len(block.steps) - 1 and (step.exits or step.labelled or step.end != "continue"):
            raise BrokenProgram(f"step {step.node} chooses a way out in the middle of a block")
        for _, choice in step.exits:
            for target in (*choice.targets, *(loop.target for loop in choice.loops)):
                _target(target, names, step.node)
        seen.add(step.node)


def _reads(step: Step, seen: set[str], kept: set[str]) -> None:
    for part in parts(step.value):
        if isinstance(part, Load):
            raise BrokenProgram(f"step {step.node} still reads {part.path} as written")
        if isinstance(part, Fetch):
            if part.local and part.node not in seen:
                raise BrokenProgram(f"step {step.node} reads {part.node} before it ran")
            if not part.local and part.ran and part.node not in kept:
                raise BrokenProgram(f"step {step.node} reads {part.node}, which is not kept")


def _target(name: str, names: Collection[str], where: str) -> None:
    if name not in names:
        raise BrokenProgram(f"{where} leads to {name}, which is no block")
