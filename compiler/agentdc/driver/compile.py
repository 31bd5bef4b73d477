"""From a checked workflow to the files of an app: lower, passes, codegen, link. Pure; no file is read or written.

compiled = compile_workflow(source, decoded.workflow, decoded.places, facts, signature=None, signed_by=None)
compiled.files["greeter/workflow.py"]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath

from agentdc.check.facts import Facts
from agentdc.codegen.package import Extras, Header, generate, package_name
from agentdc.codegen.workflow import ABI
from agentdc.diagnostics import SourceFile
from agentdc.ir.ops import Program
from agentdc.ir.pprint import program_text
from agentdc.link.closure import Closure, reachable_modules
from agentdc.link.library import module_path, module_source
from agentdc.link.manifest import Capability, Origin, as_json, manifest
from agentdc.lower.build import lower
from agentdc.lower.operands import operands
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.parse.positions import Places
from agentdc.passes.pipeline import run_passes
from agentdc.version import VERSION

GATED = frozenset({"env.read", "fs.read", "fs.write"})


@dataclass(frozen=True, slots=True)
class Trust:
    """What trust decided.

    `signature`: the decoded bytes to embed, or None. `linked`: the app verifies itself. `required`, `key`: what the
    build's options demand, the key as PEM text.
    """

    signature: bytes | None = None
    signed_by: str | None = None
    linked: bool = False
    required: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """An app tree. `files`: relative path with `/` to bytes, sorted. `data`: names of the package's data files."""

    name: str
    package: str
    files: Mapping[str, bytes]
    data: tuple[str, ...]
    closure: Closure
    program: Program


def compile_workflow(
    source: SourceFile, workflow: Workflow, places: Places, facts: Facts, trust: Trust
) -> Compiled:
    """The app of a workflow that has no errors."""
    file = PurePosixPath(source.name.replace("\\", "/")).name
    file = file.encode("utf-8", "backslashreplace").decode()  # names of files need not be UTF-8
    program = run_passes(lower(workflow, facts, places, file))
    digest = sha256(program_text(program).encode()).hexdigest()
    capabilities = list(_capabilities(workflow, program))
    header = Header(VERSION, sha256(source.data).hexdigest())
    texts = generate(program, header, _extras(capabilities, trust))
    closure = reachable_modules((text for path, text in texts.items() if path.endswith(".py")), module_source)
    origin = Origin(workflow.name, file, source.data, digest, VERSION, ABI, trust.signed_by)
    package = package_name(program.name)
    data = {
        "manifest.json": manifest(origin, closure.modules, capabilities),
        "operands.json": as_json(
            operands(workflow, digest, signing_required=trust.required, signing_key=trust.key)
        ),
        "workflow.toml": source.data,
    }
    if trust.signature is not None:
        data["workflow.toml.sig"] = trust.signature
    files = {path: text.encode() for path, text in texts.items()}
    files |= {f"{package}/{name}": content for name, content in data.items()}
    files |= {module_path(module): text.encode() for module, text in closure.modules.items()}
    return Compiled(
        workflow.name, package, dict(sorted(files.items())), tuple(sorted(data)), closure, program
    )


def _capabilities(workflow: Workflow, program: Program) -> Iterable[Capability]:
    """Effects of the nodes that are compiled."""
    kept = {step.node for block in program.blocks for step in block.steps}
    for node in workflow.nodes:
        if node.id in kept:
            for effect in SPECS[node.type].effects(node):
                yield Capability(effect.family, node.id, effect.constant, effect.data)


def _extras(capabilities: Iterable[Capability], trust: Trust) -> Extras:
    parts: list[tuple[str, str, str]] = []
    if any(each.family in GATED for each in capabilities):
        parts.append(("gate", "agentdc_runtime.policy.gate", "Gate"))
    if trust.linked:
        parts.append(("signing", "agentdc_runtime.signing.verify", "check"))
    return Extras(tuple(parts))
