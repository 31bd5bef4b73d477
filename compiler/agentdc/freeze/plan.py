"""What PyInstaller is told: one record, and its rendering as a spec file, a command line and an environment. Pure.

Start time and size of a one-file binary, measured: unpacking libpython from deflate costs 20 of 52 ms, so everything
is stored as long as the binary stays within `stored_up_to`; the ssl, decimal, CJK and compression libraries that the
standard library mentions on rare paths are two thirds of the size. So `GROUPS` lists what to leave out, and a group
stays as soon as the app can reach its first member (`reach`).
`traceback` is in no group: a failure in the field must be readable.
"""

from __future__ import annotations

import encodings
import pkgutil
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

# Each group is left out as a whole unless the app reaches its first member; a name in two groups stays for either.
GROUPS: tuple[tuple[str, ...], ...] = (
    ("ssl", "_ssl", "_hashlib"),  # libcrypto, 4.7 MB; hashlib and hmac have their own implementations
    ("hashlib", "_blake2", "_md5", "_sha1", "_sha2", "_sha256", "_sha3", "_sha512"),
    ("hmac",),
    ("random", "_random", "_sha2", "_sha512"),
    ("secrets",),
    ("statistics", "_statistics"),
    ("fractions",),
    ("numbers",),
    ("decimal", "_decimal", "_pydecimal"),
    ("datetime", "_datetime", "_pydatetime", "_strptime", "calendar"),
    ("zoneinfo", "_zoneinfo"),
    ("asyncio", "_asyncio"),
    ("concurrent",),
    ("threading", "_threading_local"),
    ("queue", "_queue"),
    ("contextvars", "_contextvars"),
    ("multiprocessing", "_multiprocessing", "_posixshmem"),
    ("subprocess", "_posixsubprocess"),
    ("socket", "_socket", "stringprep", "unicodedata"),
    ("socketserver",),
    ("selectors", "select"),
    ("http",),
    ("urllib",),
    ("email", "quopri", "uu"),
    ("html",),
    ("mimetypes",),
    ("xml", "pyexpat", "_elementtree"),
    ("xmlrpc",),
    ("ftplib",),
    ("netrc",),
    ("getpass", "termios"),
    ("webbrowser",),
    ("ipaddress",),
    ("bz2", "_bz2", "_compression"),
    ("lzma", "_lzma"),
    ("compression", "_zstd"),
    ("gzip",),
    ("zipfile",),
    ("tarfile",),
    ("shutil",),
    ("tempfile",),
    ("glob",),
    ("fnmatch",),
    ("pathlib",),
    ("sqlite3", "_sqlite3"),
    ("dbm", "_dbm", "_gdbm"),
    ("csv", "_csv"),
    ("pickle", "_pickle", "_compat_pickle", "pickletools"),
    ("inspect", "annotationlib"),  # with its start-up hook
    ("dis", "opcode", "_opcode", "_opcode_metadata"),
    ("dataclasses",),
    ("importlib.metadata", "importlib.resources", "importlib.readers"),
    ("pkgutil",),
    ("runpy",),
    ("logging",),
    ("argparse",),
    ("optparse",),
    ("getopt",),
    ("gettext",),
    ("shlex",),
    ("string",),
    ("pprint",),
    ("difflib",),
    ("copy",),
    ("platform",),
    ("sysconfig",),
    ("ctypes", "_ctypes"),
    ("uuid", "_uuid"),
    ("unittest", "doctest", "test"),
    ("pydoc", "pydoc_data"),
    ("pdb", "bdb", "cmd", "code", "codeop"),
    ("tracemalloc",),
    ("py_compile", "compileall"),
    ("tkinter", "_tkinter", "turtle", "idlelib"),
    ("curses", "_curses", "readline", "rlcompleter"),
    ("distutils", "setuptools", "pkg_resources", "ensurepip", "venv", "lib2to3"),
    ("plistlib",),
    ("nturl2path",),
    ("bisect", "_bisect"),
    ("base64",),
    ("binascii",),
)

# json reads UTF-16 and UTF-32 bytes; the others are what the interpreter itself may ask for.
_ENCODINGS = frozenset(
    {"aliases", "ascii", "latin_1"}
    | {"utf_8", "utf_8_sig", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le"}
)
# Replies from a network name their character set, so all are kept there but these, which need 0.7 MB of tables.
_CJK = re.compile(r"big5|cp9(32|49|50)|euc_|gb|hz|iso2022|johab|shift_ji")

# The bootloader unpacks with zlib, and only what the graph reaches is searched for libraries (libz.so).
_HIDDEN = ("_struct", "zlib")

# Bytes up to which a binary is left uncompressed: the size bars of a one-shot and of a serving app.
_ONE_SHOT_BYTES, _SERVE_BYTES = 8_000_000, 12_000_000

RUNTIME_HOOK = """\
# The bootloader points LD_LIBRARY_PATH at the unpacked libraries and leaves notes for itself. The loader has read
# them by now; programs that the app starts must see the environment that its user gave.
import os

_before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
os.environ.pop("LD_LIBRARY_PATH", None)
if _before is not None:
    os.environ["LD_LIBRARY_PATH"] = _before
for _name in [_name for _name in os.environ if _name.startswith("_PYI_")]:
    del os.environ[_name]
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides the bytes of a binary, beside the tree and the Python that builds it.

    `data`: files of the tree that are not modules, `/`-separated. `excludes`, `hidden`: dotted module names, sorted.
    `stored_up_to`: bytes up to which the binary is left uncompressed.
    """

    data: tuple[str, ...]
    excludes: tuple[str, ...]
    hidden: tuple[str, ...] = _HIDDEN
    stored_up_to: int = _ONE_SHOT_BYTES


def plan(
    files: Iterable[str],
    needed: Collection[str],
    *,
    packages: Collection[str] = (),
    installed: Collection[str] = (),
) -> Plan:
    """The plan for a tree.

    `files`: its paths. `needed`: modules it can reach (`reach.needed_modules`). `packages`: import names of the
    third-party packages that are linked; every other one of `installed` is kept out, so that a binary never depends
    on what else the build machine has.
    """
    data = tuple(sorted(path for path in files if not path.endswith((".py", ".pyc"))))
    out = {name for group in GROUPS for name in group}
    out -= {name for group in GROUPS if group[0] in needed for name in group}
    out |= {f"encodings.{name}" for name in _surplus_encodings(network="socket" in needed)}
    out |= set(installed) - set(packages) - set(sys.stdlib_module_names)
    hidden = {*_HIDDEN, *(("_strptime",) if "_strptime" in needed else ())}
    limit = _SERVE_BYTES if "asyncio" in needed else _ONE_SHOT_BYTES
    return Plan(data, tuple(sorted(out - hidden)), tuple(sorted(hidden)), limit)


def _surplus_encodings(*, network: bool) -> list[str]:
    known = [module.name for module in pkgutil.iter_modules(encodings.__path__)]
    if network:
        return [name for name in known if _CJK.match(name)]
    return [name for name in known if name not in _ENCODINGS]


def spec_text(plan: Plan) -> str:
    """The spec file: Python that PyInstaller executes; paths are relative to it (`tree/`, `hook.py`)."""
    data = [(f"tree/{path}", path.rpartition("/")[0] or ".") for path in plan.data]
    return f"""\
import os

analysis = Analysis(
    ["tree/__main__.py"],
    pathex=["tree"],
    datas={_rows(data)},
    hiddenimports={_rows(plan.hidden)},
    excludes={_rows(plan.excludes)},
    runtime_hooks=["hook.py"],
    optimize=0,
)
# loads inspect, ast and zipfile in every start, so that source text can be found that no binary holds
scripts = [entry for entry in analysis.scripts if entry[0] != "pyi_rth_inspect"]
modules = PYZ(analysis.pure)
kinds = ("BINARY", "EXTENSION", "DATA", "EXECUTABLE", "PYSOURCE", "PYMODULE")
for compress in (False, True):
    program = EXE(
        modules, scripts, analysis.binaries, analysis.datas, [("X utf8=1", None, "OPTION")],
        name="app", console=True, strip=True, upx=False, cdict=dict.fromkeys(kinds, compress),
    )
    if os.path.getsize(program.name) <= {plan.stored_up_to}:
        break
"""


def _rows(values: Iterable[object]) -> str:
    return "[" + "".join(f"\n        {value!r}," for value in values) + "\n    ]"


def arguments(spec: str) -> tuple[str, ...]:
    """The arguments of Python for a build in the working directory; the binary becomes `dist/app`.

    -P and -s: neither the working directory nor the user's own packages take part.
    """
    return (
        *("-P", "-s", "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "INFO"),
        *("--distpath", "dist", "--workpath", "build", spec),
    )


def environment(outer: Mapping[str, str], work: str) -> dict[str, str]:
    """The whole environment of the build: fixed, but for where programs and shared libraries are found.

    `outer`: the environment of the compiler. `work`: absolute path of the working directory.
    """
    kept = {name: outer[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in outer}
    return kept | {
        "HOME": work,
        "TMPDIR": work,
        "PYINSTALLER_CONFIG_DIR": f"{work}/cache",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONUTF8": "1",
        "SOURCE_DATE_EPOCH": "315532800",  # 1980-01-01, as in the .pyz
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
