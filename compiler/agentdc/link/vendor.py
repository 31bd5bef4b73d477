"""Third-party packages copied into a zipapp or a binary, when they are pure Python.

A package is taken as it is installed beside the compiler: its modules, and those of every package that it
requires. What an app never reaches stays out by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import PurePosixPath

# Required by other packages for what apps never execute: other event loops, command lines, decoders that are not
# asked for. What an app itself imports is never left out.
LEFT_OUT = frozenset(
    {"certifi", "click", "pygments", "rich", "sniffio", "trio", "zstandard", "brotli", "socksio", "h2"}
)
NATIVE = (".so", ".pyd", ".dylib")
# Modules that a package imports by a computed name.
COMPUTED = {"anyio": ("anyio._backends._asyncio",), "cryptography": ("_cffi_backend",)}


@dataclass(slots=True)
class Vendored:
    """`files`: path to bytes, ready for an app tree. `native`: packages that cannot be copied; `extensions`: the
    import names of these.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    native: list[str] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)

    @property
    def packages(self) -> list[str]:
        """Import names."""
        return sorted(
            {path.partition("/")[0].removesuffix(".py") for path in self.files if path.endswith(".py")}
        )

    @property
    def computed(self) -> list[str]:
        """Modules that no import statement names."""
        linked = (*self.packages, *self.extensions)
        return [module for package in linked for module in COMPUTED.get(package, ())]


def closure(modules: Iterable[str]) -> list[str]:
    """The distributions of these top-level modules and of everything that they require; sorted."""
    by_module = metadata.packages_distributions()
    asked = {each for module in modules for each in by_module.get(module, ())}
    waiting = sorted(asked)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found or (name.lower() in LEFT_OUT and name not in asked):
            continue
        try:
            needs = metadata.distribution(name).requires or ()
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting.extend(_required(need) for need in needs if "extra ==" not in need)
    return sorted(found)


def vendored(modules: Iterable[str]) -> Vendored:
    """The modules of the packages behind these top-level modules; one that is not installed counts as native."""
    wanted = sorted(set(modules))
    by_module = metadata.packages_distributions()
    result = Vendored(native=[module for module in wanted if module not in by_module])
    for name in closure(wanted):
        files = metadata.files(name) or []
        if any(each.suffix in NATIVE for each in files):
            result.native.append(name)
            result.extensions += sorted(module for module, owners in by_module.items() if name in owners)
            continue
        for each in files:
            path = PurePosixPath(str(each))
            if path.suffix == ".py" and path.parts[0] != "..":
                result.files[str(path)] = each.read_binary()
    return result


def _required(requirement: str) -> str:
    """The name in a requirement such as `httpcore==1.*; python_version < "3.9"`."""
    name = requirement
    for mark in ";<>=!~ ([":
        name = name.partition(mark)[0]
    return name.strip()
