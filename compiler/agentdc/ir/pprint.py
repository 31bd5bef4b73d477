"""The program as stable text: for goldens, for people, and for the program digest.

The text holds everything that code generation depends on, so equal text means equal behaviour; positions in the
workflow file are left out, so that moving a comment does not make a different program.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any

from agentdc.ir.ops import (
    AnswerSchema,
    Block,
    Bundle,
    Call,
    ChildProgram,
    Choice,
    Const,
    Expr,
    Fetch,
    Hole,
    Items,
    Later,
    Load,
    Named,
    Program,
    Record,
    Segments,
    Step,
    Template,
    TriggerInput,
)
from agentdc.ir.service import Service


def bundle_text(bundle: Bundle) -> str:
    """Every program of an app, the main one first."""
    children = [f"child {_quoted(key)}\n{program_text(program)}" for key, program in bundle.children]
    service = [] if bundle.service is None else [*service_lines(bundle.service), ""]
    offers = [f"offer {_document(each)}\n" for each in bundle.offers]
    offers += [f"answer {_document(each)}\n" for each in bundle.answers]
    if bundle.offers:
        offers.append(f"purpose {_quoted(bundle.purpose)}\n")
    return "".join([program_text(bundle.main), *children, "\n".join(service), *offers])


def service_lines(service: Service) -> Iterator[str]:
    """What the app listens for, one line per route, trigger and setting."""
    for what, each in (*(("route", r) for r in service.routes), *(("trigger", t) for t in service.triggers)):
        yield f"{what} {type(each).__name__} {_document(each)}"
    plain = {
        field.name: getattr(service, field.name)
        for field in fields(service)
        if field.name not in {"routes", "triggers", "openapi"}
    }
    yield f"service {json.dumps(plain, sort_keys=True)}"


def _document(record: Any) -> str:
    return json.dumps(asdict(record), sort_keys=True, ensure_ascii=False)


def program_text(program: Program) -> str:
    """The whole program, one line per fact."""
    return "\n".join(_program(program)) + "\n"


def _program(program: Program) -> Iterator[str]:
    yield f"program {_quoted(program.name)}"
    for start in program.starts:
        yield f"start {_quoted(start.name)} {start.source} -> {_quoted(start.block)}"
    for loop in program.loops:
        yield f"loop {loop.number} at most {loop.limit} -> {_quoted(loop.target)}"
    for block in program.blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    yield f"block {_quoted(block.name)}"
    for step in block.steps:
        yield from _step(step)


def _step(step: Step) -> Iterator[str]:
    flags = [
        name for name, on in (("labelled", step.labelled), ("kept", step.kept), ("awaits", step.awaits)) if on
    ]
    end = [] if step.end == "continue" else [step.end]
    yield " ".join([f"  {_quoted(step.node)} {step.kind} =", expr_text(step.value), *flags, *end])
    if step.retry is not None:
        retry = step.retry
        on = "transient" if retry.transient else "any"
        yield f"    retry {retry.max_attempts} on {on} back-off {retry.backoff_ms} ms jitter {retry.jitter}"
    for label, choice in step.exits:
        yield f"    {'else' if label is None else _quoted(label)} -> {_choice(choice)}"


def _choice(choice: Choice) -> str:
    loops = [f"loop {loop.number}" for loop in choice.loops]
    return ", ".join([*loops, *(_quoted(target) for target in choice.targets)])


def expr_text(expr: Expr) -> str:
    """One expression on one line."""
    match expr:
        case Const(value) | Segments(value):
            return _quoted(value)
        case Load(path, missing, tool):
            return f"load({_quoted(path)}, {missing}, {tool})"
        case Fetch():
            return _fetch(expr)
        case TriggerInput():
            return "input()"
        case Record(items):
            return "{" + ", ".join(f"{_quoted(key)}: {expr_text(value)}" for key, value in items) + "}"
        case Template(parts, data):
            shown = " ".join(_part(part) for part in parts)
            return f"template([{shown}], {expr_text(data)})"
        case Call(function, arguments, takes_run):
            named = [f"{name}={expr_text(value)}" for name, value in arguments]
            return f"{function}({', '.join(['run', *named] if takes_run else named)})"
        case Later(body):
            return f"later({expr_text(body)})"
        case Items(items):
            return f"({', '.join(expr_text(item) for item in items)})"
        case ChildProgram(file):
            return f"child({_quoted(file)})"
        case Named(name):
            return name
        case AnswerSchema(name, document):
            return f"answer({_quoted(name)}, {_quoted(document)})"


def _fetch(fetch: Fetch) -> str:
    source = "local" if fetch.local else ("output" if fetch.ran else "maybe")
    sure = "".join(f".{_quoted(each)}" for each in fetch.segments[: fetch.certain])
    rest = "".join(f"?{_quoted(each)}" for each in fetch.segments[fetch.certain :])
    consumer = f" else error of {fetch.tool}" if fetch.missing == "error" else " else null"
    whole = fetch.ran and fetch.certain == len(fetch.segments)
    return f"{source} {_quoted(fetch.node)}{sure}{rest}{'' if whole else consumer}"


def _part(part: str | Hole) -> str:
    return _quoted(part) if isinstance(part, str) else f"<{_quoted(part.key)} {part.known}>"


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True)
