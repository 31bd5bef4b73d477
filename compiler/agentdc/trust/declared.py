"""The `[signing]` block, found without the strict model.

Trust is decided before the workflow is believed, so this looks at nothing else of the document and fails closed: a
block of the wrong shape is a block that demands a signature and can accept none. Keys that the block does not
have, and a block that is ignored beside `[[workflows]]`, are left to the stages that parse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agentdc.trust.facts import SigningBlock

_STRINGS = ("public_key_pem", "public_key_file", "algorithm")


def declared_signing(document: Mapping[str, object]) -> SigningBlock | None:
    """The block of a parsed TOML document, bare or wrapped; None when it declares none.

    `key_file` is left for the driver to fill in.
    """
    blocks = [each["signing"] for each in _workflows(document) if "signing" in each]
    if not blocks:
        return None
    if len(blocks) > 1:
        return _unusable("more than one workflow declares it", None)
    return _block(blocks[0])


def _workflows(document: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The tables that hold workflow keys; more than one is refused later, yet none is overlooked here."""
    if "workflows" not in document:
        yield document
        return
    entries = document["workflows"]
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, Mapping):
            yield entry


def _block(table: object) -> SigningBlock:
    if not isinstance(table, Mapping):
        return _unusable("it is not a table", None)
    required = table.get("required", False)
    if not isinstance(required, bool):
        return _unusable("required is not a boolean", "required")
    texts: dict[str, str] = {}
    for name in _STRINGS:
        value = table.get(name)
        if isinstance(value, str):
            texts[name] = value
        elif name in table:
            return _unusable(f"{name} is not a string", name)
    return SigningBlock(
        required,
        texts.get("public_key_pem"),
        texts.get("public_key_file"),
        texts.get("algorithm", "ed25519"),
    )


def _unusable(fault: str, key: str | None) -> SigningBlock:
    return SigningBlock(required=True, fault=fault, fault_key=key)
