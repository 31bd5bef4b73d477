"""`agentdc run`: compile to a cache that is keyed by content, then execute with the arguments of a built app.

The quick way imports no other stage: the key is a hash over everything that decides what the app
is, so an entry that exists is the app. Entries are made beside and renamed, and only a cache directory that
belongs to the user alone is used, since what lies in it is executed.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from agentdc.version import VERSION

PACKAGES = ("agentdc", "agentdc_runtime", "agentdc_templates")


class UnsafeCache(Exception):
    """The cache directory could have been written by someone else; the message names it."""


def cache_directory() -> Path:
    """Where compiled apps are kept; made with mode 0700. UnsafeCache when it is not the user's own."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    path = Path(base) / "agentdc"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.stat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o022:
        raise UnsafeCache(str(path))
    return path


def entry(cache: Path, workflow: str, parts: Sequence[bytes]) -> Path:
    """The cache entry of a workflow file: a directory that holds the app under its name.

    `parts`: everything else that decides what is compiled: the bytes of the workflow, of its signature, of the key
    file, and the options.
    """
    digest = sha256()
    for part in (VERSION.encode(), _stamp(), Path(workflow).name.encode(), *parts):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return cache / digest.hexdigest()[:32]


def private_directory() -> Path:
    """A place for one run when there is no cache; it stays until the system clears its temporary files."""
    return Path(tempfile.mkdtemp(prefix="agentdc-run-"))


def cached_app(place: Path) -> Path | None:
    """The app in a cache entry, or None."""
    try:
        return next(place.iterdir(), None)
    except OSError:
        return None


def execute(app: Path, arguments: Sequence[str]) -> None:
    """Replace this process by the app; does not return. Standard streams must have been flushed."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-I", "-S", str(app), *arguments])  # noqa: S606 - our own app


def _stamp() -> bytes:
    """Changes when the installed compiler or runtime changes without a new version, as in a checkout."""
    newest = 0
    for package in PACKAGES:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            for folder, _, names in os.walk(Path(spec.origin).parent):
                times = [_changed(folder, name) for name in names if name.endswith((".py", ".j2"))]
                newest = max([newest, *times])
    return str(newest).encode()


def _changed(folder: str, name: str) -> int:
    return Path(folder, name).stat().st_mtime_ns
