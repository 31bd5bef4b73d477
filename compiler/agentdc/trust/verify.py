"""The decision table of workflow signatures (spec 02 §7.2): facts in, verdict out.

The rows are tried in the order of the specification, and a built app tries the same rows again at start. A present
but bad signature refuses whether or not one is required.
"""

from __future__ import annotations

from agentdc.diagnostics.diagnostic import Diagnostic
from agentdc.trust import errors, points, signature
from agentdc.trust.facts import Contents, SigningBlock, Status, TrustRequest, Unreadable, Verdict
from agentdc.trust.keys import KeyProblem, PublicKey, fingerprint, load_public

_KEY_HELP = "a public key looks as `openssl pkey -in KEY -pubout` prints it"


class _Refusal(Exception):
    """Carries the verdict of a row that refuses."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


def verify(request: TrustRequest) -> Verdict:
    """The verdict on the raw bytes of one workflow file."""
    declared = request.signing
    if declared is None and request.key is None:
        return _not_declared(request) if request.forced else Verdict(Status.UNSIGNED)
    block = declared or SigningBlock()
    try:
        _check_block(request, block)
        if request.signature is None:
            return _without_signature(request, block)
        signed = _parsed_signature(request, request.signature)
        key = _public_key(request, block)
        _check_signature(request, key, signed)
    except _Refusal as refusal:
        return refusal.verdict
    return _verified(request, block, key)


def fits(data: bytes, signed: bytes, key: PublicKey) -> bool:
    """True when `signed` (64 bytes) is a signature of `data`; as strict as the verifier in a built app."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if points.fault(key.raw) is not None or points.has_small_order(signed[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signed, data)
    except InvalidSignature:
        return False
    return True


def _not_declared(request: TrustRequest) -> Verdict:
    reason = f"a signature is required, and {request.source.name} has no [signing] block"
    found = errors.not_declared(reason, request.key_option)
    return Verdict(Status.REFUSED, "signing.required_override", None, reason, (found,))


def _check_block(request: TrustRequest, block: SigningBlock) -> None:
    """A block that cannot be believed, then row 3."""
    if block.fault is not None:
        raise _bad_key(
            request, f"[signing] cannot be used: {block.fault}", block.fault_key or "signing", None
        )
    if block.algorithm.lower() != "ed25519":
        reason = f'the algorithm "{block.algorithm}" is not ed25519'
        found = errors.unsupported(request.source, reason)
        raise _Refusal(Verdict(Status.REFUSED, "signing.unsupported", None, reason, (found,)))


def _without_signature(request: TrustRequest, block: SigningBlock) -> Verdict:
    """Rows 4 and 5."""
    source = request.source
    looked_for = signature.signature_paths(source.name)
    if request.forced or block.required:
        reason = f"{source.name} has no signature"
        found = errors.missing(source, reason, looked_for, forced=not block.required)
        return Verdict(Status.REFUSED, "signing.sig_missing", None, reason, (found,))
    option = None if request.signing else request.key_option
    found = errors.bypassed(source, looked_for, option)
    return Verdict(Status.BYPASSED, "signing.bypassed", None, found.message, (found,))


def _parsed_signature(request: TrustRequest, contents: Contents) -> bytes:
    """Row 6."""
    if isinstance(contents, Unreadable):
        raise _malformed(request, f"cannot be read: {contents.reason}", None)
    try:
        return signature.parse(contents)
    except signature.SignatureProblem as problem:
        raise _malformed(request, problem.reason, None) from None


def _malformed(request: TrustRequest, what: str, key: PublicKey | None) -> _Refusal:
    name = request.signature_name or signature.signature_paths(request.source.name)[0]
    reason = f"the signature file {name} {what}"
    used = None if key is None else fingerprint(key)
    found = errors.malformed(request.source, reason, used)
    return _Refusal(Verdict(Status.REFUSED, "signing.sig_malformed", used, reason, (found,)))


def _public_key(request: TrustRequest, block: SigningBlock) -> PublicKey:
    """Row 7."""
    if request.key is not None:
        return _loaded(request, f"the key {request.key_name or request.key_option}", request.key, None)
    pem, path = block.public_key_pem, block.public_key_file
    if pem is not None and path is not None:
        reason = "public_key_pem and public_key_file are both set"
        raise _bad_key(request, reason, "public_key_file", "keep one of the two")
    if pem is not None:
        return _loaded(request, "public_key_pem", pem.encode("utf-8", "replace"), "public_key_pem")
    if path is None:
        help_ = f"set public_key_pem or public_key_file in [signing], or give {request.key_option}"
        raise _bad_key(request, "no public key is configured", "signing", help_)
    contents = block.key_file or Unreadable("it was not read")
    return _loaded(request, f"the public key file {path}", contents, "public_key_file")


def _loaded(request: TrustRequest, what: str, contents: Contents, key: str | None) -> PublicKey:
    if isinstance(contents, Unreadable):
        raise _bad_key(request, f"{what} cannot be read: {contents.reason}", key, None)
    try:
        return load_public(contents)
    except KeyProblem as problem:
        raise _bad_key(request, f"{what} cannot be used: it {problem.reason}", key) from None


def _bad_key(request: TrustRequest, reason: str, key: str | None, help: str | None = _KEY_HELP) -> _Refusal:
    found = errors.key_malformed(request.source, reason, key, help)
    return _Refusal(Verdict(Status.REFUSED, "signing.pubkey_malformed", None, reason, (found,)))


def _check_signature(request: TrustRequest, key: PublicKey, signed: bytes) -> None:
    """Rows 8 and 9."""
    if len(signed) != signature.SIZE:
        raise _malformed(request, f"holds {len(signed)} bytes instead of {signature.SIZE}", key)
    data = request.source.data
    if not fits(data, signed, key):
        reason = f"the signature does not fit {request.source.name} and the key"
        found = errors.mismatch(request.source, reason, fingerprint(key), _line_ends(data, signed, key))
        event = "signing.verification_failed"
        raise _Refusal(Verdict(Status.REFUSED, event, fingerprint(key), reason, (found,)))


def _line_ends(data: bytes, signed: bytes, key: PublicKey) -> str | None:
    """The commonest harmless cause, told as a fact when it is one."""
    unix = data.replace(b"\r\n", b"\n")
    for name, other in (("LF", unix), ("CRLF", unix.replace(b"\n", b"\r\n"))):
        if other != data and fits(other, signed, key):
            return f"the signature fits the same text with {name} line ends; something has rewritten them"
    return None


def _verified(request: TrustRequest, block: SigningBlock, key: PublicKey) -> Verdict:
    """Row 10."""
    found: tuple[Diagnostic, ...] = ()
    if request.forced and request.key is None:
        pinned = "public_key_pem" if block.public_key_pem is not None else "public_key_file"
        found = (errors.no_pin(request.source, pinned, request.key_option),)
    return Verdict(Status.VERIFIED, "signing.verified", fingerprint(key), "", found)
