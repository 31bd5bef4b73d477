"""Codes as people name them, by number or slug; what nobody knows is told with the nearest name."""

from __future__ import annotations

from collections.abc import Iterable

from agentdc.diagnostics.codes import CODES, find
from agentdc.diagnostics.suggest import did_you_mean


class UnknownCode(ValueError):
    """A name that no diagnostic has; the message is for the user."""


def slugs(names: Iterable[str]) -> frozenset[str]:
    """The slugs of the named codes; UnknownCode for the first that there is not."""
    found = set()
    for name in names:
        code = find(name)
        if code is None:
            near = did_you_mean(name, [*CODES, *(each.number for each in CODES.values())])
            raise UnknownCode(f'no diagnostic has the code "{name}"' + (f"; {near}" if near else ""))
        found.add(code.slug)
    return frozenset(found)
