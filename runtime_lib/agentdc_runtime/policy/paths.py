"""A list of path patterns that `..` and symbolic links cannot talk their way around (spec 02 §5.4). Imports `os`.

A path is allowed when two things hold. Its text as given, with `..` folded away, matches the list as written:
this is the reference's rule, so nothing is allowed here that is denied there except through a folded `..`. And
the place it leads to, absolute and with all links followed, matches the list with its own links followed: that
happens once, when the list is made, so a root that is a link keeps working and one that becomes a link later
does not open a new place. Relative patterns are taken from the working directory of that moment.

What is allowed is the resolved place. Opening it without following links again is the business of `host.files`.
"""

from __future__ import annotations

import os

from agentdc_runtime.policy.match import covers, folder_of, gathered, path_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdc_runtime.policy.match import Rule

# No working directory, a NUL in the text, an endless chain of links.
_UNRESOLVABLE = (OSError, ValueError, RecursionError)


class PathList:
    """One list of `[policy.fs]`. `anything`: it holds `*`, so there is no place to stay inside of."""

    __slots__ = ("_as_written", "_resolved", "anything")

    def __init__(self, patterns: list[str]) -> None:
        self.anything = "*" in patterns
        self._as_written = path_rules(patterns)
        self._resolved = gathered(rule for pattern in patterns for rule in _resolved_rules(pattern))

    def admit(self, path: str) -> str | None:
        """The path to open, or None when the list does not cover `path`; looks at links, opens nothing."""
        if self.anything:
            return path
        if not covers(self._as_written, folded(path)):
            return None
        try:
            place = resolved(path)
        except _UNRESOLVABLE:
            return None
        if not covers(self._resolved, place):
            return None
        # "x/" names a folder and never the file x: keep that demand for the opening.
        return place + "/" if path.endswith(("/", "/.")) else place


def folded(path: str) -> str:
    """The text with `..` folded away; without `..` it stays as given, even where it could be tidied."""
    return os.path.normpath(path) if ".." in path.split("/") else path


def resolved(path: str) -> str:
    """Absolute, links followed as far as the path exists; the empty path, which names nothing, stays empty."""
    return os.path.realpath(path) if path else ""


def _resolved_rules(pattern: str) -> Iterator[Rule]:
    if pattern == "*":
        yield None, ""
        return
    try:
        folder = folder_of(pattern)
        if folder is not None:
            yield _below(resolved(folder or "/"))
        elif pattern.endswith("*"):
            yield from _starting_with(pattern[:-1])
        elif pattern:
            yield resolved(pattern), None
    except _UNRESOLVABLE:
        return  # what cannot be resolved covers nothing


def _below(place: str) -> Rule:
    return place, place.rstrip("/") + "/"


def _starting_with(start: str) -> Iterator[Rule]:
    """`/srv/drop*`: names in the real `/srv` that begin so; and the real `/srv/drop`, if that is a link."""
    folder, slash, name = start.rpartition("/")
    prefix = resolved(folder or slash or ".").rstrip("/") + "/" + name
    yield None, prefix
    if name not in ("", ".", "..") and (place := resolved(start)) != prefix:
        yield _below(place)
