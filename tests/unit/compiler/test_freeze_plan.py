from __future__ import annotations

import ast

import pytest

from agentdc.freeze import reach
from agentdc.freeze.plan import GROUPS, Plan, arguments, environment, plan, spec_text

FILES = ["__main__.py", "greeter/__init__.py", "greeter/workflow.toml", "greeter/manifest.json", "note.txt"]

SPEC = """\
import os

analysis = Analysis(
    ["tree/__main__.py"],
    pathex=["tree"],
    datas=[
        ('tree/greeter/it\\'s "one".json', 'greeter'),
        ('tree/note.txt', '.'),
    ],
    hiddenimports=[
        '_struct',
        'zlib',
    ],
    excludes=[
        'asyncio',
        'ssl',
    ],
    runtime_hooks=["hook.py"],
    optimize=0,
)
# loads inspect, ast and zipfile in every start, so that source text can be found that no binary holds
scripts = [entry for entry in analysis.scripts if entry[0] != "pyi_rth_inspect"]
modules = PYZ(analysis.pure)
kinds = ("BINARY", "EXTENSION", "DATA", "EXECUTABLE", "PYSOURCE", "PYMODULE")
for compress in (False, True):
    program = EXE(
        modules, scripts, analysis.binaries, analysis.datas, [("X utf8=1", None, "OPTION")],
        name="app", console=True, strip=True, upx=False, cdict=dict.fromkeys(kinds, compress),
    )
    if os.path.getsize(program.name) <= 8000000:
        break
"""


def of(source: str, **more: list[str]) -> Plan:
    return plan(FILES, reach.needed_modules({"__main__.py": source.encode()}), **more)


def test_spec_text() -> None:
    assert spec_text(Plan(('greeter/it\'s "one".json', "note.txt"), ("asyncio", "ssl"))) == SPEC
    ast.parse(SPEC)


KEPT: dict[str, tuple[str, set[str], set[str]]] = {
    # source, not excluded, excluded
    "one-shot": (
        "import json, os, re, signal, sys, time",
        {"json", "re", "traceback"},
        {g[0] for g in GROUPS},
    ),
    "subprocess": (
        "import subprocess",
        {"subprocess", "selectors", "threading"},
        {"socket", "asyncio", "ssl"},
    ),
    "asyncio": (
        "import asyncio",
        {"asyncio", "_asyncio", "socket", "queue", "select"},
        {"ssl", "_ssl", "_hashlib"},
    ),
    "hashlib": ("import hmac", {"hashlib", "_sha512", "_blake2"}, {"_hashlib", "random", "ssl"}),
    "random": ("import random", {"random", "_sha512"}, {"hashlib", "statistics"}),
    "tls": ("import ssl", {"ssl", "_ssl", "_hashlib", "calendar"}, {"http", "email"}),
    "sqlite": ("import sqlite3", {"sqlite3", "_sqlite3", "datetime", "_strptime"}, {"threading"}),
    "decimal": ("import decimal", {"decimal", "_decimal", "numbers", "contextvars"}, set()),
}


@pytest.mark.parametrize("case", KEPT)
def test_excludes(case: str) -> None:
    source, kept, out = KEPT[case]
    excludes = set(of(source).excludes)
    assert not kept & excludes
    assert out <= excludes


def test_encodings() -> None:
    alone, network = set(of("import json").excludes), set(of("import socket").excludes)
    assert {"encodings.cp1252", "encodings.gbk", "encodings.idna"} <= alone
    assert not {"encodings.utf_8", "encodings.utf_16_le", "encodings.ascii", "encodings.latin_1"} & alone
    assert {"encodings.gbk", "encodings.euc_jp", "encodings.hz", "encodings.cp949"} <= network
    assert not {"encodings.cp1252", "encodings.idna", "encodings.iso8859_15", "encodings.cp1250"} & network


def test_only_linked_packages_get_in() -> None:
    made = of("import httpx", packages=["httpx"], installed=["httpx", "rich", "yaml", "asyncio"])
    assert {"rich", "yaml"} <= set(made.excludes)
    assert "httpx" not in made.excludes


def test_the_rest_of_a_plan() -> None:
    assert of("import json").data == ("greeter/manifest.json", "greeter/workflow.toml", "note.txt")
    assert of("import time; time.strptime").hidden == ("_strptime", "_struct", "zlib")
    assert (of("import json").stored_up_to, of("import asyncio").stored_up_to) == (8_000_000, 12_000_000)
    assert list(of("").excludes) == sorted(of("").excludes)


def test_a_name_is_in_one_group_or_stays_for_either() -> None:
    for group in GROUPS:
        assert not set(group) & set(plan([], {group[0]}).excludes)


def test_environment_is_fixed() -> None:
    made = environment({"PATH": "/bin", "PYTHONPATH": "/x", "SECRET": "s", "HOME": "/root"}, "/work")
    assert made["PATH"] == "/bin"
    assert made["HOME"] == made["TMPDIR"] == "/work"
    assert made["PYTHONHASHSEED"] == "0"
    assert not {"PYTHONPATH", "SECRET", "LD_LIBRARY_PATH"} & made.keys()


def test_arguments() -> None:
    assert arguments("app.spec")[:4] == ("-P", "-s", "-m", "PyInstaller")
    assert arguments("app.spec")[-1] == "app.spec"
