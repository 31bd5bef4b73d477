"""An app that needs packages with compiled parts cannot be a zipapp, and can be a directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentdc.check.validate import Options
from agentdc.driver import build
from agentdc.driver.check import Signing
from agentdc.driver.compile import Compiled, compile_workflow
from agentdc.link.third_party import foreign_modules

WORKFLOW = """\
name = "greeter"
start_nodes = [{ name = "go", source = "manual" }]
nodes = [{ id = "say", type = "template_render", template = "hello" }]
"""


def _needing(*packages: str) -> Any:
    """What compiles as ever, and has linked further packages: no node kind of this version needs a compiled one."""

    def compiled(*arguments: Any) -> Compiled:
        found = compile_workflow(*arguments)
        return replace(found, foreign=foreign_modules(packages, found.package))

    return compiled


@pytest.mark.parametrize(("output", "slugs"), [("app.pyz", ["not_pure_python"]), ("app/", [])])
def test_packages_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, slugs: list[str]
) -> None:
    source = tmp_path / "workflow.toml"
    source.write_text(WORKFLOW)
    monkeypatch.setattr(build, "compile_workflow", _needing("cryptography", "httpx", "json", "not_installed"))
    request = build.BuildRequest(str(source), f"{tmp_path}/{output}", None, Options(), Signing())
    built = build.build(request)
    assert [each.code.slug for each in built.diagnostics] == slugs
    assert built.ok == (not slugs) == (tmp_path / output).exists()
    if slugs:
        assert "needs not_installed, cffi, cryptography" in built.diagnostics[0].message
