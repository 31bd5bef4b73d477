"""The set of texts that a binding accepts, compared in constant time. Links `hashlib` and `_operator`.

Digests are compared, not the texts: all have one length, so the time tells neither how long an accepted text is nor
how far a guess was right. Every comparison is made, whatever the others gave.
"""

from __future__ import annotations

from _operator import _compare_digest as equal
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Accepted:
    """Literal texts as they are, without blank ones, and the trimmed lines of a secret that are not blank.

    The digests of the last secret are kept: it is asked for at every request, and seldom changes.
    """

    __slots__ = ("_lines", "_literals", "_secret")

    def __init__(self, literals: Iterable[str]) -> None:
        self._literals = tuple(_digest(each) for each in literals if each.strip())
        self._secret: str | None = None
        self._lines: tuple[bytes, ...] = ()

    def having(self, secret: str | None) -> tuple[bytes, ...]:
        """The digests of all that is accepted now; `secret`: None when there is none."""
        if secret is None:
            return self._literals
        if secret != self._secret:
            self._lines = tuple(_digest(line.strip()) for line in secret.split("\n") if line.strip())
            self._secret = secret
        return self._literals + self._lines


def among(given: bytes, digests: tuple[bytes, ...]) -> bool:
    """Whether `given` is one of the texts with these digests."""
    digest = sha256(given).digest()
    found = False
    for each in digests:
        found |= equal(digest, each)
    return found


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()
