"""Texts that are nearly workflows: parts of good ones exchanged, hostile values, unknown keys, noise.

A mutant is a function of the seed alone. What becomes of it is not known here.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import tomli
from grow import grown

TESTS = Path(__file__).parents[1]
# fmt: off
HOSTILE = (
    "", " ", "\n", "a\r\nb", '"', "'", '"""', "'''", "\\", "#", "{", "}}", "{{", "{{}}", "{{ }}", "{{a}}{{",
    "{{secret:x}}", "{% raw %}", "%s", "\t", "\x7f", "\u202e", "\u2028", "\u200b", "\ufeff", "ä", "\U0001f600",
    "e\u0301", "a" + "\u0300" * 50, "x" * 300, "None", "class", "run", "trace", "now", "__main__", "trigger",
    "trigger.", ".trigger", "trigger..a", "trigger.0", "trigger.+1", "trigger.kind", "a.b.c", "0", "-1", "true",
    "manual", "http", "../..", "/", "*", "**", "/**",
)
NUMBERS = (
    0, 1, -1, 2, 127, 2**31, 2**32, 2**63 - 1, -(2**63), 2**63, 10**40, 0.0, -0.0, 1.5, 1e308,
    float("inf"), float("nan"),
)
TOKENS = (
    "[", "]", "[[", "]]", "=", "{", "}", ",", ".", '"', "'", '"""', "\\", "\n", "#", "nodes", "inf", "nan", "1e999",
    "0x", "1979-05-27", "true", "\x00", "\xff", "\ud7ff", "é", "\u202e", "_", "\r",
)
KEYS = (
    "id", "type", "name", "from", "to", "when", "max_iterations", "retry", "source", "entry_node", "expr", "template",
    "input_from", "path_from", "content_from", "path", "status", "body_template", "reason", "required", "on", "x.y",
    "",
)
SECTIONS = (
    "start_nodes", "nodes", "edges", "triggers", "http_routes", "policy", "auth", "logging", "server", "signing",
    "budget", "intelligence", "mcp_servers", "secrets", "check", "workflows", "sandbox", "supervisor", "state",
)
# fmt: on

Table = dict[str, Any]


def corpus() -> list[Table]:
    """The documents of every case that is TOML, sound or not, in a fixed order."""
    paths = [
        *TESTS.glob("cases/*/*/*.toml"),
        *TESTS.glob("nodes/*/*.toml"),
        *TESTS.parent.glob("examples/**/*.toml"),
    ]
    documents = []
    for path in sorted(paths):
        try:
            documents.append(tomli.loads(path.read_text("utf-8")))
        except (tomli.TOMLDecodeError, UnicodeDecodeError, RecursionError):
            continue
    return documents


class Mutator:
    """An endless supply of texts; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._corpus = corpus()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield self._one()

    def _one(self) -> bytes:
        pick = self._random
        if pick.random() < 0.02:
            return "".join(pick.choices(TOKENS, k=pick.randrange(40))).encode()
        document = grown(pick) if pick.random() < 0.6 else copy.deepcopy(pick.choice(self._corpus))
        for _ in range(pick.choice((0, 0, 1, 1, 2, 3, 8))):
            pick.choice(CHANGES)(document, self)
        data = dump(document).encode("utf-8", "surrogatepass")
        return self._noise(data) if pick.random() < 0.1 else data

    def _noise(self, data: bytes) -> bytes:
        """The text with lines or bytes lost, doubled or replaced."""
        pick = self._random
        for _ in range(pick.randrange(1, 4)):
            at = pick.randrange(len(data) + 1)
            end = min(len(data), at + pick.choice((0, 1, 1, 5, 40)))
            new = pick.choice(
                (b"", data[at:end] * 2, pick.randbytes(pick.randrange(4)), pick.choice(TOKENS).encode())
            )
            data = data[:at] + new + data[end:]
        return data

    # What the changes below ask for.

    def place(self, document: Table) -> tuple[Any, Any]:
        """A container somewhere in the document, and one of its keys or indices."""
        found = list(_places(document))
        return self._random.choice(found) if found else (document, "name")

    def table(self, document: Table) -> Table:
        """A table somewhere in the document."""
        return self._random.choice(
            [document, *(each for each in _containers(document) if isinstance(each, dict))]
        )

    def value(self, document: Table, depth: int = 2) -> Any:
        """A value of any sort, often one of the document's own."""
        pick = self._random
        sort = pick.randrange(8 if depth else 6)
        if sort < 2:
            return pick.choice(HOSTILE)
        if sort == 2:
            return pick.choice(NUMBERS)
        if sort == 3:
            return pick.choice((True, False, date(1979, 5, 27)))
        if sort < 6:
            container, key = self.place(document)
            return copy.deepcopy(container[key]) if key in container or isinstance(key, int) else ""
        if sort == 6:
            return [self.value(document, depth - 1) for _ in range(pick.randrange(3))]
        return {self.key(): self.value(document, depth - 1) for _ in range(pick.randrange(3))}

    def key(self) -> str:
        """A name that tables have, or should not have."""
        return self._random.choice((*KEYS, *SECTIONS, *HOSTILE[:4]))

    def name(self, document: Table) -> str:
        """An id or name that the document uses."""
        used = [each for each in _strings(document) if len(each) < 40]
        return self._random.choice(used) if used else "x"

    def index(self, count: int) -> int:
        """A number below `count`."""
        return self._random.randrange(count)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _containers(value: Any) -> Iterator[Any]:
    for container, key in _places(value):
        if isinstance(container[key], dict | list):
            yield container[key]


def _strings(value: Any) -> Iterator[str]:
    for container, key in _places(value):
        if isinstance(container[key], str):
            yield container[key]


def _drop(document: Table, mutator: Mutator) -> None:
    container, key = mutator.place(document)
    if isinstance(key, int) or key in container:
        del container[key]


def _replace(document: Table, mutator: Mutator) -> None:
    container, key = mutator.place(document)
    container[key] = mutator.value(document)


def _add(document: Table, mutator: Mutator) -> None:
    mutator.table(document)[mutator.key()] = mutator.value(document)


def _repeat(document: Table, mutator: Mutator) -> None:
    lists = [each for each in _containers(document) if isinstance(each, list) and each]
    if lists:
        chosen = lists[mutator.index(len(lists))]
        chosen.append(copy.deepcopy(chosen[mutator.index(len(chosen))]))


def _swap(document: Table, mutator: Mutator) -> None:
    (left, a), (right, b) = mutator.place(document), mutator.place(document)
    both_there = all(isinstance(key, int) or key in container for container, key in ((left, a), (right, b)))
    if both_there and not isinstance(left[a], dict | list) and not isinstance(right[b], dict | list):
        left[a], right[b] = right[b], left[a]


def _rename(document: Table, mutator: Mutator) -> None:
    """One name everywhere, within paths as well, so that the graph stays whole."""
    old, new = mutator.name(document), HOSTILE[mutator.index(len(HOSTILE))]
    for container, key in list(_places(document)):
        if isinstance(container[key], str) and container[key].split(".")[0] == old:
            container[key] = new + container[key][len(old) :]


def _connect(document: Table, mutator: Mutator) -> None:
    edges, found = document.setdefault("edges", []), document.get("nodes")
    nodes = [each.get("id") for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    if isinstance(edges, list) and nodes:
        edge = {"from": nodes[mutator.index(len(nodes))], "to": nodes[mutator.index(len(nodes))]}
        more = ({}, {"when": mutator.name(document)}, {"max_iterations": mutator.index(4)})[mutator.index(3)]
        edges.append({**edge, **more})


def _wrap(document: Table, mutator: Mutator) -> None:
    whole = copy.deepcopy(document)
    if mutator.index(2):
        document.clear()
    document["workflows"] = [whole] * (1 + mutator.index(2))


def _deepen(document: Table, mutator: Mutator) -> None:
    container, key = mutator.place(document)
    value: Any = container[key] if isinstance(key, int) or key in container else ""
    for _ in range(mutator.index(60)):
        value = [value] if mutator.index(2) else {"a": value}
    container[key] = value


Change = Callable[[Table, Mutator], None]
CHANGES: tuple[Change, ...] = (
    *(_drop, _drop, _replace, _replace, _replace, _add, _repeat, _swap),
    *(_rename, _rename, _connect, _connect, _wrap, _deepen),
)


def dump(document: Mapping[str, Any]) -> str:
    """TOML: tables of arrays as headers where that is possible, everything else inline."""
    lines = []
    heads = {key: value for key, value in document.items() if _is_tables(value)}
    for key, value in document.items():
        if key not in heads:
            lines.append(f"{_string(key)} = {_value(value)}")
    for key, entries in heads.items():
        for entry in entries:
            lines += [
                f"[[{_string(key)}]]",
                *(f"{_string(name)} = {_value(each)}" for name, each in entry.items()),
            ]
    return "\n".join(lines) + "\n"


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _string(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{{', '.join(f'{_string(key)} = {_value(each)}' for key, each in value.items())}}}"
    return str(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
