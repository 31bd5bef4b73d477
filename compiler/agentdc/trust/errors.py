"""The wording of the trust stage: one function for each code, facts in, record out."""

from __future__ import annotations

from agentdc.diagnostics.codes import code
from agentdc.diagnostics.diagnostic import Diagnostic, error, warning
from agentdc.diagnostics.span import SourceFile, Span
from agentdc.trust import places

_DEMANDED = "the command line demands a signature"
_SIGN = "sign the file with `agentdc sign {name} --key KEY`"


def _refused(reason: str) -> str:
    return f"workflow signature verification failed: {reason}"


def not_declared(reason: str, key_option: str) -> Diagnostic:
    """Row 2: a signature is demanded of a file without a block."""
    return error(
        code("signing_not_declared"),
        _refused(reason),
        notes=[_DEMANDED],
        help=f"name the public key with {key_option}, or declare it in [signing]",
    )


def unsupported(source: SourceFile, reason: str) -> Diagnostic:
    """Row 3: an algorithm other than Ed25519."""
    return error(
        code("signature_unsupported"),
        _refused(reason),
        places.key(source, "algorithm"),
        "not a known algorithm",
        help='write algorithm = "ed25519", or leave the key out',
    )


def missing(source: SourceFile, reason: str, looked_for: list[str], forced: bool) -> Diagnostic:
    """Row 4: a signature is required and there is no signature file."""
    demand = [_DEMANDED] if forced else []
    return error(
        code("signature_missing"),
        _refused(reason),
        None if forced else places.key(source, "required"),
        "required here",
        notes=[*demand, f"looked for {' and '.join(looked_for)}"],
        help=_SIGN.format(name=source.name),
    )


def bypassed(source: SourceFile, looked_for: list[str], key_option: str | None) -> Diagnostic:
    """Row 5: no signature, and none required; `key_option` is set when only the command line asked for a look."""
    subject = f"{key_option} names a key" if key_option else "the file has a [signing] block"
    return warning(
        code("signature_bypassed"),
        f"{subject}, and {source.name} is not signed: nothing is verified",
        None if key_option else places.block(source),
        "required is not true",
        notes=[f"looked for {' and '.join(looked_for)}"],
        help=_SIGN.format(name=source.name),
    )


def malformed(source: SourceFile, reason: str, fingerprint: str | None) -> Diagnostic:
    """Rows 6 and 8: a signature file that cannot be read, is not base64, or has the wrong length."""
    return error(
        code("signature_malformed"),
        _refused(reason),
        notes=_key_note(fingerprint),
        help=_SIGN.format(name=source.name),
    )


def key_malformed(source: SourceFile, reason: str, key: str | None, help: str | None) -> Diagnostic:
    """Row 7: no key, two keys, or one that cannot be used; `key` is the key of the block it is about.

    The line of `public_key_pem` is never shown: what is wrong with it may be that it holds a private key.
    """
    at = None
    if key is not None:
        at = places.header(source) if key == "public_key_pem" else places.key(source, key)
    return error(code("signature_key_malformed"), _refused(reason), at, help=help)


def mismatch(source: SourceFile, reason: str, fingerprint: str, also: str | None) -> Diagnostic:
    """Row 9: the signature does not fit."""
    return error(
        code("signature_mismatch"),
        _refused(reason),
        notes=[*_key_note(fingerprint), *([also] if also else [])],
        help="the file or its signature was changed, or signed with another key; find out which, then\n"
        + _SIGN.format(name=source.name),
    )


def no_pin(source: SourceFile, key: str, key_option: str) -> Diagnostic:
    """Row 10, when the operator demands a signature and lets the file say whose."""
    return warning(
        code("signature_no_pin"),
        f"a signature is required of {source.name}, and the file itself says whose",
        places.key(source, key),
        "whoever can change the file can change this",
        help=f"pin the key with {key_option}",
    )


def unusable_key(name: str, reason: str) -> Diagnostic:
    """A key file given to `agentdc sign` or `agentdc verify`; `reason` is a KeyProblem's, and follows "it"."""
    return error(code("signature_key_malformed"), f"the key {name} cannot be used: it {reason}")


def _key_note(fingerprint: str | None) -> list[str]:
    return [] if fingerprint is None else [f"key fingerprint {fingerprint}"]


def file_not_signed(name: str, digest: str, at: Span | None) -> Diagnostic:
    """`[signing.files]` has no digest of a file that the workflow names."""
    return error(
        code("file_not_signed"),
        f'the signature does not cover "{name}": [signing.files] has no digest of it',
        at,
        "it is not among these",
        help=f'add "{name}" = "{digest}", and sign the workflow again',
    )


def file_changed(name: str, digest: str, at: Span | None) -> Diagnostic:
    """A file that the workflow names is another one than was signed."""
    return error(
        code("file_not_signed"),
        f'"{name}" is not the file that was signed',
        at,
        "the digest of another file",
        notes=[f"the SHA-256 of the file here is {digest}"],
        help="bring the file back that was signed, or sign the workflow with the digest of this one",
    )
