"""The `[signing]` block, found in documents of every shape, and its place in the text."""

from __future__ import annotations

import time

import pytest
import tomli

from agentdc.diagnostics.span import SourceFile
from agentdc.trust import places
from agentdc.trust.declared import declared_signing
from agentdc.trust.facts import SigningBlock


def unusable(fault: str, key: str | None = None) -> SigningBlock:
    return SigningBlock(required=True, fault=fault, fault_key=key)


FULL = SigningBlock(True, "PEM", "FILE", "RSA")

CASES: dict[str, tuple[str, SigningBlock | None]] = {
    "none": ('name = "a"', None),
    "empty document": ("", None),
    "empty block": ("[signing]", SigningBlock()),
    "full": (
        '[signing]\nrequired = true\npublic_key_pem = "PEM"\npublic_key_file = "FILE"\nalgorithm = "RSA"',
        FULL,
    ),
    "inline": ("signing = { required = true }", SigningBlock(True)),
    "dotted": ("signing.required = true", SigningBlock(True)),
    "wrapped": ('[[workflows]]\nname = "a"\n[workflows.signing]\nrequired = true', SigningBlock(True)),
    "wrapped, none": ('[[workflows]]\nname = "a"', None),
    "ignored beside workflows": ('[[workflows]]\nname = "a"\n[signing]\nrequired = true', None),
    "one of two": ("[[workflows]]\n[[workflows]]\n[workflows.signing]\nrequired = true", SigningBlock(True)),
    "both of two": (
        "[[workflows]]\n[workflows.signing]\n[[workflows]]\n[workflows.signing]",
        unusable("more than one workflow declares it"),
    ),
    "a table of workflows": ("[workflows.signing]\nrequired = true", SigningBlock(True)),
    "workflows of no shape": ("workflows = [1, []]", None),
    "workflows a string": ('workflows = "signing"', None),
    "not a table": ("signing = true", unusable("it is not a table")),
    "array of tables": ("[[signing]]\nrequired = true", unusable("it is not a table")),
    "required a string": ('[signing]\nrequired = "false"', unusable("required is not a boolean", "required")),
    "required a number": ("[signing]\nrequired = 0", unusable("required is not a boolean", "required")),
    "pem": ("[signing]\npublic_key_pem = []", unusable("public_key_pem is not a string", "public_key_pem")),
    "file": (
        "[signing]\npublic_key_file = 1",
        unusable("public_key_file is not a string", "public_key_file"),
    ),
    "algorithm": ("[signing]\nalgorithm = false", unusable("algorithm is not a string", "algorithm")),
    "unknown key": ("[signing]\nrequird = true", SigningBlock()),
}


@pytest.mark.parametrize("name", CASES)
def test_declared(name: str) -> None:
    text, expected = CASES[name]
    assert declared_signing(tomli.loads(text)) == expected


BLOCK = '[signing]\nrequired = true\n  public_key_pem="x"\n'

PLACES: dict[str, tuple[str, str, tuple[int, int] | None, str | None]] = {
    "header": (BLOCK, "", (1, 1), "[signing]"),
    "key": (BLOCK, "public_key_pem", (3, 3), "public_key_pem"),
    "no such key": (BLOCK, "algorithm", (1, 1), "[signing]"),
    "key of a later table": (BLOCK + '[x]\nalgorithm = "a"\n', "algorithm", (1, 1), "[signing]"),
    "wrapped": ("\n [ workflows . signing ]\nrequired=true", "required", (3, 1), "required"),
    "inline": ("signing = {required = true}", "required", (1, 1), "signing"),
    "dotted": ('name="a"\nsigning.required = true', "required", (2, 1), "signing"),
    "after strings": (
        f'a = \'\'\'\n[signing]\n\'\'\'\nb = """\n\\"""\n[signing]\n"""""\nc = \'[signing]\'\n# [signing]\n{BLOCK}',
        "required",
        (11, 1),
        "required",
    ),
    "key inside a string": (
        '[signing]\npublic_key_pem = """\nrequired = 1\n"""\nrequired = true',
        "required",
        (5, 1),
        "required",
    ),
    "none": ('name = "a"', "required", None, None),
    "not TOML": ('"""\n[signing]', "required", None, None),
    "not TOML, after a stray quote": ('a = "\n[signing]', "required", (2, 1), "[signing]"),
    "crlf": (BLOCK.replace("\n", "\r\n"), "required", (2, 1), "required"),
}


@pytest.mark.parametrize("name", PLACES)
def test_places(name: str) -> None:
    text, key, position, marked = PLACES[name]
    source = SourceFile("w.toml", text.encode())
    span = places.key(source, key) if key else places.block(source)
    if span is None:
        assert position is None
    else:
        assert ((span.line, span.column), source.text[span.start : span.end]) == (position, marked)


def test_the_header_shows_nothing_of_the_block() -> None:
    assert places.header(SourceFile("w", BLOCK.encode())) == places.block(SourceFile("w", BLOCK.encode()))
    assert places.header(SourceFile("w", b'signing = { public_key_pem = "x" }')) is None
    assert places.header(SourceFile("w", b"")) is None


@pytest.mark.parametrize(
    "text", ['\\"' * 200_000, '"""' * 200_001, "'" * 200_001, '"\\' * 200_000, "[ " * 200_000]
)
def test_hostile_text_is_scanned_in_linear_time(text: str) -> None:
    begin = time.perf_counter()
    places.key(SourceFile("w.toml", text.encode()), "required")
    assert time.perf_counter() - begin < 2
