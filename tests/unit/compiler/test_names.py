"""Names in generated code: identifiers that look like the ids they come from, and never collide."""

from __future__ import annotations

import builtins
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdc.codegen.names import MAX_LENGTH, Names, identifier
from agentdc.codegen.package import package_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("load", "load"),
        ("Load Order!", "load_order"),
        ("loadOrder", "loadorder"),
        ("load-order.v2", "load_order_v2"),
        ("__init__", "init"),
        ("naïve café", "naive_cafe"),
        ("ﬁle №5", "file_no5"),
        ("9 lives", "n_9_lives"),
        ("²", "n_2"),
        ("class", "class_"),
        ("Class", "class_"),
        ("print", "print_"),
        ("None", "none"),
        ("", "node"),
        ("日本語", "node"),
        ("___", "node"),
        ('"; import os; "', "import_os"),
        ("a\nb\u2028c\u202ed", "a_bcd"),
        ("x" * 99, "x" * MAX_LENGTH),
        ("x" * (MAX_LENGTH - 1) + " y", "x" * (MAX_LENGTH - 1)),
    ],
)
def test_identifier(text: str, name: str) -> None:
    assert identifier(text) == name


@given(st.text())
def test_any_text_gives_an_identifier(text: str) -> None:
    name = identifier(text)
    assert name.isidentifier()
    assert name.isascii()
    assert name == name.lower()
    assert not keyword.iskeyword(name)
    assert name not in dir(builtins)
    assert len(name) <= MAX_LENGTH + 3


def test_names_are_handed_out_once() -> None:
    names = Names({"run"})
    assert [names.take(each) for each in ("a", "A", "a", "run", "a_2")] == [
        "a",
        "a_2",
        "a_3",
        "run_2",
        "a_2_2",
    ]
    assert names.take("a", prefix="from_") == "from_a"
    assert names.take("class", prefix="from_") == "from_class"
    assert names.take("a", upper=True) == "A"
    assert names.take("class", upper=True) == "CLASS_"


@given(st.lists(st.text(max_size=6), max_size=20), st.booleans())
def test_no_two_names_are_equal(texts: list[str], upper: bool) -> None:
    names = Names({"run", "now"})
    taken = [names.take(text, upper=upper) for text in texts]
    assert len(set(taken)) == len(taken)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in taken)
    assert not {"run", "now"} & set(taken)


@pytest.mark.parametrize(
    ("workflow", "package"),
    [
        ("Config Drift", "config_drift"),
        ("", "node_app"),
        ("日本語", "node_app"),
        ("agentdc", "agentdc_app"),
        ("agentdc_runtime", "agentdc_runtime_app"),
        ("class", "class_"),
        # A package beside `__main__.py` hides a module of the standard library from the whole app.
        ("signal", "signal_app"),
        ("JSON", "json_app"),
        ("os", "os_app"),
        ("Time", "time_app"),
    ],
)
def test_package_name(workflow: str, package: str) -> None:
    assert package_name(workflow) == package
