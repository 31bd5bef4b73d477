"""`agentdc run WORKFLOW …`: compile to a cache and execute. What stands behind WORKFLOW goes to the app.

`main` is the quick way in: with a cached app it loads neither the command line library nor the compiler.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from agentdc.cli import streams
from agentdc.driver import run as cache

TYPE_CHECKING = False
if TYPE_CHECKING:  # loaded only to compile
    from agentdc.driver.build import Built

CONTEXT = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
USAGE = """\
Usage: agentdc run [OPTIONS] WORKFLOW [APP FLAGS]

Compile a workflow to a cache and execute it; APP FLAGS are those of a built
app (see --help behind WORKFLOW).

Options:
  --allow CODE                make a finding beyond agentd's validator a
                              warning (may be repeated)
  --dialect agentdc|agentd    agentd: nothing but its dialect
  --strict                    unhandled error branches are errors
  -h, --help                  show this text
"""


def run() -> None:
    """Compile a workflow to a cache and execute it."""
    raise SystemExit(main(sys.argv[2:]))


class _UsageError(Exception):
    pass


class _Arguments:
    """The words before and behind the workflow's name."""

    def __init__(self, words: list[str]) -> None:
        self.allow: list[str] = []
        self.dialect, self.strict, self.help = "agentdc", False, False
        while words and words[0].startswith("-") and words[0] not in {"-", "--"}:
            words = self._option(words)
        words = words[1:] if words[:1] == ["--"] else words
        self.workflow, self.rest = (words[0], words[1:]) if words else ("", [])

    def _option(self, words: list[str]) -> list[str]:
        name, equals, value = words[0].partition("=")
        if name in {"-h", "--help"}:
            self.help = True
            return words[1:]
        if name == "--strict" and not equals:
            self.strict = True
            return words[1:]
        if name not in {"--allow", "--dialect"}:
            raise _UsageError(f"no such option: {name}")
        if not equals:
            if len(words) < 2:
                raise _UsageError(f"option {name} requires a value")
            value, words = words[1], words[1:]
        if name == "--allow":
            self.allow.append(value)
        else:
            self.dialect = value
        return words[1:]

    def app_flag(self, name: str, variable: str) -> str | None:
        """The value of an app flag that the build must know too; the last one wins, then the environment."""
        found = os.environ.get(variable) or None
        for index, word in enumerate(self.rest):
            if word == name and index + 1 < len(self.rest):
                found = self.rest[index + 1]
            elif word.startswith(f"{name}="):
                found = word.partition("=")[2]
        return found

    @property
    def stays(self) -> bool:
        """Whether the app is to serve, in one process, rather than to run once or to print something."""
        mode = self.app_flag("--mode", "AGENTD_MODE")
        prints = {"--validate-only", "--manifest", "--version", "-V", "--help", "-h"}
        alone = not any(word.partition("=")[0] == "--workers" for word in self.rest)
        return mode != "once" and alone and self.rest[:1] != ["inspect"] and not prints & set(self.rest)

    @property
    def signing_required(self) -> bool:
        """Whether the app's flags or its environment demand a signature."""
        named = os.environ.get("AGENTD_SIGNING_REQUIRED", "") in {"1", "true", "TRUE", "True"}
        return named or "--signing-required" in self.rest


def main(words: list[str]) -> int:
    """Run a workflow; replaces the process when all is well, else the exit status."""
    try:
        arguments = _Arguments(words)
        if not arguments.help and not arguments.workflow:
            raise _UsageError("which workflow?")
    except _UsageError as problem:
        streams.err(f"{USAGE}\nagentdc run: {problem}\n")
        return 2
    if arguments.help:
        streams.out(USAGE)
        return 0
    key_file = arguments.app_flag("--signing-key-file", "AGENTD_SIGNING_KEY_FILE")
    data = cache.workflow_bytes(arguments.workflow)
    try:
        place = _place(arguments, key_file, data)
    except cache.UnsafeCache as problem:
        streams.err(f"agentdc run: the cache directory {problem} can be written by others\n")
        return 2
    status, app = _app(arguments, key_file, place, data)
    if app is None:
        return status
    if arguments.stays and cache.serves(app):
        return _serve(arguments, key_file, app)
    cache.execute(app, arguments.rest)
    return 2


def _app(
    arguments: _Arguments, key_file: str | None, place: Path | None, data: bytes | None
) -> tuple[int, Path | None]:
    """The app from the cache, or compiled; (exit status, None) when it cannot be."""
    app = None if place is None else cache.cached_app(place)
    return (0, app) if app is not None else _compile(arguments, key_file, place, data)


def _serve(arguments: _Arguments, key_file: str | None, app: Path) -> int:
    """Stay as the parent of the app, and compile again on SIGHUP."""
    from agentdc.driver.generations import Generations, listening

    def compile_again() -> Path | None:
        data = cache.workflow_bytes(arguments.workflow)
        try:
            place = _place(arguments, key_file, data)
        except cache.UnsafeCache:
            place = None
        return _app(arguments, key_file, place, data)[1]

    where = arguments.app_flag("--bind", "AGENTD_HTTP_BIND") or arguments.app_flag("-b", "AGENTD_HTTP_BIND")
    opens = cache.listens(app) or where is not None
    held = listening(where or "127.0.0.1:8080") if opens else None
    return Generations(lambda built: cache.command(built, arguments.rest), compile_again, held).run(app)


def _place(arguments: _Arguments, key_file: str | None, data: bytes | None) -> Path | None:
    """The cache entry; None without a cache, or for a workflow that cannot be read, which is told later."""
    if data is None:
        return None
    try:
        parts = [data, *_parts(arguments, key_file)]
        return cache.entry(cache.cache_directory(), arguments.workflow, parts)
    except OSError:
        return None


def _parts(arguments: _Arguments, key_file: str | None) -> list[bytes | None]:
    """Everything but the workflow that decides what is compiled."""
    from agentdc.trust.signature import signature_paths

    files = [*signature_paths(arguments.workflow), *([key_file] if key_file else [])]
    words = [
        arguments.dialect,
        str(arguments.strict),
        str(arguments.signing_required),
        *sorted(arguments.allow),
    ]
    beside = [_if_there(each) for each in files]
    said = "\n".join(words).encode("utf-8", "surrogateescape")
    return [*beside, said]


def _if_there(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None


def _compile(
    arguments: _Arguments, key_file: str | None, place: Path | None, data: bytes | None
) -> tuple[int, Path | None]:
    """(exit status, None) when it cannot be built; the app's path otherwise."""
    import typer

    from agentdc.cli import show
    from agentdc.cli.options import options_of
    from agentdc.diagnostics import SourceFile
    from agentdc.driver.build import BuildRequest, Format, build
    from agentdc.driver.check import Signing
    from agentdc.driver.files import FileProblem

    try:
        options = options_of(arguments.allow, arguments.dialect, strict=arguments.strict)
        signing = Signing(arguments.signing_required, key_file)
        source = None if data is None else SourceFile(arguments.workflow, data)  # read once: it may be a pipe
        with cache.building(place) as folder:
            output = folder / cache.APP
            request = BuildRequest(
                arguments.workflow, str(output), Format.DIRECTORY, options, signing, source=source
            )
            built = build(request)
            show.diagnostics(built.diagnostics, sys.stderr)
            if built.ok:
                children = () if built.report.family is None else built.report.family.tried
                return 0, cache.keep(output, place, children)
    except typer.BadParameter as problem:
        streams.err(f"agentdc run: {problem.format_message()}\n")
        return 2, None
    except FileProblem as problem:
        show.diagnostics([problem.diagnostic], sys.stderr)
        return 2, None
    return _refused(built), None


def _refused(built: Built) -> int:
    """The exit status of a workflow that cannot be run; agentd's report goes to standard output."""
    report = built.report
    if report.checked is None:
        return 5 if report.decoded is None else 2
    streams.out(_report(report.name, report.checked.diagnostics, built.diagnostics))
    return 5


def _report(name: str | None, ordered: Any, found: Any) -> str:
    """agentd's validation report: errors in the order of the checks, then what else refuses the build."""
    import json

    errors = [each for each in ordered if each.is_error]
    errors += [each for each in found if each.is_error and each not in errors]
    issues = [{"code": each.code.slug, "message": each.message} for each in errors]
    document = {"issues": issues, "ok": False, "workflow": name}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
