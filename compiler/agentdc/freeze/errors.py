"""The wording of every diagnostic of this stage: facts in, one record out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agentdc.diagnostics.codes import code
from agentdc.diagnostics.diagnostic import Diagnostic, error


def no_shared_python(version: str, cure: str) -> Diagnostic:
    """`cure`: the line to run, or advice."""
    return error(
        code("freeze_no_shared_python"),
        f"Python {version} has no shared library here, and a binary carries one",
        notes=["the formats `dir` and `pyz` do not need it"],
        help=cure,
    )


def no_binutils(missing: Sequence[str]) -> Diagnostic:
    """`missing`: program names, at least one."""
    verb, them = ("is", "it") if len(missing) == 1 else ("are", "them")
    names = " and ".join(f"`{each}`" for each in missing)
    return error(
        code("freeze_no_binutils"),
        f"{names} {verb} not on PATH, and freezing needs {them}",
        help="apt-get install -y binutils",
    )


def no_pyinstaller(found: str | None, wanted: str) -> Diagnostic:
    """`found`: the version, or None when it is not installed; `wanted`: a requirement for pip."""
    what = (
        "PyInstaller is not installed"
        if found is None
        else f"PyInstaller {found} is not one that is supported"
    )
    return error(code("freeze_failed"), what, help=f"python -m pip install '{wanted}'")


def failed(reason: str, notes: Iterable[str] = (), cure: str | None = None) -> Diagnostic:
    """The slow step came to no result; `reason`: a clause without a capital."""
    return error(code("freeze_failed"), f"freezing failed: {reason}", notes=notes, help=cure)


def unwritable(path: str, reason: str) -> Diagnostic:
    """`path`: the output as the user wrote it; `reason`: the system's words."""
    return error(code("output_unwritable"), f"cannot write {path}: {reason}")


def does_not_start(how: str, output: Iterable[str]) -> Diagnostic:
    """`how`: a clause such as `ended with exit code 1`; `output`: lines the binary wrote to standard error."""
    return error(
        code("freeze_does_not_start"),
        f"the binary was built, but with `--version` it {how}; the output was not replaced",
        notes=output,
    )
