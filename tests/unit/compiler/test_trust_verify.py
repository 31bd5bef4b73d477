"""Every row of the decision table (spec 02 §7.2) as the compiler applies it, with the full text of each finding."""

from __future__ import annotations

from typing import Any

import pytest
import tomli

from agentdc.diagnostics.render.text import render
from agentdc.diagnostics.span import SourceFile
from agentdc.trust import errors, signature
from agentdc.trust.declared import declared_signing
from agentdc.trust.facts import SigningBlock, Status, TrustRequest, Unreadable, Verdict
from agentdc.trust.keys import PrivateKey
from agentdc.trust.verify import verify

SEED = PrivateKey(bytes(range(32)))
FINGERPRINT = "56475aa75463474c"
PEM = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
-----END PUBLIC KEY-----
"""
OTHER = PEM.replace(
    b"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
    b"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",  # RFC 8032 §7.1 TEST 1
)
BARE = 'name = "w"\n'
EMPTY = f"{BARE}\n[signing]\n"
KEYED = f'{EMPTY}public_key_pem = """\n{PEM.decode()}"""\n'
FILED = f'{EMPTY}public_key_file = "ops.pub"\n'
REQUIRED = KEYED + "required = true\n"
SIGNED = b"SIGNED"  # stands for a good signature of the text at hand


def verdict(text: str, **facts: Any) -> Verdict:
    source = SourceFile("flow.toml", text.encode())
    key_file = facts.pop("key_file", None)
    block = declared_signing(tomli.loads(text))
    if block is not None and key_file is not None:
        block = SigningBlock(
            block.required, block.public_key_pem, block.public_key_file, block.algorithm, key_file
        )
    if facts.get("signature") is SIGNED:
        facts["signature"] = signature.sign(source.data, SEED).encode()
    return verify(TrustRequest(source, block, **facts))


UNSIGNED, BYPASSED, VERIFIED, REFUSED = Status.UNSIGNED, Status.BYPASSED, Status.VERIFIED, Status.REFUSED
Row = tuple[str, dict[str, Any], Status, str | None, str | None, str]
BAD_KEY = "signing.pubkey_malformed"

ROWS: dict[str, Row] = {
    "1 no block": (BARE, {}, UNSIGNED, None, None, ""),
    "1 no block, a signature nobody asks for": (BARE, {"signature": b"?"}, UNSIGNED, None, None, ""),
    "2 no block, forced": (
        BARE,
        {"forced": True, "signature": SIGNED},
        REFUSED,
        "signing.required_override",
        None,
        """\
error[ADC0608 signing_not_declared]: workflow signature verification failed: a signature is required, and \
flow.toml has no [signing] block
 = note: the command line demands a signature
 help: name the public key with --signing-key-file, or declare it in [signing]

""",
    ),
    "3 algorithm": (
        f'{EMPTY}algorithm = "rsa"\n',
        {},
        REFUSED,
        "signing.unsupported",
        None,
        """\
error[ADC0604 signature_unsupported]: workflow signature verification failed: the algorithm "rsa" is not ed25519
 --> flow.toml:4:1
  |
4 | algorithm = "rsa"
  | ^^^^^^^^^ not a known algorithm
  |
  help: write algorithm = "ed25519", or leave the key out

""",
    ),
    "4 missing, required": (
        REQUIRED,
        {},
        REFUSED,
        "signing.sig_missing",
        None,
        """\
error[ADC0601 signature_missing]: workflow signature verification failed: flow.toml has no signature
 --> flow.toml:9:1
  |
9 | required = true
  | ^^^^^^^^ required here
  |
  = note: looked for flow.toml.sig
  help: sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "4 missing, forced": (
        KEYED,
        {"forced": True},
        REFUSED,
        "signing.sig_missing",
        None,
        """\
error[ADC0601 signature_missing]: workflow signature verification failed: flow.toml has no signature
 = note: the command line demands a signature
 = note: looked for flow.toml.sig
 help: sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "5 missing": (
        KEYED,
        {},
        BYPASSED,
        "signing.bypassed",
        None,
        """\
warning[ADC0607 signature_bypassed]: the file has a [signing] block, and flow.toml is not signed: nothing is verified
 --> flow.toml:3:1
  |
3 | [signing]
  | ^^^^^^^^^ required is not true
  |
  = note: looked for flow.toml.sig
  help: sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "5 missing, a key given and no block": (
        BARE,
        {"key": b"not even a key"},
        BYPASSED,
        "signing.bypassed",
        None,
        """\
warning[ADC0607 signature_bypassed]: --signing-key-file names a key, and flow.toml is not signed: nothing is verified
 = note: looked for flow.toml.sig
 help: sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "6 unreadable": (
        KEYED,
        {"signature": Unreadable("Permission denied")},
        REFUSED,
        "signing.sig_malformed",
        None,
        """\
error[ADC0602 signature_malformed]: workflow signature verification failed: the signature file flow.toml.sig \
cannot be read: Permission denied
 help: sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "6 not base64, and no key": (
        EMPTY,
        {"signature": b"a.b.", "signature_name": "flow..sig"},
        REFUSED,
        "signing.sig_malformed",
        None,
        """\
error[ADC0602 signature_malformed]: workflow signature verification failed: the signature file flow..sig is not base64
 help: sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "7 no key, before the length": (
        EMPTY,
        {"signature": b""},
        REFUSED,
        BAD_KEY,
        None,
        """\
error[ADC0603 signature_key_malformed]: workflow signature verification failed: no public key is configured
 --> flow.toml:3:1
  |
3 | [signing]
  | ^^^^^^^^^
  |
  help: set public_key_pem or public_key_file in [signing], or give --signing-key-file

""",
    ),
    "7 two keys": (
        f'{KEYED}public_key_file = "k.pub"\n',
        {"signature": SIGNED, "key_file": PEM},
        REFUSED,
        BAD_KEY,
        None,
        """\
error[ADC0603 signature_key_malformed]: workflow signature verification failed: public_key_pem and public_key_file \
are both set
 --> flow.toml:9:1
  |
9 | public_key_file = "k.pub"
  | ^^^^^^^^^^^^^^^
  |
  help: keep one of the two

""",
    ),
    "7 key file unreadable": (
        FILED,
        {"signature": SIGNED, "key_file": Unreadable("No such file or directory")},
        REFUSED,
        BAD_KEY,
        None,
        """\
error[ADC0603 signature_key_malformed]: workflow signature verification failed: the public key file ops.pub cannot \
be read: No such file or directory
 --> flow.toml:4:1
  |
4 | public_key_file = "ops.pub"
  | ^^^^^^^^^^^^^^^
  |

""",
    ),
    "7 a private key, which no line of the text shows": (
        f'{EMPTY}public_key_pem = "-----BEGIN PRIVATE KEY-----MC4CAQAwBQ-----END PRIVATE KEY-----"\n',
        {"signature": SIGNED},
        REFUSED,
        BAD_KEY,
        None,
        """\
error[ADC0603 signature_key_malformed]: workflow signature verification failed: public_key_pem cannot be used: it is \
a private key; give the public half, and keep this one out of reach
 --> flow.toml:3:1
  |
3 | [signing]
  | ^^^^^^^^^
  |
  help: a public key looks as `openssl pkey -in KEY -pubout` prints it

""",
    ),
    "7 a private key on the one line of the block": (
        'signing = { public_key_pem = "-----BEGIN PRIVATE KEY-----MC4CAQAwBQ-----END PRIVATE KEY-----" }\n',
        {"signature": SIGNED},
        REFUSED,
        BAD_KEY,
        None,
        """\
error[ADC0603 signature_key_malformed]: workflow signature verification failed: public_key_pem cannot be used: it is \
a private key; give the public half, and keep this one out of reach
 help: a public key looks as `openssl pkey -in KEY -pubout` prints it

""",
    ),
    "7 given key": (
        KEYED,
        {"signature": SIGNED, "key": b"", "key_name": "ops.pub"},
        REFUSED,
        BAD_KEY,
        None,
        """\
error[ADC0603 signature_key_malformed]: workflow signature verification failed: the key ops.pub cannot be used: it \
is empty
 help: a public key looks as `openssl pkey -in KEY -pubout` prints it

""",
    ),
    "7 given key unreadable": (
        BARE,
        {"signature": SIGNED, "key": Unreadable("Is a directory"), "key_name": "keys"},
        REFUSED,
        BAD_KEY,
        None,
        """\
error[ADC0603 signature_key_malformed]: workflow signature verification failed: the key keys cannot be read: Is a \
directory

""",
    ),
    "8 empty": (
        KEYED,
        {"signature": b"\n"},
        REFUSED,
        "signing.sig_malformed",
        FINGERPRINT,
        """\
error[ADC0602 signature_malformed]: workflow signature verification failed: the signature file flow.toml.sig holds 0 \
bytes instead of 64
 = note: key fingerprint 56475aa75463474c
 help: sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "9 another text": (
        KEYED,
        {"signature": signature.sign(b"x", SEED).encode()},
        REFUSED,
        "signing.verification_failed",
        FINGERPRINT,
        """\
error[ADC0605 signature_mismatch]: workflow signature verification failed: the signature does not fit flow.toml and \
the key
 = note: key fingerprint 56475aa75463474c
 help: the file or its signature was changed, or signed with another key; find out which, then
       sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "9 rewritten line ends": (
        KEYED,
        {"signature": signature.sign(KEYED.replace("\n", "\r\n").encode(), SEED).encode()},
        REFUSED,
        "signing.verification_failed",
        FINGERPRINT,
        """\
error[ADC0605 signature_mismatch]: workflow signature verification failed: the signature does not fit flow.toml and \
the key
 = note: key fingerprint 56475aa75463474c
 = note: the signature fits the same text with CRLF line ends; something has rewritten them
 help: the file or its signature was changed, or signed with another key; find out which, then
       sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "9 another key": (
        KEYED,
        {"signature": SIGNED, "key": OTHER, "forced": True},
        REFUSED,
        "signing.verification_failed",
        "21fe31dfa154a261",
        """\
error[ADC0605 signature_mismatch]: workflow signature verification failed: the signature does not fit flow.toml and \
the key
 = note: key fingerprint 21fe31dfa154a261
 help: the file or its signature was changed, or signed with another key; find out which, then
       sign the file with `agentdc sign flow.toml --key KEY`

""",
    ),
    "10 key in the block": (KEYED, {"signature": SIGNED}, VERIFIED, "signing.verified", FINGERPRINT, ""),
    "10 required": (REQUIRED, {"signature": SIGNED}, VERIFIED, "signing.verified", FINGERPRINT, ""),
    "10 key in a file": (
        FILED,
        {"signature": SIGNED, "key_file": PEM},
        VERIFIED,
        "signing.verified",
        FINGERPRINT,
        "",
    ),
    "10 key given, forced": (
        KEYED,
        {"signature": SIGNED, "key": PEM, "forced": True},
        VERIFIED,
        "signing.verified",
        FINGERPRINT,
        "",
    ),
    "10 key given, in place of bad ones": (
        f'{EMPTY}public_key_pem = ""\npublic_key_file = ""\nalgorithm = "ED25519"\n',
        {"signature": SIGNED, "key": PEM},
        VERIFIED,
        "signing.verified",
        FINGERPRINT,
        "",
    ),
    "10 key given, no block": (
        BARE,
        {"signature": SIGNED, "key": PEM, "forced": True},
        VERIFIED,
        "signing.verified",
        FINGERPRINT,
        "",
    ),
    "10 forced, and the key is the file's own": (
        KEYED,
        {"signature": SIGNED, "forced": True},
        VERIFIED,
        "signing.verified",
        FINGERPRINT,
        """\
warning[ADC0606 signature_no_pin]: a signature is required of flow.toml, and the file itself says whose
 --> flow.toml:4:1
  |
4 | public_key_pem = \"\"\"
  | ^^^^^^^^^^^^^^ whoever can change the file can change this
  |
  help: pin the key with --signing-key-file

""",
    ),
    "10 forced, and the file names the key's file": (
        FILED,
        {"signature": SIGNED, "key_file": PEM, "forced": True, "key_option": "--key"},
        VERIFIED,
        "signing.verified",
        FINGERPRINT,
        """\
warning[ADC0606 signature_no_pin]: a signature is required of flow.toml, and the file itself says whose
 --> flow.toml:4:1
  |
4 | public_key_file = "ops.pub"
  | ^^^^^^^^^^^^^^^ whoever can change the file can change this
  |
  help: pin the key with --key

""",
    ),
    "a block of the wrong shape": (
        f'{KEYED}required = "no"\n',
        {"signature": SIGNED},
        REFUSED,
        BAD_KEY,
        None,
        """\
error[ADC0603 signature_key_malformed]: workflow signature verification failed: [signing] cannot be used: required \
is not a boolean
 --> flow.toml:9:1
  |
9 | required = "no"
  | ^^^^^^^^
  |

""",
    ),
    "no block at all, but the key": (
        "signing = 3\n",
        {"key": PEM},
        REFUSED,
        BAD_KEY,
        None,
        """\
error[ADC0603 signature_key_malformed]: workflow signature verification failed: [signing] cannot be used: it is not \
a table
 --> flow.toml:1:1
  |
1 | signing = 3
  | ^^^^^^^
  |

""",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str) -> None:
    text, facts, *expected = ROWS[row]
    found = verdict(text, **facts)
    assert [found.status, found.event, found.key_fingerprint, render(found.diagnostics)] == expected


@pytest.mark.parametrize("row", ROWS)
def test_reason_and_severity_follow_the_status(row: str) -> None:
    text, facts, *_ = ROWS[row]
    found = verdict(text, **facts)
    refused = found.status is REFUSED
    assert any(each.is_error for each in found.diagnostics) is refused
    assert bool(found.reason) is (found.status in {REFUSED, BYPASSED})
    if refused:
        assert found.diagnostics[0].message == f"workflow signature verification failed: {found.reason}"


@pytest.mark.parametrize("size", [1, 63, 65, 66, 200])
def test_8_any_other_length(size: int) -> None:
    from base64 import b64encode

    found = verdict(KEYED, signature=b64encode(bytes(size)))
    assert found.reason == f"the signature file flow.toml.sig holds {size} bytes instead of 64"
    assert found.event == "signing.sig_malformed"


def test_a_file_without_extension_has_two_places() -> None:
    found = verify(TrustRequest(SourceFile("flow", b""), SigningBlock(True)))
    assert found.diagnostics[0].notes == ("looked for flow.sig and flow..sig",)


def test_a_file_that_is_not_toml_is_verified_with_the_given_key() -> None:
    source = SourceFile("flow.toml", b"[[[\xff\x00")
    good = signature.sign(source.data, SEED).encode()
    assert verify(TrustRequest(source, None, True, good, key=PEM)).status is VERIFIED
    assert verify(TrustRequest(source, None, True, good, key=OTHER)).status is REFUSED
    assert verify(TrustRequest(source, None, True, good)).event == "signing.required_override"
    assert verify(TrustRequest(source, None, False, None)).status is UNSIGNED


def test_a_key_file_that_nobody_read_refuses() -> None:
    assert verdict(FILED, signature=SIGNED).status is REFUSED


def test_key_of_a_command() -> None:
    assert render([errors.unusable_key("k.pem", "is empty")]) == (
        "error[ADC0603 signature_key_malformed]: the key k.pem cannot be used: it is empty\n\n"
    )
