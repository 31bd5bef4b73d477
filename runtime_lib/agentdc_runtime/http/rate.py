"""A token bucket (spec 02 §3.1): shared by all callers of a route, full at the start. Imports nothing."""

from __future__ import annotations

_ONE = 1.0 - 1e-9  # a sum of fractions may lack a last bit


class Bucket:
    """`capacity`: tokens at most; `per_second`: refill, > 0. The clock is the caller's, in seconds."""

    __slots__ = ("_at", "_capacity", "_per_second", "_tokens")

    def __init__(self, capacity: int, per_second: float) -> None:
        self._capacity = float(capacity)
        self._per_second = per_second
        self._tokens = self._capacity
        self._at: float | None = None

    def take(self, now: float) -> int:
        """Take one token: 0, or without one the milliseconds until there is one, at least 1."""
        if self._at is not None and now > self._at:
            self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._per_second)
        if self._at is None or now > self._at:
            self._at = now
        if self._tokens >= _ONE:
            self._tokens = max(0.0, self._tokens - 1.0)
            return 0
        return max(1, int(-(-(1.0 - self._tokens) * 1000 // self._per_second)))
