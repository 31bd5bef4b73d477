from __future__ import annotations

import pytest

from agentdc.freeze import reach

CASES: dict[str, tuple[str, str, set[str]]] = {
    "plain": ("import a.b, c", "", {"a", "a.b", "c"}),
    "from": ("from a.b import c, d", "", {"a", "a.b", "a.b.c", "a.b.d"}),
    "star": ("from a import *", "", {"a"}),
    "relative": ("from . import x\nfrom ..y import z", "p.q", {"p", "p.q", "p.q.x", "p.y", "p.y.z"}),
    "type checking": ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", "", {"b"}),
    "typing.TYPE_CHECKING": ("import typing\nif typing.TYPE_CHECKING:\n    import a", "", {"typing"}),
    "as a script": ("if __name__ == '__main__':\n    import a", "", set()),
    "not python": ("import (", "", set()),
    "nul": ("import a\0", "", set()),
}


@pytest.mark.parametrize("case", CASES)
def test_imports_of(case: str) -> None:
    source, package, expected = CASES[case]
    assert set(reach.imports_of(source.encode(), package, thorough=True)) == expected


@pytest.mark.parametrize(
    ("source", "eager"),
    [
        ("def f():\n    import a", set()),
        ("async def f():\n    import a", set()),
        ("class C:\n    import a", {"a"}),
        ("try:\n    import a\nexcept ImportError:\n    import b\nelse:\n    import c", {"c"}),
        ("try:\n    import a\nexcept (KeyError, ModuleNotFoundError):\n    pass", set()),
        ("try:\n    import a\nexcept:\n    pass", set()),
        ("try:\n    import a\nexcept KeyError:\n    pass", {"a"}),
        ("with x:\n    import a", {"a"}),
    ],
)
def test_two_manners(source: str, eager: set[str]) -> None:
    assert set(reach.imports_of(source.encode(), "", thorough=False)) == eager
    assert "a" in reach.imports_of(source.encode(), "", thorough=True)


NEEDS: dict[str, tuple[str, set[str], set[str]]] = {
    # source, reached, not reached
    "one-shot": (
        "import json, re, os",
        {"json.decoder", "enum", "functools"},
        {"inspect", "typing", "ssl", "decimal"},
    ),
    "lazy in the app": ("def f():\n    import sqlite3", {"sqlite3", "datetime"}, {"asyncio"}),
    "lazy in the library": ("import random", {"random", "bisect"}, {"statistics", "decimal"}),
    "lazy in its own package": (
        "import asyncio",
        {"queue", "concurrent.futures.thread"},
        {"multiprocessing", "ssl"},
    ),
    "process pool": ("from concurrent.futures import ProcessPoolExecutor", {"multiprocessing"}, set()),
    "optional tls": ("import http.client", {"ssl", "_ssl"}, set()),
    "from C": ("import time\ntime.strptime('1', '%d')", {"_strptime", "calendar"}, set()),
    "in C": ("import decimal", {"numbers"}, set()),
    "its own files": ("import greeter.main, json", {"json"}, {"greeter", "greeter.main"}),
    "not linked": ("import pydantic", {"pydantic"}, {"typing"}),
}


@pytest.mark.parametrize("case", NEEDS)
def test_needed_modules(case: str) -> None:
    source, reached, other = NEEDS[case]
    needed = reach.needed_modules(
        {"__main__.py": source.encode(), "greeter/main.py": b"", "greeter/d.json": b"{"}
    )
    assert reached <= needed
    assert not other & needed


def test_linked_packages_are_followed() -> None:
    tree = {"__main__.py": b"import jinja2"}
    assert "urllib.parse" in reach.needed_modules(tree, ["jinja2", "markupsafe"])
    assert "urllib.parse" not in reach.needed_modules(tree)


def test_extension_modules_are_read_for_names() -> None:
    library = b"xx\0uuid\0yy openssl\0collectionsdatetimejson\0pressl"
    named = reach._named_in(library)
    assert {"uuid", "datetime", "collections"} <= set(named)
    assert "ssl" not in named
