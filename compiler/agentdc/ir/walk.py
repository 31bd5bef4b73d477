"""Visiting and rewriting expressions, bottom up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from agentdc.ir.ops import (
    AnswerSchema,
    Call,
    ChildProgram,
    Const,
    Expr,
    Fetch,
    Items,
    Later,
    Load,
    Named,
    Record,
    Segments,
    Template,
    TriggerInput,
)


def rewrite(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The expression with `change` applied to every part, inner parts first."""
    match expr:
        case Record(pairs):
            expr = Record(tuple((key, rewrite(value, change)) for key, value in pairs))
        case Call(_, arguments):
            rewritten = tuple((name, rewrite(value, change)) for name, value in arguments)
            expr = replace(expr, arguments=rewritten)
        case Template(parts, data):
            expr = Template(parts, rewrite(data, change))
        case Later(body):
            expr = Later(rewrite(body, change))
        case Items(items):
            expr = Items(tuple(rewrite(item, change) for item in items))
        case (
            Const()
            | Load()
            | Fetch()
            | TriggerInput()
            | Segments()
            | ChildProgram()
            | AnswerSchema()
            | Named()
        ):
            pass
    return change(expr)


def parts(expr: Expr) -> Iterator[Expr]:
    """The expression and every expression inside it, outer first."""
    yield expr
    match expr:
        case Record(pairs):
            for _, value in pairs:
                yield from parts(value)
        case Call(_, arguments):
            for _, value in arguments:
                yield from parts(value)
        case Template(_, data):
            yield from parts(data)
        case Later(body):
            yield from parts(body)
        case Items(items):
            for item in items:
                yield from parts(item)
        case (
            Const()
            | Load()
            | Fetch()
            | TriggerInput()
            | Segments()
            | ChildProgram()
            | AnswerSchema()
            | Named()
        ):
            pass
