"""`[signing.files]`: digests of the files that a workflow names, so that its signature covers them (spec 02 §7.2).

Where the table stands, every child and every schema file must be in it, with the digest of the very bytes that were
read. Without it the signature is about the workflow file alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from agentdc.check.schemas import uses
from agentdc.diagnostics import Diagnostic
from agentdc.driver.children import Family, Member
from agentdc.driver.sources import find
from agentdc.trust import errors


def check(family: Family) -> Iterator[Diagnostic]:
    """One error for each file that the table does not have, or has with another digest."""
    main = family.main
    workflow = main.decoded.workflow
    if workflow is None or workflow.signing is None or workflow.signing.files is None:
        return
    wanted = {os.path.normpath(name): digest.lower() for name, digest in workflow.signing.files.items()}
    at = main.decoded.places
    for name, data in sorted(_named(family)):
        digest = sha256(data).hexdigest()
        if name not in wanted:
            yield errors.file_not_signed(name, digest, at.key(("signing", "files")))
        elif wanted[name] != digest:
            written = next(each for each in workflow.signing.files if os.path.normpath(each) == name)
            yield errors.file_changed(name, digest, at.value(("signing", "files", written)))


def _named(family: Family) -> set[tuple[str, bytes]]:
    """Path from the main workflow's folder and bytes, of every child and schema file that could be read."""
    folder = str(Path(family.main.source.name).parent)
    found = {(_from(folder, member.source.name), member.source.data) for member in family.below}
    for member in family.members.values():
        for path in _schemas(family, member):
            try:
                found.add((_from(folder, path), family.files.read(path)))
            except (OSError, ValueError):
                continue  # told by those who need it
    return found


def _schemas(family: Family, member: Member) -> Iterable[str]:
    workflow = member.decoded.workflow
    names = () if workflow is None else {name for _, name in uses(workflow)}
    return [
        find(family.files, each, member.source.name) for each in names if not each.lstrip().startswith("{")
    ]


def _from(folder: str, path: str) -> str:
    return path if Path(path).is_absolute() else os.path.relpath(path, folder)
