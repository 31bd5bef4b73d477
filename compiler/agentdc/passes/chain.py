"""Join blocks that always follow each other: a block grows until a branch, a join, a loop target or its limit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from agentdc.ir.ops import Block, Program, Step
from agentdc.passes.prune import ways_out

MAX_STEPS = 100  # a function that a person can still scroll through


def chain(program: Program) -> Program:
    """The program with maximal chains as single blocks."""
    ways_in = Counter(target for block in program.blocks for target in ways_out(block))
    ways_in.update(start.block for start in program.starts)
    by_name = {block.name: block for block in program.blocks}
    joined: dict[str, str] = {}
    for block in program.blocks:
        following = _only_successor(block.steps[-1])
        if following is not None and ways_in[following] == 1 and following != block.name:
            joined[block.name] = following
    inner = set(joined.values())
    heads = [block for block in program.blocks if block.name not in inner]
    blocks: list[Block] = []
    for head in heads:
        blocks.extend(_cut(_steps(head, joined, by_name)))
    return replace(program, blocks=tuple(blocks))


def _only_successor(step: Step) -> str | None:
    """The block that always follows, when nothing has to be chosen."""
    if step.labelled or step.end != "continue" or len(step.exits) != 1:
        return None
    choice = step.exits[0][1]
    return choice.targets[0] if not choice.loops and len(choice.targets) == 1 else None


def _steps(head: Block, joined: dict[str, str], by_name: dict[str, Block]) -> list[Step]:
    steps = list(head.steps)
    while steps[-1].node in joined:
        steps.extend(by_name[joined[steps[-1].node]].steps)
    return steps


def _cut(steps: list[Step]) -> list[Block]:
    """Blocks of at most MAX_STEPS; inside a block the exits of a step are implied by the next one."""
    blocks = []
    for start in range(0, len(steps), MAX_STEPS):
        part = steps[start : start + MAX_STEPS]
        inside = [replace(step, exits=()) for step in part[:-1]]
        blocks.append(Block(part[0].node, (*inside, part[-1])))
    return blocks
