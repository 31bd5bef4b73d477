"""A circuit breaker of one endpoint: closed, open after failures in a row, then half open for one attempt. Pure.

closed --(so many failures in a row)--> open --(some seconds)--> half open --(success)--> closed
                                                                          --(failure)--> open
"""

from __future__ import annotations


class Breaker:
    """`failures`: in a row, after which nobody asks; 0 = never. `seconds`: until one may try again."""

    __slots__ = ("_failures", "_in_a_row", "_opened", "_seconds", "_trying")

    def __init__(self, failures: int, seconds: float) -> None:
        self._failures = failures
        self._seconds = seconds
        self._in_a_row = 0
        self._opened: float | None = None
        self._trying = False

    def admits(self, now: float) -> bool:
        """Whether an attempt may begin; while half open, one at a time."""
        if self._opened is None:
            return True
        if self._trying or now - self._opened < self._seconds:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """The endpoint has answered."""
        self._in_a_row, self._opened, self._trying = 0, None, False

    def failed(self, now: float) -> bool:
        """The endpoint has failed; True when that opened the circuit."""
        self._in_a_row += 1
        opens = self._trying or (self._opened is None and 0 < self._failures <= self._in_a_row)
        self._trying = False
        if opens:
            self._opened = now
        return opens

    def abandoned(self) -> None:
        """An attempt ended without saying anything about the endpoint."""
        self._trying = False
