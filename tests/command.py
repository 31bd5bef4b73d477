"""The command line as a user has it: `agentdc` and built apps as processes of their own. What such tests share.

Every call fails the test on a traceback or an internal error, whatever else the test asks. The environment is
the same everywhere: nothing of the machine's but PATH.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

from agentdc.cli import streams
from agentdc.driver.build import BuildRequest, Built, Format, build
from agentdc.driver.check import Signing

Done = subprocess.CompletedProcess[str]

AGENTDC = (str(Path(sys.executable).with_name("agentdc")),)
PYTHON = (sys.executable, "-I", "-S")  # an app must find everything it needs in itself
PATH = "/usr/local/bin:/usr/bin:/bin"
BAD_WORDS = ("Traceback", "internal error", "ADC0901", "Exception ignored")

GREET = """\
name = "greet"

[[start_nodes]]
name = "main"
source = "manual"
entry_node = "hello"

[[nodes]]
id = "hello"
type = "template_render"
input_from = "trigger"
template = "Hello, {{name}}!"
"""


def environment(home: Path, **variables: str) -> dict[str, str]:
    """PATH, a home of its own, UTF-8, and `variables`; PYTHONPATH where it leads to another checkout."""
    path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if os.environ.get("PYTHONPATH") else {}
    return {"PATH": PATH, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "xterm", **path, **variables}


def sound(done: Done) -> Done:
    """The same, after making sure that nothing burst."""
    for word in BAD_WORDS:
        assert word not in done.stderr, done.stderr
        assert word not in done.stdout, done.stdout
    return done


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    input: str = "",
    timeout: float = 120,
) -> Done:
    """Any command; its output as text, with bytes that are no UTF-8 kept apart."""
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=environment(cwd) if env is None else dict(env),
        input=input,
        capture_output=True,
        timeout=timeout,
        check=False,
        encoding="utf-8",
        errors="surrogateescape",
    )
    return sound(done)


def agentdc(*words: str | Path, cwd: Path, input: str = "", **variables: str) -> Done:
    """The compiler's command line, at home in `cwd`."""
    return run([*AGENTDC, *map(str, words)], cwd=cwd, env=environment(cwd, **variables), input=input)


def app(path: Path, *words: str | Path, cwd: Path, input: str = "", **variables: str) -> Done:
    """A built app: a directory or a .pyz under Python, anything else by itself."""
    start = [str(path)] if path.is_file() and path.suffix != ".pyz" else [*PYTHON, str(path)]
    return run([*start, *map(str, words)], cwd=cwd, env=environment(cwd, **variables), input=input)


def here(*words: str | Path, capsys: pytest.CaptureFixture[str]) -> Done:
    """The compiler's command line in this process and its working directory: quick, for tables of refusals."""
    from agentdc import __main__ as entry

    capsys.readouterr()
    before, sys.argv = sys.argv, ["agentdc", *map(str, words)]
    try:
        status = streams.guarded(entry.command)
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        sys.argv = before
    said = capsys.readouterr()
    return sound(Done(list(map(str, words)), status, said.out, said.err))


def shell(line: str, *, cwd: Path, **variables: str) -> Done:
    """A line of shell in which `$AGENTDC` and `$PYTHON` are the compiler and the interpreter."""
    words = {"AGENTDC": " ".join(AGENTDC), "PYTHON": " ".join(PYTHON)}
    return run(["/bin/sh", "-c", line], cwd=cwd, env=environment(cwd, **words, **variables))


def make(text: str, folder: Path, *, form: Format = Format.DIRECTORY, signing: Signing | None = None) -> Path:
    """The app of a text, built in this process; the text stands beside it as workflow.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "workflow.toml"
    source.write_text(text, encoding="utf-8")
    output = folder / {Format.DIRECTORY: "app", Format.ZIPAPP: "app.pyz", Format.BINARY: "binary"}[form]
    built: Built = build(BuildRequest(str(source), str(output), form, signing=signing or Signing()))
    assert built.ok, [each.message for each in built.diagnostics]
    return output


def terminal(command: list[str], *, cwd: Path, **variables: str) -> tuple[int, str]:
    """Exit status and everything a terminal of 80 columns shows."""
    try:
        master, slave = pty.openpty()
    except OSError as problem:
        pytest.skip(f"no terminal can be opened here: {problem}")
    env = environment(cwd, COLUMNS="80", **variables)
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        shown = b""
        while select.select([master], [], [], 60)[0]:
            try:
                some = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not some:
                break
            shown += some
        status = process.wait(60)
    os.close(master)
    return status, shown.decode()


@cache
def powerless() -> tuple[str, ...]:
    """What to put before a command so that file permissions bind it, even when the tests run as root."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    command = (str(setpriv), "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")
    tried = None if setpriv is None else subprocess.run([*command, "true"], check=False, capture_output=True)
    if tried is None or tried.returncode != 0:
        pytest.skip("root, and setpriv cannot drop its powers")
    return command


def tree(root: Path) -> dict[str, bytes | None]:
    """Everything below `root`: relative path to content, None for what is no regular file."""
    return {
        each.relative_to(root).as_posix(): each.read_bytes()
        if each.is_file() and not each.is_symlink()
        else None
        for each in sorted(root.rglob("*"))
    }


def codes(text: str) -> list[str]:
    """The slugs of a text report, in order."""
    return re.findall(r"^(?:\x1b\[[\d;]*m)?(?:error|warning|hint)\[ADC\d{4} (\w+)\]", text, re.MULTILINE)
