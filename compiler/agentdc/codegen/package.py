"""The generated package: every Python and text file of an app tree that is not copied from the runtime library."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from agentdc.codegen.literals import comment, literal
from agentdc.codegen.literals import docstring as quoted_docstring
from agentdc.codegen.names import identifier
from agentdc.codegen.render import render
from agentdc.codegen.tidy import tidy
from agentdc.codegen.views import MainView, ProjectView
from agentdc.codegen.workflow import WorkflowModule
from agentdc.ir.ops import Program

RUNTIME = "agentdc_runtime"


@dataclass(frozen=True, slots=True)
class Extras:
    """Optional parts of the runtime that the app's main module hands to the host: argument, module, name."""

    parts: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """What the generated files say about their origin."""

    compiler: str
    workflow_sha256: str


def package_name(workflow: str) -> str:
    """The import name of a workflow's package; never that of the runtime or the standard library."""
    name = identifier(workflow)
    taken = {RUNTIME, "agentdc", "node"} | sys.stdlib_module_names
    return f"{name}_app" if name in taken else name


def generate(program: Program, header: Header, extras: Extras) -> Mapping[str, str]:
    """Relative path to text, for all generated files; sorted by path."""
    package = package_name(program.name)
    project = ProjectView(
        package=package,
        distribution=package.replace("_", "-"),
        title=_title(program.name),
        compiler=header.compiler,
        workflow_sha256=header.workflow_sha256,
    )
    files = {
        "README.md": render("app/readme.md.j2", project),
        "__main__.py": render("app/dunder_main.py.j2", project),
        "pyproject.toml": render("app/pyproject.toml.j2", project),
        f"{package}/__init__.py": render("app/init.py.j2", project),
        f"{package}/main.py": tidy(render("app/main.py.j2", _main(program, package, header, extras))),
        f"{package}/workflow.py": tidy(render("app/workflow.py.j2", _workflow(program, header))),
    }
    return dict(sorted(files.items()))


def _title(name: str) -> str:
    """The workflow's name in words that are safe in prose and in a docstring."""
    return (
        "".join(each if each.isalnum() or each in " -_." else "?" for each in comment(name)).strip()
        or "agent"
    )


def _workflow(program: Program, header: Header) -> object:
    nodes = sum(len(block.steps) for block in program.blocks)
    docstring = (
        f"{comment(program.name)}: {_count(nodes, 'node')} in {_count(len(program.blocks), 'block')}.\n\n"
        f"Compiled from {comment(program.file)} (SHA-256 {header.workflow_sha256})\n"
        f"by agentdc {header.compiler}. Change the workflow and build again, rather than this file.\n"
    )
    return WorkflowModule(program).view(docstring)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _main(program: Program, package: str, header: Header, extras: Extras) -> MainView:
    return MainView(
        docstring=quoted_docstring(
            f"The app {comment(program.name)}: what it is made of, and where it starts."
        ),
        package=package,
        name=literal(program.name),
        source=literal(program.file),
        version=literal(header.compiler),
        imports=tuple(f"from {module} import {name}" for _, module, name in sorted(extras.parts)),
        parts=tuple(f"{argument}={name}" for argument, _, name in sorted(extras.parts)),
    )
