from __future__ import annotations

from dataclasses import replace

import pytest

from agentdc.freeze.preflight import Host, inspect_host, preflight, runs_on

GOOD = Host(
    system="Linux",
    machine="x86_64",
    python="3.11.7",
    shared_library="/usr/lib/libpython3.11.so.1.0",
    flavour="debian",
    objdump="/usr/bin/objdump",
    strip="/usr/bin/strip",
    pyinstaller="6.22.3",
    libc=("glibc", "2.36"),
)
NO_LIBRARY = replace(GOOD, shared_library=None)
PIP = "python -m pip install 'pyinstaller>=6.14,<7'"
BINUTILS = "apt-get install -y binutils"

CASES: dict[str, tuple[Host, list[tuple[str, str | None]]]] = {
    "good": (GOOD, []),
    "lowest": (replace(GOOD, pyinstaller="6.14.0"), []),
    "debian": (NO_LIBRARY, [("freeze_no_shared_python", "apt-get install -y libpython3.11")]),
    "debian 3.13": (
        replace(NO_LIBRARY, python="3.13.1"),
        [("freeze_no_shared_python", "apt-get install -y libpython3.13")],
    ),
    "pyenv": (
        replace(NO_LIBRARY, flavour="pyenv"),
        [("freeze_no_shared_python", "PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force 3.11.7")],
    ),
    "other": (
        replace(NO_LIBRARY, flavour="other"),
        [("freeze_no_shared_python", "use a Python that was built with --enable-shared")],
    ),
    "objdump": (replace(GOOD, objdump=None), [("freeze_no_binutils", BINUTILS)]),
    "both": (replace(GOOD, objdump=None, strip=None), [("freeze_no_binutils", BINUTILS)]),
    "no PyInstaller": (replace(GOOD, pyinstaller=None), [("freeze_failed", PIP)]),
    "old": (replace(GOOD, pyinstaller="6.13.9"), [("freeze_failed", PIP)]),
    "next major": (replace(GOOD, pyinstaller="7.0"), [("freeze_failed", PIP)]),
    "odd version": (replace(GOOD, pyinstaller="dev"), [("freeze_failed", PIP)]),
    "macOS": (replace(GOOD, system="Darwin", objdump=None), [("freeze_failed", None)]),
    "everything": (
        replace(NO_LIBRARY, strip=None, pyinstaller=None),
        [
            ("freeze_failed", PIP),
            ("freeze_no_shared_python", "apt-get install -y libpython3.11"),
            ("freeze_no_binutils", BINUTILS),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_preflight(case: str) -> None:
    host, expected = CASES[case]
    found = preflight(host)
    assert [(each.code.slug, each.help) for each in found] == expected
    assert all(each.is_error for each in found)


def test_messages_name_what_is_missing() -> None:
    one, both = preflight(replace(GOOD, strip=None)), preflight(replace(GOOD, objdump=None, strip=None))
    assert one[0].message == "`strip` is not on PATH, and freezing needs it"
    assert both[0].message == "`objdump` and `strip` are not on PATH, and freezing needs them"


def test_runs_on() -> None:
    assert runs_on(GOOD).startswith("Linux x86_64 with glibc 2.36 or newer and libz.so.1")
    assert "glibc" not in runs_on(replace(GOOD, libc=("", "")))


def test_facts_of_this_host() -> None:
    host = inspect_host()
    assert host.python.startswith("3.")
    assert host.shared_library is None or "libpython" in host.shared_library
