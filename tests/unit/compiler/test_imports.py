"""The one-way rule and its neighbours, read from the source with `ast`: a drawing alone decays."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from compiled import TESTS, compiled, write_app
from exchange import ENVIRONMENT

ROOT = TESTS.parent
COMPILER = ROOT / "compiler" / "agentdc"
RUNTIME = ROOT / "runtime_lib" / "agentdc_runtime"

# A package may import from those before it; `version.py` is free to all, and so is a package's own content.
ORDER = (
    "diagnostics", "types", "model", "trust", "parse", "ir", "nodes", "check", "lower", "passes", "codegen", "link",
    "freeze", "drawing", "openapi", "testing", "mockllm", "planning", "diffing", "compat", "driver", "cli",
)  # fmt: skip
OUTERMOST = {"__init__": "cli", "__main__": "cli", "version": "version"}

LIBRARIES = {
    "cli": {"rich", "typer"},
    "codegen": {"black", "jinja2", "libcst"},
    "driver": {"tomli"},
    "freeze": {"PyInstaller"},
    "model": {"pydantic", "pydantic_core"},
    "mockllm": {"pydantic"},
    "nodes": {"pydantic"},
    "planning": {"tomli"},
    "parse": {"pydantic", "pydantic_core", "tomli", "tree_sitter", "tree_sitter_toml"},
    "testing": {"jsonschema", "pydantic", "referencing"},
    "trust": {"cryptography"},
}
OUTSIDE_WORLD = {
    "os",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "signal",
    "random",
    "secrets",
}

# What an app may not pay for at its start (design §5). Lazy imports, inside a function, are another matter.
EXPENSIVE = {
    "argparse", "asyncio", "dataclasses", "datetime", "enum", "httpx", "inspect", "logging", "pathlib", "ssl",
    "subprocess", "tempfile", "typing",
}  # fmt: skip
# The modules that are made for one of these. Only apps that await, connect or start processes link them.
MADE_FOR = {
    "auth.live": {"asyncio"},
    "core.drive_async": {"asyncio"},
    "core.retry_async": {"asyncio"},
    "core.wave": {"asyncio"},
    "host.command": {"asyncio", "subprocess"},
    "host.connection": {"asyncio"},
    "host.listener": {"asyncio"},
    "host.loop": {"asyncio"},
    "host.mcp_stdio": {"asyncio"},
    "host.recovery": {"asyncio"},
    "host.reload": {"asyncio"},
    "host.serve": {"asyncio"},
    "host.tls": {"ssl"},
    "state.walk_async": {"asyncio"},
    "http.admission": {"asyncio"},
    "http.http2": {"asyncio"},
    "http.stream": {"asyncio"},
    "http.websocket": {"asyncio"},
    "mcp.asked": {"asyncio"},
    "mcp.child": {"asyncio", "subprocess"},
    "mcp.http": {"asyncio"},
    "mcp.listing": {"asyncio"},
    "mcp.server": {"asyncio"},
    "mcp.session": {"asyncio"},
    "mcp.stdio": {"asyncio"},
    "net.http_client": {"asyncio", "httpx"},
    "net.tls": {"ssl"},
    "secrets.command": {"asyncio"},
    "secrets.oauth2": {"asyncio"},
    "triggers.event": {"asyncio"},
    "triggers.loop": {"asyncio"},
    "triggers.mcp": {"asyncio"},
    "triggers.watch": {"asyncio"},
}
# What reaches one of these at its start, because it does nothing without it.
REACHES = {
    "loop.shell_caller", "nodes.call_async", "nodes.map", "nodes.parallel", "nodes.shell_run", "secrets.registry",
    "auth.binding", "host.workers", "mcp.start", "triggers.cron", "triggers.interval",
}  # fmt: skip
# Packages and modules of the runtime library by what each may import of the library, in full; the longest name that
# fits counts. Decisions (`core`, `policy`, `observe`, and nearly all of `auth` and `http`) are pure; `net` and `host`
# touch the world, and the others take from those two no more than is named here. What serves (`host.serve` and its
# like) may use `http`; what every app starts with may not.
RUNTIME_LAYERS: dict[str, set[str]] = {
    "core": {"core", "errors", "jsontext"},
    "policy": {"policy", "errors", "jsontext", "net.url"},  # a URL is text that is taken apart
    "signing": {"signing"},
    "observe": {"observe", "errors", "jsontext"},
    "net": {"net"},
    "net.url": set(),
    "nodes": {
        *("core", "policy", "observe", "errors", "jsontext", "values"),
        *("host.command", "host.files", "loop", "models", "net.http_client", "net.url", "mcp.router"),
    },
    "loop": {"loop", "nodes", "core", "errors", "jsontext", "models", "mcp.router", "observe"},
    "models": {
        *("models", "core.retry", "errors", "jsontext", "observe.log"),
        *("net.http_client", "net.proxy", "net.url", "secrets.sources"),
    },
    "mcp": {"mcp", "errors", "jsontext", "observe", "policy.match", "host.command", "host.console"},
    "mcp.drift": {"jsontext", "signing.digests"},
    "mcp.listing": {"mcp", "core.process", "errors", "host.console", "jsontext", "secrets.oauth2"},
    "mcp.http": {"mcp", "errors", "host.console", "net.http_client", "net.url"},
    "secrets": {
        *("secrets", "observe", "errors", "jsontext"),
        *("host.command", "host.files", "net.http_client", "net.url"),
    },
    "auth": {"auth", "errors", "jsontext", "observe", "net.http_client", "net.url"},
    "http.mcp": {"http", "jsontext", "mcp"},
    "http": {"http", "core", "errors", "jsontext", "observe", "state"},
    "state": {"core", "state", "errors", "jsontext", "observe"},
    "triggers": {"triggers", "errors", "observe"},
    "triggers.event": {"triggers", "errors", "jsontext", "observe"},
    "triggers.mcp": {"triggers", "errors", "mcp.router", "observe", "policy.match"},
    "host.emit": {"host", "jsontext", "triggers.place"},
    "host": {"abi", "core", "host", "observe", "errors", "jsontext"},
    **{
        f"host.{each}": {"core", "errors", "host", "http", "observe"}
        for each in ("connection", "listener", "reload", "serve", "surface")
    },
    "host.mcp_stdio": {"errors", "host", "http", "jsontext", "mcp", "observe"},
    "host.command": set(),
    **{
        f"host.{each}": {"core", "errors", "host", "jsontext", "observe", "state"}
        for each in ("approvals_command", "asking", "recovery", "resume", "runs_command")
    },
    "host.keeping": {"core", "errors", "host", "http.reply", "state"},  # what a caller is answered is kept
    "host.state_command": {"host", "observe", "state"},
    "host.files": {"errors"},
    "testing": {"testing", "core", "models", "nodes", "policy", "errors", "jsontext", "values"},
    "values": {"errors", "jsontext"},
    "jsontext": set(),
    "errors": set(),
    "abi": set(),
}
CLOCK_AND_SYSTEM = {
    "core": {"asyncio", "os", "time"},  # retry waits, a run has a deadline, and children run side by side
    "policy": {"os", "resource"},  # links are followed, memory is read
    "loop": {"tomllib"},
    # Attempts wait, circuits and caches age, a token stands in the environment, a header holds a date.
    "models": {"asyncio", "email", "os", "time"},
    # A loop has a deadline; read_env, what a request or a command takes from the environment, keys.
    "nodes": {"os", "itertools", "hashlib", "time"},
}


def _modules(root: Path) -> list[Path]:
    return sorted(root.rglob("*.py"))


def _name(root: Path, file: Path) -> str:
    return file.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")


def _imports(
    node: ast.AST, *, lazy: bool = True, typing: bool = True
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(module, imported names) below `node`; without `lazy` not those inside functions, without `typing` not those
    under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                yield from ((alias.name, ()) for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module, tuple(alias.name for alias in names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not lazy:
                pass
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) if not typing:
                pass
            case _:
                yield from _imports(child, lazy=lazy, typing=typing)


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def _stage(module: str) -> str:
    head = module.split(".", maxsplit=1)[0]
    return OUTERMOST.get(head, head)


@pytest.mark.parametrize("file", _modules(COMPILER), ids=lambda file: _name(COMPILER, file) or "agentdc")
def test_arrows_point_left(file: Path) -> None:
    name = _name(COMPILER, file)
    here = _stage(name) if name != "__init__" else "cli"
    for module, _ in _imports(_tree(file)):
        root, _, rest = module.partition(".")
        assert root != "agentdc_runtime", (
            f"{name} imports the runtime library; it is read as source files only"
        )
        if root == "agentdc" and rest:
            there = _stage(rest)
            allowed = there in {here, "version"} or ORDER.index(there) < ORDER.index(here)
            assert allowed, f"{name} ({here}) imports {module}, which is to its right"


@pytest.mark.parametrize("file", _modules(COMPILER), ids=lambda file: _name(COMPILER, file) or "agentdc")
def test_only_public_names_cross_packages(file: Path) -> None:
    here = _stage(_name(COMPILER, file))
    for module, names in _imports(_tree(file)):
        if module.startswith("agentdc.") and _stage(module.partition(".")[2]) != here:
            private = [each for each in (*names, *module.split(".")) if each.startswith("_")]
            assert not private, f"{file.name} takes {private} from {module}"


@pytest.mark.parametrize("file", _modules(COMPILER), ids=lambda file: _name(COMPILER, file) or "agentdc")
def test_libraries_and_the_outside_world_stay_in_their_stages(file: Path) -> None:
    here = _stage(_name(COMPILER, file))
    pure = here not in {"driver", "freeze", "mockllm", "cli", "version"}  # a scripted model has a clock
    for module, names in _imports(_tree(file)):
        root = module.split(".")[0]
        known = root in sys.stdlib_module_names or root in {"agentdc", *LIBRARIES.get(here, set())}
        assert known, f"{file.name} ({here}) imports {module}"
        if pure:
            assert root not in OUTSIDE_WORLD, f"{file.name} ({here}) imports {module}"
            assert root != "pathlib" or all(each.startswith("Pure") for each in names), (
                f"{file.name}: {names}"
            )


def test_every_package_has_its_place() -> None:
    packages = {each.name for each in COMPILER.iterdir() if each.is_dir() and each.name != "__pycache__"}
    assert packages == set(ORDER)


def _layer(name: str) -> set[str]:
    """What a module of the runtime library may import of it."""
    fits = [each for each in RUNTIME_LAYERS if f"{name}.".startswith(f"{each}.")]
    return RUNTIME_LAYERS[max(fits, key=len)]


def _inside(module: str, names: tuple[str, ...]) -> list[str]:
    """The modules of the runtime library that one import names, without the package's own name."""
    inside = module.removeprefix("agentdc_runtime").removeprefix(".")
    if (RUNTIME / inside.replace(".", "/")).is_dir():
        return [f"{inside}.{one}".strip(".") for one in names]
    return [inside]


@pytest.mark.parametrize(
    "file", _modules(RUNTIME), ids=lambda file: _name(RUNTIME, file) or "agentdc_runtime"
)
def test_the_runtime_library_imports_cheaply_and_in_layers(file: Path) -> None:
    name = _name(RUNTIME, file)
    tree = _tree(file)
    for module, names in _imports(tree, typing=False):
        assert module.split(".")[0] != "agentdc", f"{name} imports the compiler"
        if not module.startswith("agentdc_runtime"):
            continue
        for each in _inside(module, names):
            allowed = _layer(name)
            assert each in allowed or each.split(".")[0] in allowed, f"{name} imports {each}"
            assert not (name.startswith("nodes.") and each.startswith("nodes")), (
                f"{name} imports another node"
            )
    for module, _ in _imports(tree, lazy=False, typing=False):
        root = module.split(".")[0]
        assert root not in EXPENSIVE - MADE_FOR.get(name, set()), f"{name} imports {module} at its start"


def test_only_what_cannot_do_without_pays() -> None:
    """No module reaches an expensive one at its start, through whatever it imports, unless it is listed."""
    starts = {
        _name(RUNTIME, file): {
            each
            for module, names in _imports(_tree(file), lazy=False, typing=False)
            if module.startswith("agentdc_runtime")
            for each in _inside(module, names)
        }
        for file in _modules(RUNTIME)
    }
    paying, before = set(MADE_FOR), set[str]()
    while paying != before:
        before = paying
        paying = paying | {name for name, imported in starts.items() if imported & paying}
    assert paying == MADE_FOR.keys() | REACHES


@pytest.mark.parametrize("layer", sorted(CLOCK_AND_SYSTEM))
def test_decisions_do_not_touch_the_world(layer: str) -> None:
    allowed = CLOCK_AND_SYSTEM[layer] | {"agentdc_runtime", "__future__"}
    for file in _modules(RUNTIME / layer):
        found = {module.split(".")[0] for module, _ in _imports(_tree(file), typing=False)}
        assert found <= allowed, f"{file.name}: {sorted(found - allowed)}"


@pytest.mark.parametrize(
    "file", sorted(TESTS.glob("cases/valid/*/expected/*/*.py")), ids=lambda file: file.parent.name
)
def test_generated_code_imports_the_runtime_and_the_standard_library(file: Path) -> None:
    for module, _ in _imports(_tree(file)):
        root = module.split(".")[0]
        assert root in sys.stdlib_module_names or root in {"agentdc_runtime", file.parent.name}, module


def _imported(workflow: Path, tmp_path: Path) -> set[str]:
    """The modules that a run of the app imports, as the interpreter tells them."""
    app = write_app(compiled(workflow.read_bytes()), tmp_path / "app")
    command = [sys.executable, "-S", "-X", "importtime", str(app)]
    done = subprocess.run(command, env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def test_a_pure_app_starts_with_little(tmp_path: Path) -> None:
    found = _imported(TESTS / "nodes" / "terminate" / "workflow.toml", tmp_path)
    roots = {each.split(".")[0] for each in found}
    assert "agentdc_runtime" in roots
    assert not roots & EXPENSIVE
    assert not roots & {
        "json",
        "re",
        "hashlib",
        "signal",
    }  # running a folder itself costs more than it should


def test_an_app_reads_only_what_was_linked(tmp_path: Path) -> None:
    found = _imported(TESTS / "nodes" / "merge" / "workflow.toml", tmp_path)
    linked = set(compiled((TESTS / "nodes" / "merge" / "workflow.toml").read_bytes()).closure.modules)
    assert {each for each in found if each.startswith("agentdc_runtime")} <= linked
