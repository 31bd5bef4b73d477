"""The manifest of an app: where it comes from, what is linked, and everything that it can touch. Sorted JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

VERSION = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Facts about the input. `signed_by`: fingerprint of the key that verified it, or None.
    `children`: SHA-256 of each workflow file that is compiled in, by its name."""

    name: str
    file: str
    workflow: bytes
    program_sha256: str
    compiler: str
    abi: int
    signed_by: str | None
    children: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that a node can touch. `constant`: the part known at build. `data`: path of the rest."""

    family: str
    node: str
    constant: str | None
    data: str | None


def manifest(
    origin: Origin,
    modules: Mapping[str, str],
    capabilities: Iterable[Capability],
    dependencies: Iterable[tuple[str, str, str]] = (),
) -> bytes:
    """The document as bytes, ending in a line break. `dependencies`: name, version, reason."""
    document = {
        "manifest_version": VERSION,
        "name": origin.name,
        "workflow": {"file": origin.file, "sha256": sha256(origin.workflow).hexdigest()},
        "workflows": dict(sorted(origin.children.items())),
        "program_sha256": origin.program_sha256,
        "compiler": {"name": "agentdc", "version": origin.compiler, "runtime_abi": origin.abi},
        "signed_by": origin.signed_by,
        "capabilities": _capabilities(capabilities),
        "dependencies": [
            {"name": name, "version": version, "reason": reason}
            for name, version, reason in sorted(dependencies)
        ],
        "modules": {name: sha256(source.encode()).hexdigest() for name, source in sorted(modules.items())},
    }
    return as_json(document)


def as_json(document: Mapping[str, Any]) -> bytes:
    """Pretty JSON with sorted keys and a final line break."""
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _capabilities(capabilities: Iterable[Capability]) -> dict[str, list[dict[str, str]]]:
    """By family: what each node touches; a part that is not there is left out."""
    families: dict[str, list[dict[str, str]]] = {}
    for each in sorted(
        capabilities, key=lambda one: (one.family, one.node, one.constant or "", one.data or "")
    ):
        entry = {"node": each.node}
        if each.constant is not None:
            entry["constant"] = each.constant
        if each.data is not None:
            entry["from"] = each.data
        families.setdefault(each.family, []).append(entry)
    return families
