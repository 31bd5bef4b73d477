"""The capability statement of a family of checked workflows, and those that builds carry. Runs no app.

A directory and a zipapp are read as they are; of a binary, the archive that the bootloader would unpack.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from agentdc.check.capabilities import NotAStatement, Statement, from_bytes, statement
from agentdc.check.node_capabilities import Part
from agentdc.driver.children import Family, Member
from agentdc.driver.files import LARGEST, contents

FILE = "capabilities.json"


class NoStatement(Exception):
    """There is no statement to be had; the message says why, about "it"."""


def statement_of(family: Family) -> Statement:
    """The statement of a workflow with its children; NoStatement when one of them could not be read."""
    parts = [_part(member, family) for member in family.members.values()]
    checked = family.main.checked
    assert checked is not None  # as _part saw
    return statement(parts[0].workflow, parts, checked.ceilings, family.main.schemas)


def _part(member: Member, family: Family) -> Part:
    workflow = member.decoded.workflow
    if workflow is None or member.checked is None or (facts := member.checked.facts) is None:
        raise NoStatement(f"{member.source.name} has errors")
    keys = {each.key for each in family.members.values()}
    lost = [name for name, child in member.children.items() if child.key not in keys]
    if lost:
        raise NoStatement(f"its child workflow {lost[0]} cannot be read: {member.children[lost[0]].problem}")
    key = "" if member is family.main else member.key
    main = family.main.key
    children = {name: "" if child.key == main else child.key for name, child in member.children.items()}
    own = [each for each in member.checked.effects if each.file == key]
    return Part(key, workflow, facts, children, own)


def is_artefact(path: str) -> bool:
    """Whether a path is something built: a directory, a zip archive, or an ELF file."""
    if os.path.isdir(path):  # noqa: PTH112 - Path raises where this is False
        return True
    if not os.path.isfile(path):  # noqa: PTH113 - as above; and what is read from a pipe is gone
        return False
    try:
        with Path(path).open("rb") as file:
            return file.read(4) == b"\x7fELF" or zipfile.is_zipfile(file)
    except (OSError, ValueError):
        return False


def carried(path: str) -> Statement:
    """The statement that a build carries. NoStatement, or OSError when it cannot be read."""
    try:
        return from_bytes(member(path, FILE))
    except NotAStatement as problem:
        raise NoStatement(f"its capabilities.json {problem}") from None


def member(path: str, name: str) -> bytes:
    """A data file of the package of a build. NoStatement, or OSError when it cannot be read."""
    found = list(_documents(Path(path), name))
    if not found:
        raise NoStatement(f"it carries no {name}: it is no app that this version of agentdc built")
    if len(found) > 1:
        raise NoStatement(f"it carries more than one {name}")
    return found[0]


def _documents(path: Path, name: str) -> Iterator[bytes]:
    try:
        if path.is_dir():
            for each in sorted(path.glob(f"*/{name}")):
                yield contents(each)
        elif zipfile.is_zipfile(path):
            yield from _zipped(path, name)
        else:
            yield from _frozen(path, name)
    except ValueError as problem:
        raise NoStatement(f"it cannot be read: {problem}") from problem


def _zipped(path: Path, name: str) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            for each in archive.infolist():
                if fnmatch(each.filename, f"*/{name}"):
                    if each.file_size > LARGEST:
                        raise NoStatement(f"its {name} is too large")
                    yield archive.read(each)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as problem:
        raise NoStatement(f"it is a broken archive: {problem}") from problem


def _frozen(path: Path, name: str) -> Iterator[bytes]:
    from agentdc.freeze.read import NotFrozen, members

    try:
        yield from members(path, f"*/{name}")
    except NotFrozen as problem:
        raise NoStatement(str(problem)) from problem
