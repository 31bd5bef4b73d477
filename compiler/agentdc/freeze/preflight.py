"""Whether this host can freeze, asked before the slow step.

`inspect_host` gathers facts and decides nothing; `preflight` decides and looks at nothing, so every finding can be
tested without breaking a machine.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from agentdc.diagnostics.diagnostic import Diagnostic
from agentdc.freeze import errors

PYINSTALLER = ((6, 14), (7, 0))
"""First supported version, and the first that is not; the spec file of `plan` is written for these."""


@dataclass(frozen=True, slots=True)
class Host:
    """Facts about the machine and the Python that freezes.

    `python`: as `3.11.7`. `shared_library`: path of libpython, or None. `flavour`: where this Python comes from,
    `debian`, `pyenv` or `other`. `objdump`, `strip`: paths, or None. `pyinstaller`: its version, or None. `libc`:
    name and version, either may be empty.
    """

    system: str
    machine: str
    python: str
    shared_library: str | None
    flavour: str
    objdump: str | None
    strip: str | None
    pyinstaller: str | None
    libc: tuple[str, str]


def inspect_host() -> Host:
    """The facts of this host; never fails, what cannot be found is None or empty."""
    return Host(
        system=platform.system(),
        machine=platform.machine(),
        python=platform.python_version(),
        shared_library=_shared_library(),
        flavour=_flavour(),
        objdump=shutil.which("objdump"),
        strip=shutil.which("strip"),
        pyinstaller=_pyinstaller_version(),
        libc=platform.libc_ver(),
    )


def preflight(host: Host) -> list[Diagnostic]:
    """What stands in the way of freezing, most basic first; empty when nothing does."""
    found: list[Diagnostic] = []
    if host.system != "Linux":
        return [
            errors.failed(f"binaries are built on Linux, and this is {host.system or 'an unknown system'}")
        ]
    if not _supported(host.pyinstaller):
        (low, high) = PYINSTALLER
        wanted = f"pyinstaller>={low[0]}.{low[1]},<{high[0]}"
        found.append(errors.no_pyinstaller(host.pyinstaller, wanted))
    if host.shared_library is None:
        found.append(errors.no_shared_python(host.python, _shared_cure(host)))
    missing = [name for name, path in (("objdump", host.objdump), ("strip", host.strip)) if path is None]
    if missing:
        found.append(errors.no_binutils(missing))
    return found


def runs_on(host: Host) -> str:
    """Where a binary built here runs, for the report of a build."""
    name, version = host.libc
    libc = f"glibc {version} or newer" if name == "glibc" else "the C library of this system"
    return f"{host.system} {host.machine} with {libc} and libz.so.1; needs an executable temporary directory"


def _shared_cure(host: Host) -> str:
    minor = ".".join(host.python.split(".")[:2])
    match host.flavour:
        case "debian":
            return f"apt-get install -y libpython{minor}"
        case "pyenv":
            return f"PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force {host.python}"
    return "use a Python that was built with --enable-shared"


def _supported(version: str | None) -> bool:
    numbers = re.match(r"(\d+)\.(\d+)", version or "")
    if numbers is None:
        return False
    low, high = PYINSTALLER
    return low <= (int(numbers[1]), int(numbers[2])) < high


def _pyinstaller_version() -> str | None:
    try:
        return metadata.version("pyinstaller")
    except metadata.PackageNotFoundError:
        return None


def _flavour() -> str:
    if sys.base_prefix == "/usr" and Path("/etc/debian_version").exists():
        return "debian"
    return "pyenv" if "/.pyenv/" in sys.base_prefix or "PYENV_ROOT" in os.environ else "other"


def _shared_library() -> str | None:
    """PyInstaller's own search: by the name of the build; a static build only looks beside itself."""
    base = Path(sys.base_prefix)
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        name = f"libpython{sysconfig.get_python_version()}.so.1.0"
        places = [base / name, base / "lib" / name]
    else:
        name = str(sysconfig.get_config_var("INSTSONAME"))
        places = [Path(folder) / name for folder in _library_folders(base)]
    return next((str(path) for path in places if path.exists()), None) or _known_to_linker(name)


def _library_folders(base: Path) -> Iterator[str]:
    libdir = str(sysconfig.get_config_var("LIBDIR") or base / "lib")
    yield libdir
    yield f"{libdir}/{sysconfig.get_config_var('MULTIARCH') or ''}"
    yield from (str(base / "lib"), str(base / "lib64"))
    yield from filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":"))


def _known_to_linker(name: str) -> str | None:
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return None  # a library of the same version that belongs to another Python would not fit
    ldconfig = shutil.which("ldconfig", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    if ldconfig is None:
        return None
    listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    found = re.search(rf"^\s*{re.escape(name)} .*=> (/\S+)$", listing, re.MULTILINE)
    return found[1] if found else None
