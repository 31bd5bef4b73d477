"""Python names from workflow ids: readable, ASCII, without collisions.

>>> names = Names({"run"})
>>> names.take("load"), names.take("load"), names.take("run"), names.take("9 lives!"), names.take("class")
('load', 'load_2', 'run_2', 'n_9_lives', 'class_')
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

MAX_LENGTH = 40
_BUILTINS = frozenset(dir(builtins))


class Names:
    """A namespace: hands out each name once."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._taken = set(reserved)

    def take(self, text: str, *, prefix: str = "", upper: bool = False) -> str:
        """A free identifier that looks like `text`."""
        stem = identifier(prefix + text if prefix else text)
        stem = stem.upper() if upper else stem
        name, number = stem, 2
        while name in self._taken:
            name, number = f"{stem}_{number}", number + 1
        self._taken.add(name)
        return name


def identifier(text: str) -> str:
    """A lower-case ASCII identifier that looks like `text`, and is neither a keyword nor a built-in."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_").lower()[:MAX_LENGTH].rstrip("_")
    if not words:
        return "node"
    if words[0].isdigit():
        words = f"n_{words}"
    return f"{words}_" if keyword.iskeyword(words) or words in _BUILTINS else words
