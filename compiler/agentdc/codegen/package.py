"""The generated package: every Python and text file of an app tree that is not copied from the runtime library."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from agentdc.codegen.literals import comment, literal
from agentdc.codegen.literals import docstring as quoted_docstring
from agentdc.codegen.names import Names, identifier
from agentdc.codegen.offers import offer_modules
from agentdc.codegen.render import render
from agentdc.codegen.schemas import Schemas
from agentdc.codegen.serve import ServeModule
from agentdc.codegen.tidy import tidy
from agentdc.codegen.tools import tool_modules
from agentdc.codegen.views import MainView, ModelsView, ProjectView
from agentdc.codegen.workflow import WorkflowModule
from agentdc.ir.ops import Bundle, Program

RUNTIME = "agentdc_runtime"


@dataclass(frozen=True, slots=True)
class Extras:
    """What an app has beside its programs.

    `parts`: optional parts of the runtime that the main module hands to the host: argument, module, name.
    `requirements`: third-party distributions to install beside a directory app. `features`: parts that flags need.
    `dialects`: modules of `agentdc_runtime.models` that speak to the providers of its models.
    """

    parts: tuple[tuple[str, str, str], ...] = ()
    requirements: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """What the generated files say about their origin. `digests`: SHA-256 of each workflow file by its name."""

    compiler: str
    workflow_sha256: str
    digests: Mapping[str, str]

    def sha256(self, file: str) -> str:
        """The digest of one workflow file."""
        return self.digests[file]


# Import names of the third-party packages that the runtime library can link, with what they require.
LINKABLE = frozenset(
    {"anyio", "certifi", "h11", "httpcore", "httpx", "idna", "jsonschema", "sniffio", "typing_extensions"}
)


OWN_MODULES = frozenset(
    {
        *("main", "models", "offer_schemas", "offers", "schemas", "serve", "stepwise"),
        *("tool_schemas", "tools", "workflow"),
    }
)


def package_name(workflow: str) -> str:
    """The import name of a workflow's package; never that of a module that the app may import."""
    name = identifier(workflow)
    taken = {RUNTIME, "agentdc", "node"} | LINKABLE | sys.stdlib_module_names
    return f"{name}_app" if name in taken else name


def generate(bundle: Bundle, header: Header, extras: Extras) -> Mapping[str, str]:
    """Relative path to text, for all generated files; sorted by path."""
    package = package_name(bundle.main.name)
    schemas = Schemas(bundle)
    project = ProjectView(
        package=package,
        distribution=package.replace("_", "-"),
        title=_title(bundle.main.name),
        compiler=header.compiler,
        workflow_sha256=header.workflow_sha256,
        dependencies=", ".join(literal(each).replace("'", '"') for each in extras.requirements),
    )
    modules = _modules(bundle, package)
    programs = {"workflow": bundle.main} | {modules[key][1]: program for key, program in bundle.children}
    files = {
        "README.md": render("app/readme.md.j2", project),
        "__main__.py": render("app/dunder_main.py.j2", project),
        "pyproject.toml": render("app/pyproject.toml.j2", project),
        f"{package}/__init__.py": render("app/init.py.j2", project),
        f"{package}/main.py": tidy(render("app/main.py.j2", _main(bundle, package, header, extras))),
    }
    if bundle.stepwise is not None:
        programs["stepwise"] = bundle.stepwise
    for module, program in programs.items():
        needs = dict(bundle.needs) if program is bundle.stepwise else None
        writer = WorkflowModule(program, modules, package, schemas, awaits=bundle.awaits, needs=needs)
        view = writer.view(_docstring(program, header))
        files[f"{package}/{module}.py"] = tidy(render("app/workflow.py.j2", view))
    if bundle.service is not None:
        listed = ServeModule(bundle.service, package, schemas, awaits=bundle.awaits)
        files[f"{package}/serve.py"] = tidy(render("app/serve.py.j2", listed.view()))
    if schemas:
        files[f"{package}/schemas.py"] = tidy(schemas.module())
    if extras.dialects:
        files[f"{package}/models.py"] = tidy(render("app/models.py.j2", _models(bundle, extras)))
    if bundle.offers:
        files |= offer_modules(bundle, package, header.compiler)
    if bundle.answers:
        router = next(module for argument, module, _ in extras.parts if argument == "mcp")
        files |= tool_modules(bundle.answers, package, router)
    if extras.requirements:
        files["requirements.txt"] = "".join(f"{each}\n" for each in extras.requirements)
    return dict(sorted(files.items()))


def _models(bundle: Bundle, extras: Extras) -> ModelsView:
    return ModelsView(
        docstring=quoted_docstring(
            f"The models that {comment(bundle.main.name)} asks: how their providers speak."
        ),
        imports=tuple(f"from agentdc_runtime.models import {module}" for module in extras.dialects),
        dialects=tuple((literal(module), module) for module in extras.dialects),
    )


def _modules(bundle: Bundle, package: str) -> dict[str, tuple[str, str]]:
    """(package, module) of each program that a node may run; children are named after their files."""
    names = Names(OWN_MODULES)
    return {bundle.main_key: (package, "workflow")} | {
        key: (package, names.take(program.file.removesuffix(".toml"), prefix="child_"))
        for key, program in bundle.children
    }


def _title(name: str) -> str:
    """The workflow's name in words that are safe in prose and in a docstring."""
    return (
        "".join(each if each.isalnum() or each in " -_." else "?" for each in comment(name)).strip()
        or "agent"
    )


def _docstring(program: Program, header: Header) -> str:
    nodes = sum(len(block.steps) for block in program.blocks)
    return (
        f"{comment(program.name)}: {_count(nodes, 'node')} in {_count(len(program.blocks), 'block')}.\n\n"
        f"Compiled from {comment(program.file)} (SHA-256 {header.sha256(program.file)})\n"
        f"by agentdc {header.compiler}. Change the workflow and build again, rather than this file.\n"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _main(bundle: Bundle, package: str, header: Header, extras: Extras) -> MainView:
    driver = "drive_async" if bundle.awaits else "drive"
    parts = [each for each in extras.parts if not (each[0] == "mcp" and bundle.answers)]
    if bundle.answers:
        parts.append(("mcp", f"{package}.tools", "router"))
    parts += [("drive", f"agentdc_runtime.core.{driver}", "drive")]
    if bundle.service is not None:
        parts.append(("serve", f"{package}.serve", "serve"))
    if bundle.offers:
        parts.append(("offer", f"{package}.offers", "offer"))
    if bundle.stepwise is not None:
        kept = "walk_async" if bundle.awaits else "walk"
        parts += [
            ("state", "agentdc_runtime.host", "stateful"),
            ("drive_kept", f"agentdc_runtime.state.{kept}", "drive_kept"),
        ]
    if extras.dialects:
        parts.append(("models", f"{package}.models", "models"))
    parts.sort()
    features = f"features=frozenset({literal(list(extras.features))})"
    return MainView(
        docstring=quoted_docstring(
            f"The app {comment(bundle.main.name)}: what it is made of, and where it starts."
        ),
        package=package,
        stepwise=bundle.stepwise is not None,
        version=literal(header.compiler),
        imports=tuple(f"from {module} import {name}" for _, module, name in parts),
        parts=(
            *(f"{argument}={name}" for argument, _, name in parts),
            *(("stepwise=stepwise",) if bundle.stepwise is not None else ()),
            *((features,) if extras.features else ()),
        ),
    )
