"""`[logging]` values that do something else than they seem to: levels that are none, the audit file that nobody named
(spec 03 §2.2, §2.5).

Says what the runtime library would tell of the same level text at its start; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agentdc.check import errors
from agentdc.diagnostics import Diagnostic
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

LEVELS = ("trace", "debug", "info", "warn", "error", "off")
TARGETS = ("agentd::audit", "agentd::engine::runner", "agentd::triggers::http")
_COMMA = re.compile(r",(?![^\[{]*[\]}])")  # one that is not inside the brackets of a filter on spans


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """Findings; nothing where nothing is logged."""
    logging = workflow.logging
    if logging is None or not logging.enabled:
        return
    for part, why, alone in doubtful(logging.level):
        yield errors.unknown_log_level(part, why, LEVELS, at.value(("logging", "level")), alone=alone)
    if logging.audit is not None and "target" not in logging.audit.model_fields_set:
        yield errors.default_audit_file(logging.audit.target, at.key(("logging", "audit")))


def doubtful(level: str) -> Iterator[tuple[str, str, bool]]:
    """Directives that do not do what they say: the text, what it does instead, and whether it stands alone."""
    parts = [each.strip() for each in _COMMA.split(level) if each.strip()]
    for part in parts:
        target, equals, word = (each.strip() for each in part.partition("="))
        if "[" in part:
            yield part, "filters on spans are not supported, so it is ignored", False
        elif equals and not _is_level(word or "error"):
            yield part, "with it the whole text counts for nothing, and the level is info", False
            return
        elif not equals and not _is_level(target) and not _names_a_target(target):
            told = "so nothing is logged" if len(parts) == 1 else "so it does nothing"
            yield part, f"it names a target that no event has, {told}", len(parts) == 1


def _is_level(word: str) -> bool:
    return word.lower() in LEVELS or (len(word) == 1 and word in "012345")


def _names_a_target(word: str) -> bool:
    return any(known.startswith(word) or word.startswith(known) for known in TARGETS)
