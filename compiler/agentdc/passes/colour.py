"""The colour of an app: when any program awaits, every program is awaited, and so is every `call`."""

from __future__ import annotations

from dataclasses import replace

from agentdc.ir.ops import Block, Bundle, Call, Program, Step

PLAIN = "agentdc_runtime.nodes.call:run"
AWAITED = "agentdc_runtime.nodes.call_async:run"


def colour(bundle: Bundle) -> Bundle:
    """The bundle with awaited `call` nodes where the app awaits at all."""
    if not bundle.awaits:
        return bundle
    children = tuple((key, _program(program)) for key, program in bundle.children)
    stepwise = None if bundle.stepwise is None else _program(bundle.stepwise)
    return replace(bundle, main=_program(bundle.main), children=children, stepwise=stepwise)


def _program(program: Program) -> Program:
    blocks = tuple(Block(block.name, tuple(_step(step) for step in block.steps)) for block in program.blocks)
    return replace(program, blocks=blocks)


def _step(step: Step) -> Step:
    match step.value:
        case Call(function) as call if function == PLAIN:
            return replace(step, value=replace(call, function=AWAITED), awaits=True)
        case _:
            return step
