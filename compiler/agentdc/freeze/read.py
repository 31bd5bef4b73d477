"""Reads files out of a frozen binary without running it: the bytes behind the executable are an archive."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path


class NotFrozen(Exception):
    """A file that is no frozen app; the message is about "it"."""


def members(path: Path, pattern: str) -> Iterator[bytes]:
    """The files of the archive whose names match; NotFrozen when there is no archive that can be read."""
    from PyInstaller.archive.readers import (  # type: ignore[import-untyped]
        ArchiveReadError,
        CArchiveReader,
    )

    try:
        archive = CArchiveReader(str(path))
        for name in sorted(archive.toc):
            if fnmatch(name, pattern):
                yield archive.extract(name)
    except (
        ArchiveReadError,
        struct.error,
        zlib.error,
        UnicodeDecodeError,
        ValueError,
        KeyError,
        IndexError,
    ) as why:
        raise NotFrozen("it is no app that agentdc froze, or it is damaged") from why
