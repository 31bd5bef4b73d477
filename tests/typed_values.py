"""JSON values of a type of the checker's language, as a strategy: small, with edge cases and keys that paths name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agentdc.types import Array, Literal, Never, Object, Scalar, Type, Union, Unknown

WORDS = (
    "",
    "a",
    "x",
    "true",
    "null",
    "0",
    "{}",
    "[1]",
    '{"a":1}',
    "not json",
    "out/a.txt",
    "http://127.0.0.1:9/",
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "integer": st.sampled_from((0, 1, -1, 7, 2**40)),
    "float": st.sampled_from((0.0, 1.0, -0.5, 1e21)),
    "string": st.sampled_from(WORDS),
}


def values(wanted: Type, keys: Sequence[str] = ("a", "b"), depth: int = 3) -> st.SearchStrategy[Any]:
    """Values of the type; `keys`: what objects of which nothing is known have."""
    inner = partial(values, keys=keys, depth=depth - 1)
    match wanted:
        case Never():
            return st.nothing()
        case Unknown(null, full):
            return _anything(keys, depth).filter(
                lambda value: (null or value is not None) and (not full or value)
            )
        case Scalar(kind, full):
            return SCALARS[kind].filter(bool) if full else SCALARS[kind]
        case Literal(_, value):
            return st.just(value)
        case Union(members):
            return st.one_of([inner(member) for member in members])
        case Array(item, prefix):
            more = st.just([]) if depth <= 0 or inner(item).is_empty else st.lists(inner(item), max_size=2)
            first = st.tuples(*[inner(each) for each in prefix])
            return st.builds(lambda there, rest: [*there, *rest], first, more)
        case Object(fields, rest):
            required = {name: inner(field.type) for name, field in fields if field.required}
            optional = {
                name: inner(field.type)
                for name, field in fields
                if not field.required and not isinstance(field.type, Never)
            }
            named = st.fixed_dictionaries(required, optional=optional)
            others = [each for each in keys if each not in {name for name, _ in fields}]
            if rest is None or not others or depth <= 0:
                return named
            extra = st.dictionaries(st.sampled_from(others), inner(rest), max_size=2)
            return st.builds(lambda some, known: {**some, **known}, extra, named)


def _anything(keys: Sequence[str], depth: int) -> st.SearchStrategy[Any]:
    scalars = st.one_of(list(SCALARS.values()))
    if depth <= 0:
        return scalars
    below = _anything(keys, depth - 1)
    objects = st.dictionaries(st.sampled_from(list(keys) or ["a"]), below, max_size=max(3, len(keys)))
    return st.one_of(scalars, objects, objects, st.lists(below, max_size=3))


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """The first values of a strategy, the same ones each time."""
    found: list[Any] = []
    if strategy.is_empty:
        return found

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def one(value: Any) -> None:
        found.append(value)

    one()
    return found
