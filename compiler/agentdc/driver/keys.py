"""`agentdc keygen`, `sign` and `verify`: key pairs and detached signatures of workflow files."""

from __future__ import annotations

from pathlib import Path

from agentdc.diagnostics import Diagnostic
from agentdc.driver import files
from agentdc.driver.check import Signing, trust_request
from agentdc.trust import errors, keys
from agentdc.trust.facts import Status, Verdict
from agentdc.trust.signature import sign as make_signature
from agentdc.trust.signature import signature_paths
from agentdc.trust.verify import verify


def generate(path: str, *, force: bool) -> tuple[Path, Path, str]:
    """Write a private key (0600) and `PATH.pub`; their paths and the fingerprint. FileProblem otherwise."""
    private, public = Path(path), Path(f"{path}.pub")
    for each in (private, public):
        if each.exists() and not force:
            raise files.FileProblem(files.exists(each, "would be replaced"))
    pair = keys.generate()
    files.write_file(private, pair.private_pem, 0o600)
    files.write_file(public, pair.public_pem, 0o644)
    return private, public, keys.fingerprint(keys.load_public(pair.public_pem))


def sign(workflow: str, key: str) -> tuple[Path, str]:
    """Write the signature beside the workflow; its path and the key's fingerprint. FileProblem otherwise."""
    data = files.read(workflow)
    try:
        private = keys.load_private(files.read(key, "the key"))
    except keys.KeyProblem as problem:
        raise files.FileProblem(errors.unusable_key(key, problem.reason)) from problem
    path = Path(signature_paths(workflow)[0])
    files.write_file(path, make_signature(data, private).encode(), 0o644)
    return path, keys.fingerprint(keys.public_half(private))


def check(workflow: str, key: str | None) -> tuple[Verdict, list[Diagnostic]]:
    """The verdict on a workflow's signature, which must be there. FileProblem when a file cannot be read."""
    source = files.read_source(workflow)
    verdict = verify(trust_request(source, Signing(required=True, key_file=key), key_option="--key"))
    return verdict, list(verdict.diagnostics)


def accepted(verdict: Verdict) -> bool:
    """True only for a signature that verified."""
    return verdict.status is Status.VERIFIED
