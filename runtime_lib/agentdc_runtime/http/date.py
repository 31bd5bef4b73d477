"""The `Date` of answers (RFC 9110 §6.6.1), in apps that are asked for it; linking costs nothing."""

from __future__ import annotations

from time import gmtime, time

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_made: dict[int, tuple[tuple[str, str], ...]] = {}  # of the present second only


def now() -> tuple[tuple[str, str], ...]:
    """The header for this second; made once in each."""
    second = int(time())
    found = _made.get(second)
    if found is None:
        _made.clear()
        found = _made[second] = (("Date", text(second)),)
    return found


def text(unix: int) -> str:
    """A time in the one form of HTTP (RFC 9110 §5.6.7), in English whatever the locale is."""
    at = gmtime(unix)
    day = f"{_DAYS[at.tm_wday]}, {at.tm_mday:02d} {_MONTHS[at.tm_mon - 1]} {at.tm_year:04d}"
    return f"{day} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} GMT"
