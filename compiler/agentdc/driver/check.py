"""Trust, parse and check one workflow file: what every command begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import tomli

from agentdc.check.facts import Facts
from agentdc.check.validate import Checked, Options, denied, level_decoded
from agentdc.diagnostics import Diagnostic, SourceFile, in_order
from agentdc.diagnostics.codes import find
from agentdc.driver import signed_files
from agentdc.driver.calls import check_calls
from agentdc.driver.children import Family, Member
from agentdc.driver.files import reason
from agentdc.driver.sources import DISK, Files
from agentdc.model.workflow import Workflow
from agentdc.nodes.registry import MODELS
from agentdc.parse.decode import Decoded, decode
from agentdc.trust.declared import declared_signing
from agentdc.trust.facts import Contents, SigningBlock, Status, TrustRequest, Unreadable, Verdict
from agentdc.trust.signature import parse as parse_signature
from agentdc.trust.signature import signature_paths
from agentdc.trust.verify import verify


@dataclass(frozen=True, slots=True)
class Signing:
    """What the command line says about signatures. `key_file`: replaces the keys that the file names."""

    required: bool = False
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is known about a workflow after checking it.

    `verdict`: of trust. `family`: the workflow and its children; None when trust refused. `signature`: the
    decoded signature that verified.
    """

    source: SourceFile
    verdict: Verdict
    family: Family | None = None
    signature: bytes | None = None

    @property
    def members(self) -> Sequence[Member]:
        """The workflow and its children."""
        return () if self.family is None else list(self.family.members.values())

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All findings by file and position; what cannot be built is not among them."""
        found = [each for member in self.members for each in member.diagnostics]
        return in_order([*self.verdict.diagnostics, *found])

    @property
    def unsupported(self) -> list[Diagnostic]:
        """What a build would have to leave out."""
        return [each for member in self.members for each in member.unsupported]

    @property
    def build_diagnostics(self) -> list[Diagnostic]:
        """All findings, with what this version cannot build."""
        return in_order([*self.diagnostics, *self.unsupported])

    @property
    def decoded(self) -> Decoded | None:
        """What became of the file; None when trust refused."""
        return None if self.family is None else self.family.main.decoded

    @property
    def checked(self) -> Checked | None:
        """What the checker found; None when the file did not decode."""
        return None if self.family is None else self.family.main.checked

    @property
    def workflow(self) -> Workflow | None:
        """The workflow, when the file has the shape of one."""
        return None if self.decoded is None else self.decoded.workflow

    @property
    def facts(self) -> Facts | None:
        """What the checker proved, when the graph is known."""
        return None if self.checked is None else self.checked.facts

    @property
    def name(self) -> str | None:
        """The workflow's name as far as it can be read."""
        if self.workflow is not None:
            return self.workflow.name
        name = self.decoded.document.get("name") if self.decoded is not None else None
        return name if isinstance(name, str) else None


def check_source(
    source: SourceFile, options: Options, signing: Signing | None = None, files: Files = DISK
) -> Report:
    """Check one text; reads only its signature, the keys that are named, and its children. Never raises."""
    request = trust_request(source, signing or Signing(), files=files)
    verdict = verify(request)
    verdict = replace(verdict, diagnostics=tuple(denied(verdict.diagnostics, options)))
    if verdict.status is Status.REFUSED:
        return Report(source, verdict)
    decoded = decode(source, MODELS)
    options = replace(options, allow=(options.allow | _allowed(decoded.document)) - options.deny)
    decoded = replace(decoded, diagnostics=level_decoded(decoded.diagnostics, options))
    signature = None
    if verdict.status is Status.VERIFIED and isinstance(request.signature, bytes):
        signature = parse_signature(request.signature)
    family = Family(options, files)
    family.add(source, decoded)
    family.main.problems += denied(signed_files.check(family), options)
    check_calls(family, options)
    return Report(source, verdict, family, signature)


def failed(found: Sequence[Diagnostic]) -> bool:
    """True when any finding is an error."""
    return any(diagnostic.is_error for diagnostic in found)


def _allowed(document: dict[str, Any]) -> frozenset[str]:
    """Slugs that the file allows by `[check] allow`, whatever else is wrong with it."""
    section = document.get("check")
    words = section.get("allow") if isinstance(section, dict) else None
    found = [find(each) for each in words if isinstance(each, str)] if isinstance(words, list) else []
    return frozenset(each.slug for each in found if each is not None)


def trust_request(
    source: SourceFile, signing: Signing, *, key_option: str = "--signing-key-file", files: Files = DISK
) -> TrustRequest:
    """The facts that trust decides on; reads the signature and the keys, whose failures are facts too."""
    block = _declared(source)
    wanted = block is not None or signing.required or signing.key_file is not None
    signature, name = _signature(source.name, files) if wanted else (None, None)
    key = None if signing.key_file is None else _contents(signing.key_file, files)
    if block is not None and block.public_key_file is not None and key is None:
        block = replace(block, key_file=_contents(block.public_key_file, files))
    key_name = signing.key_file or ""
    return TrustRequest(source, block, signing.required, signature, name, key, key_name, key_option)


def _declared(source: SourceFile) -> SigningBlock | None:
    """The signing table as written; none when the text is no TOML, which parse will tell."""
    try:
        return declared_signing(tomli.loads(source.data.decode()))
    except (tomli.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return None


def _signature(workflow: str, files: Files) -> tuple[Contents | None, str | None]:
    candidates = signature_paths(workflow)
    for path in candidates:
        if files.exists(path):
            return _contents(path, files), path
    return None, candidates[0]


def _contents(path: str, files: Files) -> Contents:
    try:
        return files.read(path)
    except (OSError, ValueError) as problem:
        return Unreadable(reason(problem))
