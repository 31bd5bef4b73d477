"""The signature of the embedded workflow, checked again at start (spec 02 §7.2); linking costs nothing.

The build applied the same table to the same bytes. It is applied again because the operator of the app may
demand a signature, or name another key, that the build knew nothing of. Decides only: reads no file but
through `read_file`, and logs nothing.
"""

from __future__ import annotations

from agentdc_runtime.signing import ed25519, spki

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


class Result:
    """What became of the signature.

    `event`: the audit event, or None when there is nothing to say. `level`: `INFO`, `WARN` or `ERROR`.
    `fields`: the event's fields beside its name. `reason`: empty when nothing is amiss.
    """

    __slots__ = ("event", "fields", "level", "ok", "reason")

    def __init__(self, ok: bool, event: str | None, level: str, fields: dict[str, Any], reason: str) -> None:
        self.ok = ok
        self.event = event
        self.level = level
        self.fields = fields
        self.reason = reason

    @property
    def display(self) -> str:
        """The line for stderr of a start that is refused (exit status 5)."""
        return f"workflow signature verification failed: {self.reason}"


class _Refusal(Exception):
    """A row of the table that refuses: the event, the reason, and fields beyond those of every refusal."""

    def __init__(self, event: str, reason: str, **fields: str) -> None:
        super().__init__(reason)
        self.event = event
        self.reason = reason
        self.fields = fields


def check(
    *,
    signing: Mapping[str, Any] | None,
    forced: bool,
    workflow: bytes,
    signature: bytes | None,
    key_override: bytes | None,
    read_file: Callable[[str], bytes],
) -> Result:
    """Applies the decision table to the embedded bytes.

    `signing`: the operand `{"required", "public_key_pem", "public_key_file", "algorithm"}`, or None without a
    block. `forced`: `--signing-required`. `workflow`: the exact source bytes. `signature`: decoded; None
    or empty means that there is none. `key_override`: the PEM bytes of `--signing-key-file`; they replace
    both keys of the block, and stand for a block if there is none. `read_file` may raise OSError, which
    refuses the key.
    """
    if signing is None and key_override is None:
        return _without_block(forced)
    block: Mapping[str, Any] = {} if signing is None else signing
    required = forced or bool(block.get("required"))
    try:
        _check_algorithm(block)
        if not signature:
            return _without_signature(required)
        key = _public_key(block, key_override, read_file)
        fingerprint = spki.fingerprint(key)
        _check_signature(key, fingerprint, workflow, signature)
    except _Refusal as refusal:
        fields = {"required": required, "reason": refusal.reason, **refusal.fields}
        return Result(False, refusal.event, "ERROR", fields, refusal.reason)
    return Result(True, "signing.verified", "INFO", {"key_fingerprint": fingerprint}, "")


def _without_block(forced: bool) -> Result:
    if not forced:
        return Result(True, None, "INFO", {}, "")
    reason = "a signature is required, and the workflow has no [signing] block"
    return Result(False, "signing.required_override", "ERROR", {"required": True, "reason": reason}, reason)


def _without_signature(required: bool) -> Result:
    reason = "the app embeds no signature"
    if required:
        raise _Refusal("signing.sig_missing", reason)
    return Result(True, "signing.bypassed", "WARN", {"reason": reason}, reason)


def _check_algorithm(block: Mapping[str, Any]) -> None:
    algorithm = block.get("algorithm") or "ed25519"
    if algorithm.lower() != "ed25519":
        raise _Refusal("signing.unsupported", f"the algorithm {algorithm!r} is not ed25519")


def _public_key(block: Mapping[str, Any], override: bytes | None, read_file: Callable[[str], bytes]) -> bytes:
    """The raw key that the table's row 7 accepts."""
    pem, path = block.get("public_key_pem"), block.get("public_key_file")
    if override is not None:
        return _parsed("the key of --signing-key-file", override)
    if pem is not None and path is not None:
        raise _bad_key("public_key_pem and public_key_file are both set")
    if pem is not None:
        return _parsed("public_key_pem", pem.encode("utf-8", "replace"))
    if path is None:
        raise _bad_key("no public key is configured")
    try:
        data = read_file(path)
    except (OSError, ValueError) as problem:  # ValueError: a path that no system call takes
        why = getattr(problem, "strerror", None) or type(problem).__name__
        raise _bad_key(f"the public key file {path!r} cannot be read: {why}") from None
    return _parsed(f"the public key file {path!r}", data)


def _parsed(source: str, pem: bytes) -> bytes:
    try:
        key = spki.public_key_from_pem(pem.decode("utf-8", "replace"))
    except ValueError as problem:
        raise _bad_key(f"{source} cannot be used: it {problem}") from None
    fault = ed25519.key_fault(key)
    if fault is not None:
        raise _bad_key(f"{source} cannot be used: it {fault}")
    return key


def _bad_key(reason: str) -> _Refusal:
    return _Refusal("signing.pubkey_malformed", reason)


def _check_signature(key: bytes, fingerprint: str, workflow: bytes, signature: bytes) -> None:
    if len(signature) != 64:
        reason = f"the signature has {len(signature)} bytes instead of 64"
        raise _Refusal("signing.sig_malformed", reason, key_fingerprint=fingerprint)
    if not ed25519.verify(key, workflow, signature):
        reason = "the signature does not fit the workflow and the key"
        raise _Refusal("signing.verification_failed", reason, key_fingerprint=fingerprint)
