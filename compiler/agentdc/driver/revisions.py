"""Files of a revision of a git repository, through `git` itself: nothing is checked out, no hook or filter runs.

As with git itself, `git:main:flows/w.toml` is told from the top of the repository, and `git:main:./w.toml` from the
working directory. What the workflow names is looked for from the working directory, then beside it. A revision is
looked up once, so a branch that moves meanwhile does not mix two states. Links are followed within the revision.
"""

from __future__ import annotations

import errno
import os
import posixpath
import subprocess
from dataclasses import dataclass

from agentdc.driver.files import LARGEST

PREFIX = "git:"
_SECONDS = 60


class NoRevision(Exception):
    """What is named is no revision, or no repository; the message says why."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a repository. `tree`: its object id. `folder`: the working directory, from the top, or empty."""

    tree: str
    folder: str

    def name(self, path: str) -> str:
        """A path of `git:REV:path` as seen from the working directory."""
        if path.split("/", maxsplit=1)[0] in {".", ".."}:
            return posixpath.normpath(path)
        return posixpath.relpath(path, self.folder or ".")

    def read(self, path: str) -> bytes:
        """The bytes of a file, by its path from the working directory; OSError or ValueError without it."""
        place = posixpath.normpath(posixpath.join(self.folder, path))
        if posixpath.isabs(path) or place.split("/")[0] == ".." or "\n" in path or "\0" in path:
            raise _error(errno.ENOENT, path)
        asked = f"{self.tree}:{place}\n".encode("utf-8", "surrogateescape")
        told = _git("cat-file", "--batch-check", "--follow-symlinks", given=asked).split(b"\n")[0]
        words = told.rsplit(b" ", 2)
        if len(words) == 3 and words[1] == b"tree":
            raise _error(errno.EISDIR, path)
        if len(words) != 3 or words[1] != b"blob":
            raise _error(errno.ENOENT, path)
        if int(words[2]) > LARGEST:
            raise ValueError(f"it is larger than {LARGEST // 2**20} MiB")
        return _git("cat-file", "blob", words[0].decode())


def revision(name: str) -> Revision:
    """The revision with this name, of the repository of the working directory. NoRevision."""
    if not name or name.startswith("-") or "\0" in name:
        raise NoRevision(f'"{name}" is no name of a revision')
    try:
        folder = _git("rev-parse", "--show-prefix").decode("utf-8", "surrogateescape").rstrip("\n")
        tree = _git("rev-parse", "--verify", "--quiet", f"{name}^{{tree}}").decode().strip()
    except OSError as problem:
        told = problem.strerror or ""
        raise NoRevision(told if told else f'there is no revision "{name}"') from problem
    return Revision(tree, folder.rstrip("/"))


def split(text: str) -> tuple[str, str]:
    """Revision and path of `git:REV:path`; NoRevision when it has another form."""
    name, colon, path = text.removeprefix(PREFIX).partition(":")
    if not colon or not name or not path:
        raise NoRevision("write git:REVISION:PATH, such as git:main:workflow.toml")
    return name, path


def _git(*words: str, given: bytes = b"") -> bytes:
    """What git prints; OSError with its reason when it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and names of revisions do not begin with "-"
            ["git", *words],  # noqa: S607 - the user's own git, as every other tool on the machine finds it
            input=given,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=os.environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
        )
    except FileNotFoundError:
        raise OSError(errno.ENOENT, "git is not installed") from None
    except subprocess.TimeoutExpired:
        raise OSError(errno.ETIMEDOUT, "git does not answer") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
        raise OSError(errno.EIO, said.removeprefix("fatal: "))
    return done.stdout


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
