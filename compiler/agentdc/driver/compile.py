"""From a checked workflow to the files of an app: lower, passes, codegen, link. Pure; no file is read or written.

compiled = compile_workflow(report, Trust())
compiled.files["greeter/workflow.py"]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from agentdc.check.locked import server_name
from agentdc.check.resuming import needs as needs_of
from agentdc.codegen.package import Header, generate, package_name
from agentdc.codegen.workflow import ABI
from agentdc.driver.capabilities import FILE, statement_of
from agentdc.driver.check import Report
from agentdc.driver.children import Family, Member
from agentdc.ir.ops import Bundle, Program
from agentdc.ir.pprint import bundle_text
from agentdc.ir.service import ToolAnswer
from agentdc.link.closure import Closure, reachable_modules
from agentdc.link.library import module_path, module_source
from agentdc.link.manifest import Capability, Origin, as_json, manifest
from agentdc.link.needs import Needs, extras, keeps_runs
from agentdc.link.third_party import foreign_modules, third_party
from agentdc.lower.build import StandIns, lower
from agentdc.lower.models import dialects
from agentdc.lower.offers import offers
from agentdc.lower.operands import operands
from agentdc.lower.service import service
from agentdc.model.node import NodeModel
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import SPECS
from agentdc.passes.pipeline import run_passes
from agentdc.version import VERSION


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
    """An app tree. `files`: relative path with `/` to bytes, sorted. `data`: names of the package's data files.

    `foreign`: top-level modules of third-party packages that it imports.
    """

    name: str
    package: str
    files: Mapping[str, bytes]
    data: tuple[str, ...]
    closure: Closure
    foreign: tuple[str, ...]
    bundle: Bundle


def compile_workflow(report: Report, trust: Trust, stand_ins: StandIns | None = None) -> Compiled:
    """The app of a workflow that has no errors; a test build hands in stand-ins for some node kinds."""
    assert report.family is not None
    main = report.family.main
    workflow = _workflow(main)
    stepwise = keeps_runs(workflow) and stand_ins is None
    bundle = run_passes(lower_family(report.family, stand_ins), stepwise=stepwise)
    if stepwise and main.checked is not None and main.checked.facts is not None:
        bundle = replace(bundle, needs=tuple(needs_of(main.checked.facts.flow).items()))
    document = _described(main) if workflow.http_routes else None
    bundle = replace(bundle, service=service(workflow, main.schemas, document, keeps_runs=stepwise))
    if workflow.mcp_serve is not None and main.checked is not None and main.checked.facts is not None:
        tools = offers(workflow, main.checked.facts, main.schemas)
        bundle = replace(bundle, offers=tools, purpose=workflow.description or "")
    if stand_ins is None:
        bundle = replace(bundle, answers=tuple(_answers(report.family, bundle)))
    digest = sha256(bundle_text(bundle).encode()).hexdigest()
    capabilities = [each for member in report.members for each in _capabilities(member, bundle)]
    digests = {member.key: sha256(member.source.data).hexdigest() for member in report.members}
    header = Header(VERSION, digests[main.key], digests)
    families = frozenset(each.family for each in capabilities)
    asked = {each.constant for each in capabilities if each.family == "model" and each.constant is not None}
    kinds = frozenset(
        step.kind for program in bundle.programs for block in program.blocks for step in block.steps
    )
    spoken = dialects(workflow, asked)
    needs = Needs(bundle.awaits, families, workflow, trust.linked, bundle.service, spoken, kinds)
    texts = generate(bundle, header, extras(needs))
    closure = reachable_modules((text for path, text in texts.items() if path.endswith(".py")), module_source)
    origin = Origin(workflow.name, main.key, main.source.data, digest, VERSION, ABI, trust.signed_by, digests)
    package = package_name(workflow.name)
    foreign = foreign_modules(closure.others, package)
    data = {
        FILE: as_json(statement_of(report.family).to_json()),
        "manifest.json": manifest(origin, closure.modules, capabilities, third_party(foreign)),
        "operands.json": as_json(
            operands(
                workflow,
                digest,
                signing_required=trust.required,
                signing_key=trust.key,
                mcp=needs.mcp,
                locks=_locks(report.family, workflow),
            )
        ),
        "workflow.toml": main.source.data,
    }
    if document is not None:
        data["openapi.json"] = as_json(document)
    if trust.signature is not None:
        data["workflow.toml.sig"] = trust.signature
    files = {path: text.encode() for path, text in texts.items()}
    files |= {f"{package}/{name}": content for name, content in data.items()}
    files |= {module_path(module): text.encode() for module, text in closure.modules.items()}
    return Compiled(
        workflow.name, package, dict(sorted(files.items())), tuple(sorted(data)), closure, foreign, bundle
    )


def _answers(family: Family, bundle: Bundle) -> Iterable[ToolAnswer]:
    """What the tools that compiled nodes call answer, as far as it is locked; sorted."""
    workflow = _workflow(family.main)
    named = {
        (server_name(workflow, effect.server), effect.constant)
        for member in family.members.values()
        for node in _compiled(member, bundle)
        for effect in SPECS[node.type].effects(node)
        if effect.family == "mcp.tool"
    }
    for server, tool in sorted((server, tool) for server, tool in named if server and tool):
        schema = family.lock.answer(server, tool)
        if schema is not None:
            yield ToolAnswer(server, tool, schema)


def _locks(family: Family, workflow: Workflow) -> dict[str, Any]:
    found = {server.name: family.lock.digests(server.name) for server in workflow.mcp_servers}
    return {name: digests for name, digests in found.items() if digests is not None}


def _described(main: Member) -> dict[str, Any]:
    from agentdc.openapi.document import openapi  # only apps with routes pay for it

    return openapi(_workflow(main), main.schemas, VERSION)


def lower_family(family: Family, stand_ins: StandIns | None = None) -> Bundle:
    """The programs of a workflow and its children."""
    children = tuple((member.key, _program(member, stand_ins)) for member in family.below)
    return Bundle(_program(family.main, stand_ins), children, family.main.key)


def _program(member: Member, stand_ins: StandIns | None) -> Program:
    assert member.checked is not None
    assert member.checked.facts is not None
    return lower(
        _workflow(member),
        member.checked.facts,
        member.decoded.places,
        member.key,
        member.children,
        stand_ins,
        member.answers,
    )


def _workflow(member: Member) -> Workflow:
    assert member.decoded.workflow is not None
    return member.decoded.workflow


def _capabilities(member: Member, bundle: Bundle) -> Iterable[Capability]:
    """Effects of the nodes that are compiled; those of a child are told with its file."""
    prefix = f"{member.key}:" if member.chain else ""
    for node in _compiled(member, bundle):
        for effect in SPECS[node.type].effects(node):
            yield Capability(effect.family, f"{prefix}{node.id}", effect.known, effect.open)


def _compiled(member: Member, bundle: Bundle) -> Iterable[NodeModel]:
    """The nodes of a file that are in the app."""
    program = next(each for each in bundle.programs if each.file == member.key)
    kept = {step.node for block in program.blocks for step in block.steps}
    return (node for node in _workflow(member).nodes if node.id in kept)
