"""`agentdc run`: compile to a cache that is keyed by content, then execute with the arguments of a built app.

The quick way imports no other stage: the key is a hash over everything that decides what the app
is, so an entry that exists is the app. Apps are built beside and renamed, so that of two builders one wins and
nobody meets half an app. Only a cache directory that belongs to the user alone is used, and an entry is closed
to others, since what lies in it is executed.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from agentdc.version import VERSION

PACKAGES = ("agentdc", "agentdc_runtime", "agentdc_templates")
APP = "app"
REQUIREMENTS = "requirements.txt"  # there when an app needs installed packages
CHILDREN = "children"  # names the files of child workflows, separated by NUL
LARGEST = 64 * 2**20  # bytes, as in `files`, which is not loaded here


class UnsafeCache(Exception):
    """The cache directory could have been written by someone else; the message names it."""


def cache_directory() -> Path:
    """Where compiled apps are kept; made with mode 0700. OSError without one, UnsafeCache when others may write."""
    path = _base() / "agentdc"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.stat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o022:
        raise UnsafeCache(str(path))
    return path


def _base() -> Path:
    """`$XDG_CACHE_HOME`, or `~/.cache`; relative ones do not count, as they would lie about everywhere."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named
    home = Path(os.environ.get("HOME") or _home_on_record())
    if not home.is_absolute():
        raise FileNotFoundError("no home directory")
    return home / ".cache"


def _home_on_record() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


def workflow_bytes(path: str) -> bytes | None:
    """What is in the file; None when it cannot be read, or holds more than any workflow."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError):
        return None
    return data if len(data) <= LARGEST else None


def entry(cache: Path, workflow: str, parts: Sequence[bytes | None]) -> Path:
    """The cache entry of a workflow file: a directory that holds the app as `app`.

    `parts`: everything else that decides what is compiled: the bytes of the workflow, of its signature, of the key
    file, and the options; None for a file that is not there.
    """
    digest = sha256()
    for part in (VERSION.encode(), _stamp(), os.fsencode(Path(workflow).name), *parts):
        digest.update(b"-" if part is None else len(part).to_bytes(8, "big"))
        digest.update(part or b"")
    return cache / digest.hexdigest()[:32]


def generation(place: Path) -> Path | None:
    """The part of a cache entry that belongs to the child workflows as they are now; None for a new entry.

    Which files are children only a compilation knows; it leaves their names in the entry, with those at which it
    looked in vain.
    """
    try:
        names = os.fsencode((place / CHILDREN).read_text("utf-8", "surrogateescape")).split(b"\0")
    except OSError:
        return None
    digest = sha256()
    for name in filter(None, names):
        try:
            content = Path(os.fsdecode(name)).read_bytes()
        except OSError:
            content = None
        for part in (name, content):
            digest.update(b"-" if part is None else len(part).to_bytes(8, "big"))
            digest.update(part or b"")
    return place / digest.hexdigest()[:16]


def remember(place: Path, children: Sequence[str]) -> Path:
    """Leave the names of the children in the entry; the part of it that belongs to them."""
    staged = place / f"{CHILDREN}.{os.getpid()}"
    staged.write_bytes(b"\0".join(os.fsencode(each) for each in children))
    staged.replace(place / CHILDREN)
    found = generation(place)
    assert found is not None
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def cached_app(place: Path) -> Path | None:
    """The app in a cache entry, or None."""
    found = generation(place)
    app = None if found is None else found / APP
    return app if app is not None and os.path.isdir(app) else None  # noqa: PTH112 - Path raises where this is False


@contextmanager
def building(place: Path | None) -> Iterator[Path]:
    """A new directory to build an app in, gone afterwards unless `keep` moved it away.

    In the cache entry `place`; where that cannot be, or without a cache, among the system's temporary files.
    """
    import tempfile

    where = _opened(place) if place is not None else None
    folder = Path(tempfile.mkdtemp(prefix="agentdc-run-", dir=where))
    try:
        yield folder
    finally:
        for each in (folder, *([] if where is None else [where])):
            with suppress(OSError):
                each.rmdir()  # only what is empty


def _opened(place: Path) -> Path | None:
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        return place if os.access(place, os.W_OK | os.X_OK) else None
    except OSError:
        return None


def keep(built: Path, place: Path | None, children: Sequence[str]) -> Path:
    """Where the app is to be executed: moved to its cache entry, or as it was built when there is no cache.

    `children`: the files that the compilation looked at beside the workflow. Without a cache the app stays until the
    system clears its temporary files, as it runs in place of this process.
    """
    if place is None or built.parent.parent != place:
        return built
    try:
        app = remember(place, children) / APP
    except OSError:
        return built
    try:
        built.rename(app)
    except OSError:  # somebody else was faster
        from shutil import rmtree

        rmtree(built, ignore_errors=True)
    return app


def execute(app: Path, arguments: Sequence[str]) -> None:
    """Replace this process by the app; does not return. Standard streams must have been flushed."""
    sys.stdout.flush()
    sys.stderr.flush()
    words = command(app, arguments)
    os.execv(words[0], words)  # noqa: S606 - our own app


def command(app: Path, arguments: Sequence[str]) -> list[str]:
    """How an app is started; only one that needs installed packages sees those of this installation."""
    alone = [] if (app / REQUIREMENTS).exists() else ["-S"]
    return [sys.executable, "-I", *alone, str(app), *arguments]


def serves(app: Path) -> bool:
    """Whether the app has something to serve."""
    return any(app.glob("*/serve.py"))


def listens(app: Path) -> bool:
    """Whether it has routes, and so opens a port by itself."""
    return any(app.glob("*/openapi.json"))


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
