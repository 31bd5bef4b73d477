"""Drop blocks that no start reaches, and number the loop edges that are left."""

from __future__ import annotations

from dataclasses import replace

from agentdc.ir.ops import Block, Choice, LoopEdge, Program, Step


def prune(program: Program) -> Program:
    """The program without blocks that nothing leads to."""
    by_name = {block.name: block for block in program.blocks}
    seen: set[str] = set()
    waiting = [start.block for start in program.starts]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(ways_out(by_name[name]))
    blocks = [block for block in program.blocks if block.name in seen]
    used = {loop.number for block in blocks for step in block.steps for loop in _loops(step)}
    numbers = {
        loop.number: index for index, loop in enumerate(one for one in program.loops if one.number in used)
    }
    return replace(
        program,
        blocks=tuple(_renumbered(block, numbers) for block in blocks),
        loops=tuple(
            replace(loop, number=numbers[loop.number]) for loop in program.loops if loop.number in used
        ),
    )


def ways_out(block: Block) -> list[str]:
    """The names of all blocks that the last step can lead to, repeats kept."""
    found: list[str] = []
    for _, choice in block.steps[-1].exits:
        found.extend(loop.target for loop in choice.loops)
        found.extend(choice.targets)
    return found


def _loops(step: Step) -> list[LoopEdge]:
    return [loop for _, choice in step.exits for loop in choice.loops]


def _renumbered(block: Block, numbers: dict[int, int]) -> Block:
    last = block.steps[-1]
    exits = tuple(
        (
            label,
            Choice(
                tuple(replace(loop, number=numbers[loop.number]) for loop in choice.loops), choice.targets
            ),
        )
        for label, choice in last.exits
    )
    return replace(block, steps=(*block.steps[:-1], replace(last, exits=exits)))
