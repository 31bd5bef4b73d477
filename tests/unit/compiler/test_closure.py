"""What a set of texts reaches in a library, on a small library of our own and on the real one."""

from __future__ import annotations

import sys

import pytest
from compiled import RUNTIME, TESTS, compiled

from agentdc.link.closure import MissingModule, imports, reachable_modules
from agentdc.link.library import module_path, module_source

LIBRARY = {
    "agentdc_runtime": "",
    "agentdc_runtime.a": "from agentdc_runtime.b import thing\nimport os.path\n",
    "agentdc_runtime.b": "def later() -> None:\n    from agentdc_runtime.deep import c\n    import json\n",
    "agentdc_runtime.deep": "",
    "agentdc_runtime.deep.c": "import agentdc_runtime.a\n",
    "agentdc_runtime.deep.d": "",
    "agentdc_runtime.typed": (
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from agentdc_runtime.a import thing\n"
        "else:\n    from agentdc_runtime.deep import d\n"
    ),
    "agentdc_runtime.broken": "from agentdc_runtime.nothing import x\n",
}


@pytest.mark.parametrize(
    ("root", "modules", "others"),
    [
        ("", "", []),
        ("import sys\nfrom os import path\n", "", ["os", "sys"]),
        ("import agentdc_runtime\n", "R", []),
        ("from agentdc_runtime.deep.d import x\n", "R R.deep R.deep.d", []),
        # A name that is a module is that module; one that is not is content of its parent.
        ("from agentdc_runtime.deep import d\n", "R R.deep R.deep.d", []),
        ("from agentdc_runtime.deep import x\n", "R R.deep", []),
        # Imports inside functions count, and rings end.
        ("from agentdc_runtime import a\n", "R R.a R.b R.deep R.deep.c", ["json", "os"]),
        # Imports for the type checker do not.
        ("import agentdc_runtime.typed\n", "R R.deep R.deep.d R.typed", []),
        ("import agentdc_runtime_extra\n", "", ["agentdc_runtime_extra"]),
    ],
)
def test_reachable_modules(root: str, modules: str, others: list[str]) -> None:
    found = reachable_modules([root], LIBRARY.get)
    assert list(found.modules) == modules.replace("R", "agentdc_runtime").split()
    assert sorted(found.others) == others
    assert found.modules == {name: LIBRARY[name] for name in found.modules}


@pytest.mark.parametrize("root", ["import agentdc_runtime.nowhere", "import agentdc_runtime.broken"])
def test_a_module_that_is_not_there(root: str) -> None:
    with pytest.raises(MissingModule):
        reachable_modules([root], LIBRARY.get)


def test_imports_in_every_place() -> None:
    source = "try:\n    import a\nexcept ImportError:\n    import b\n"
    source += "class C:\n    import c\n    def f(self):\n        import d, e.f\n"
    assert sorted(module for module, _ in imports(source)) == ["a", "b", "c", "d", "e.f"]


def test_the_real_library() -> None:
    assert module_source("agentdc_runtime.values") is not None
    assert module_source("agentdc_runtime.nowhere") is None
    assert module_path("agentdc_runtime") == "agentdc_runtime/__init__.py"
    assert module_path("agentdc_runtime.core") == "agentdc_runtime/core/__init__.py"
    assert module_path("agentdc_runtime.core.run") == "agentdc_runtime/core/run.py"


def _linked(case: str) -> set[str]:
    return set(compiled((TESTS / case / "workflow.toml").read_bytes()).closure.modules)


def test_only_what_is_needed_is_linked() -> None:
    least = _linked("nodes/terminate")
    assert not {each for each in least if ".nodes" in each or ".policy" in each or ".signing" in each}
    assert not least & {"agentdc_runtime.core.retry", "agentdc_runtime.core.edges", "agentdc_runtime.values"}
    assert _linked("nodes/read_env") - least == {
        "agentdc_runtime.nodes",
        "agentdc_runtime.nodes.condition",
        "agentdc_runtime.nodes.read_env",
        "agentdc_runtime.policy",
        "agentdc_runtime.policy.gate",
        "agentdc_runtime.policy.match",
        "agentdc_runtime.policy.paths",
        "agentdc_runtime.core.retry",
        "agentdc_runtime.values",
    }


def test_the_tree_holds_what_is_linked_and_needs_nothing_else() -> None:
    app = compiled((TESTS / "cases/valid/retry/workflow.toml").read_bytes())
    in_tree = {name for name in app.files if name.startswith(RUNTIME)}
    assert in_tree == {module_path(module) for module in app.closure.modules}
    assert app.closure.others - {app.package} <= sys.stdlib_module_names


def test_a_workflow_that_never_waits_links_nothing_that_does() -> None:
    """Not even for a start that never comes: what is linked is what a binary carries."""
    app = compiled((TESTS.parent / "examples" / "triage" / "workflow.toml").read_bytes())
    heavy = {"asyncio", "httpx", "select", "selectors", "socket", "sqlite3", "ssl", "subprocess", "threading"}
    assert not heavy & app.closure.others
    assert not [
        each for each in app.closure.modules if each.split(".")[1:2] in (["net"], ["secrets"], ["testing"])
    ]
