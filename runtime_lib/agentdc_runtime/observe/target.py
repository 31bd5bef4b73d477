"""Where a log goes: `stderr`, `stdout` or `file:PATH` (spec 03 §2.1). Costs nothing to link: imports nothing."""

from __future__ import annotations


def parse(text: str) -> tuple[str, str] | None:
    """(`stderr`|`stdout`|`file`, path or ""), or None when `text` is no target.

    Stream names in any case; the path is trimmed and must not be blank.
    """
    word = text.strip().lower()
    if word in ("stderr", "stdout"):
        return word, ""
    path = text.strip().removeprefix("file:").strip()
    if text.strip().startswith("file:") and path and "\0" not in path:
        return "file", path
    return None
