"""Level directives, such as `agentd::audit=info,warn` (spec 03 §2.2). Costs nothing to link but `log`.

Knows the grammar and the choice of the longest matching directive; does not know where a text came from or
what becomes of its warnings.
"""

from __future__ import annotations

from agentdc_runtime.observe.log import AUDIT, DEBUG, ERROR, HTTP, INFO, OFF, RUNNER, TRACE, WARN

WORDS = {"off": OFF, "error": ERROR, "warn": WARN, "info": INFO, "debug": DEBUG, "trace": TRACE}


class Filter:
    """Which events pass: `directives` maps a prefix of a target to its level, `""` is for every target."""

    __slots__ = ("_chosen", "_directives", "most")

    def __init__(self, directives: dict[str, int]) -> None:
        self._directives = sorted(directives.items(), key=lambda each: -len(each[0]))
        self._chosen: dict[str, int] = {}
        self.most = max(directives.values(), default=OFF)

    def enabled(self, target: str, level: int) -> bool:
        """Whether the longest directive that `target` begins with lets `level` pass; none: nothing passes."""
        chosen = self._chosen.get(target)
        if chosen is None:
            matching = (limit for prefix, limit in self._directives if target.startswith(prefix))
            chosen = self._chosen[target] = next(matching, OFF)
        return level <= chosen


def level_of(word: str) -> int | None:
    """The level that a word (any case) or a digit 0…5 names, or None."""
    if len(word) == 1 and word in "012345":
        return int(word)
    return WORDS.get(word.lower())


def parse(text: str) -> tuple[Filter, list[str]]:
    """The filter that `text` describes, and warnings for people; never fails.

    An empty text is `error`, one that does not parse is `info`. Blanks around a directive do not count; of two
    directives for one target the last one wins.
    """
    warnings: list[str] = []
    directives: dict[str, int] = {}
    parts = _parts(text)
    for part in parts:
        if "[" in part:
            warnings.append(f"`{part}`: filters on spans are not supported; this directive is ignored")
            continue
        target, equals, word = (each.strip() for each in part.partition("="))
        level = level_of(word or "error") if equals else level_of(part)
        if equals and level is None:
            warnings.append(f"`{part}` is not a level directive; the level is `info`")
            return Filter({"": INFO}), warnings
        if equals or level is None:
            directives[target] = TRACE if level is None else level
        else:
            directives[""] = level
        if not equals and level is None and not _names_a_target(part):
            warnings.append(f"`{part}` is not a level: {_consequence(parts)}")
    if not directives:
        directives[""] = INFO if parts else ERROR
    return Filter(directives), warnings


def _parts(text: str) -> list[str]:
    """The directives between commas; commas inside the brackets of a span filter do not separate."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text + ","):
        if character in "[]{}":
            depth = max(0, depth + (1 if character in "[{" else -1))
        elif character == "," and (depth == 0 or at == len(text)):
            parts.append(text[start:at].strip())
            start = at + 1
    return [part for part in parts if part]


def _names_a_target(word: str) -> bool:
    return any(known.startswith(word) or word.startswith(known) for known in (AUDIT, RUNNER, HTTP))


def _consequence(parts: list[str]) -> str:
    alone = ", so nothing is logged" if len(parts) == 1 else ""
    return f"it names a target that no event has{alone}; levels are {', '.join(reversed(WORDS))}"
