"""What a green check excludes, as data; `docs/check.md` says the same in words, and a test compares the two.

A run that dies, dies of a *cause*. For each cause the table says which error class the run ends with, which finding
of `agentdc check` stands for it, and what withdraws the claim. A cause that no row names is a mistake in the table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Excluded:
    """A cause that a check can exclude.

    `classes`: of the error (spec 01 §12). `errors`: slugs that tell it as an error; a check without errors has none.
    `warnings`: slugs that tell, at the node, that it depends on data; then only a check without warnings excludes it.
    `when`: what else must hold, in words; empty for always.
    """

    cause: str
    classes: tuple[str, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    when: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """A cause that no check excludes: `classes` of the error, and what guards the run instead."""

    cause: str
    classes: tuple[str, ...]


KNOWN = "the type of the value is known"

EXCLUDED = (
    Excluded(
        "no entry", ("workflow",), ("ambiguous_start_entry", "unknown_start_entry_node"), ("no_start_node",)
    ),
    Excluded("ambiguous edges", ("workflow",), ("ambiguous_edges",)),
    Excluded(
        "output not there", ("tool", "workflow"), ("unknown_path_head", "path_not_upstream", "maybe_unset")
    ),
    Excluded(
        "key not there",
        ("tool", "workflow"),
        ("unknown_output_key", "maybe_unset"),
        ("maybe_missing",),
        KNOWN,
    ),
    Excluded("wrong kind", ("tool", "workflow"), ("type_mismatch",), ("maybe_mismatch",), KNOWN),
    Excluded(
        "wrong value",
        ("tool",),
        ("value_mismatch", "bad_url"),
        ("maybe_mismatch", "bad_url"),
        "the value is known",
    ),
    Excluded("child not usable", ("workflow",), ("child_unreadable", "child_invalid")),
    Excluded("too deep", ("workflow",), ("child_recursion", "nested_too_deep"), ("child_recursion",)),
    Excluded("no answer fits", ("schema",), ("schema_invalid",)),
)

LEFT = (
    Left("unknown data", ("tool", "workflow")),
    Left("text", ("tool",)),
    Left("count", ("workflow",)),
    Left("file", ("tool",)),
    Left("command", ("tool",)),
    Left("network", ("tool",)),
    Left("policy", ("policy",)),
    Left("budget", ("tool",)),
    Left("model", ("intelligence", "schema", "capability")),
    Left("tool server", ("mcp", "workflow", "capability")),
    Left("time", ("timeout",)),
    Left("visits", ("workflow",)),
    Left("approval", ("workflow",)),
)

CAUSES = {each.cause: each for each in EXCLUDED} | {each.cause: each for each in LEFT}
