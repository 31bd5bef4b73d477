"""Policy patterns against texts that are known in part (spec 02 §5.3, §5.4).

The matchers are those of the runtime's `policy.match`, for texts instead of strings; a test holds the two against
each other. What is said here holds for the text alone: links of the file system are followed, and URLs that can be
read in two ways are judged, at run time.

    judged("url", ["https://shop.example/*"], ("https://shop.example/orders/", Data("trigger.id"))) -> "guarded"
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from agentdc.check.origins import Text, prefix, whole

Subject = Literal["path", "url", "command", "name"]
Verdict = Literal["allowed", "guarded", "denied"]
# A URL that can be read in one way only, of which nothing needs to be folded.
_BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PLAIN_URL = re.compile(
    rf"https?://(?P<host>{_BYTE}(\.{_BYTE}){{3}}|[a-z0-9]([a-z0-9.-]*[a-z])?)(:[1-9][0-9]{{0,3}})?([/?#][!-~]*)?\Z"
)
_ESCAPE_BEGUN = re.compile(r"%.?\Z")  # which "false" or 2e5 could end
_DOTS = re.compile(r"(/|%2f)(\.|%2e){1,2}(/|%2f|;|\Z)", re.IGNORECASE)


class Rule(NamedTuple):
    """What a pattern covers: one text, texts that begin so, or both."""

    exact: str | None
    start: str | None


def rule(subject: Subject, pattern: str) -> Rule:
    """The rule of a pattern: matcher N for names, matcher P for everything else."""
    if pattern == "*":
        return Rule(None, "")
    if subject != "name":
        for ending in ("/**", "/*"):
            if pattern.endswith(ending):
                folder = pattern.removesuffix(ending)
                return Rule(folder, folder + "/")
    return Rule(None, pattern[:-1]) if pattern.endswith("*") else Rule(pattern, None)


def judged(subject: Subject, patterns: Iterable[str], text: Text) -> Verdict:
    """Whether a list covers the text whatever its data is, perhaps, or certainly not."""
    rules = [rule(subject, pattern) for pattern in patterns]
    known = whole(text)
    if known is None:
        if _numbered(text) and any(_holds(subject, each, text) for each in rules):
            return "allowed"
        return "guarded" if any(_meets(each, text) for each in rules) else _climbing(subject, rules)
    covering = [each for each in rules if _covers(each, _folded(subject, known))]
    if not covering:
        return "denied"
    if subject == "url":
        return "allowed" if any(_plainly(each, known) for each in covering) else "guarded"
    return "allowed"


def used(subject: Subject, pattern: str, text: Text) -> bool:
    """Whether the pattern covers any text that this one can be."""
    each = rule(subject, pattern)
    known = whole(text)
    return _meets(each, text) if known is None else _covers(each, _folded(subject, known))


def covered(subject: Subject, pattern: str, by: Sequence[str]) -> bool:
    """Whether all that a pattern covers is covered by one of the others."""
    inner = rule(subject, pattern)
    for each in (rule(subject, other) for other in by):
        exact = inner.exact is None or _covers(each, inner.exact)
        start = inner.start is None or (each.start is not None and inner.start.startswith(each.start))
        if exact and start:
            return True
    return False


def _covers(each: Rule, known: str) -> bool:
    return known == each.exact or (each.start is not None and known.startswith(each.start))


def _meets(each: Rule, text: Text) -> bool:
    """Whether some text with this beginning is covered."""
    known = prefix(text)
    exact = each.exact is not None and each.exact.startswith(known)
    return exact or (
        each.start is not None and (each.start.startswith(known) or known.startswith(each.start))
    )


def _numbered(text: Text) -> bool:
    """Whether all that is not known are numbers; no such text has a slash, or is only dots."""
    return all(isinstance(each, str) or each.number for each in text)


def _holds(subject: Subject, each: Rule, text: Text) -> bool:
    """Whether a rule covers a text with numbers, whatever they are: by its beginning, which they are not part of."""
    start, known = each.start, prefix(text)
    if start is None or not known.startswith(start):
        return False
    some = "".join(each if isinstance(each, str) else "0" for each in text)
    if subject == "url":
        begun = any(isinstance(each, str) and _ESCAPE_BEGUN.search(each) for each in text)
        return not begun and "/" in known.partition("://")[2] and _plainly(each, some)
    return subject != "path" or ".." not in some.split("/")


def _folded(subject: Subject, known: str) -> str:
    """What the gate compares: a path with `..` is folded first, a URL is not."""
    return posixpath.normpath(known) if subject == "path" and ".." in known.split("/") else known


def _climbing(subject: Subject, rules: Sequence[Rule]) -> Verdict:
    """Of a text that no pattern meets: data with `..` may still climb to a place that one covers."""
    return "guarded" if subject == "path" and rules else "denied"


def climbs_only(subject: Subject, patterns: Iterable[str], text: Text) -> bool:
    """Whether only data with `..` could get a text of data past the list."""
    rules = [rule(subject, pattern) for pattern in patterns]
    return whole(text) is None and not any(_meets(each, text) for each in rules)


def _plainly(each: Rule, url: str) -> bool:
    """Whether the gate cannot read the URL in another way than the rule does."""
    found = _PLAIN_URL.match(url)
    if found is None or _DOTS.search(url.partition("://")[2]):
        return False
    start = each.start
    if start in (None, "") or url == each.exact:
        return True
    authority = start.partition("://")[2]
    return (
        not authority
        or any(mark in authority for mark in "/?#")
        or authority.partition(":")[0] == found["host"]
    )
