"""The records of the trust stage: what the driver found, and what was decided. No rules, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from agentdc.diagnostics.diagnostic import Diagnostic
from agentdc.diagnostics.span import SourceFile


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is there and cannot be read; `reason` in the system's words (`Permission denied`)."""

    reason: str


Contents = bytes | Unreadable


@dataclass(frozen=True, slots=True)
class SigningBlock:
    """`[signing]` as the workflow declares it (spec 02 §7.1).

    `key_file`: what the driver found in `public_key_file`; it need not read it when a key is given instead.
    `fault`: why the block cannot be believed at all, in one clause, or None; `fault_key`: the key it is about.
    """

    required: bool = False
    public_key_pem: str | None = None
    public_key_file: str | None = None
    algorithm: str = "ed25519"
    key_file: Contents | None = None
    fault: str | None = None
    fault_key: str | None = None


@dataclass(frozen=True, slots=True)
class TrustRequest:
    """The facts of one decision.

    `forced`: the command line demands a signature (`--signing-required`). `signature`: the bytes of the signature
    file, None when there is no such file; `signature_name`: its path as looked up, for the texts. `key`: what is
    in the key file of the command line, None without one; `key_name`: its path; `key_option`: how this command
    line spells it.
    """

    source: SourceFile
    signing: SigningBlock | None
    forced: bool = False
    signature: Contents | None = None
    signature_name: str | None = None
    key: Contents | None = field(default=None, repr=False)
    key_name: str = ""
    key_option: str = "--signing-key-file"


class Status(Enum):
    """What became of the signature; every status but `REFUSED` lets the workflow through."""

    UNSIGNED = "unsigned"
    BYPASSED = "bypassed"
    VERIFIED = "verified"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision.

    `event`: the audit event an app would write, or None. `key_fingerprint`: of the key that was used, or None when
    none was reached. `reason`: empty when nothing is amiss.
    """

    status: Status
    event: str | None = None
    key_fingerprint: str | None = None
    reason: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
