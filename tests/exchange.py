"""Exchanges with a built app as text: what is given, what is run, and what the app answered.

    = in.json                a file in the working directory, `|` lines hold it; `= folder/` makes a folder,
    | {"a": 1}               `= name -> target` a link, and a file of hexadecimal bytes is `=x name`
    $ A=1 --input in.json    one run of the app, with environment variables before the flags
    < text                   its standard input
    > {…}                    its standard output (made)
    ! app: …                 its standard error (made)
    ? 0                      its exit status (made)
    @ out.txt                shows a file after that (`|` lines, made)

`\\` behind the last line says that the text has no line end. Lines that are made are written anew by `play`, all
others are kept, so a played exchange is compared with the file as a whole. What differs from run to run (run ids,
times, durations, folders, the version, digests) is shown as a word in `<…>`, and so is the help behind a usage error.
`<peer>` is the URL of a server that answers with what it was asked (`peers.echo`), and `<host>` its host and port; it
runs for the time of an exchange that names it. `<sdk>` is the command of an MCP server (`peers/mcp_servers/sdk.py`).
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TypeAlias

from mockmodel import mock_model
from peers.echo import echo
from peers.http import serving

from agentdc.version import VERSION

# Without `site`, an app sees the standard library and itself: nothing that is installed can stand in for a module
# that was not linked.
PYTHON = (sys.executable, "-S")
# Quiet, since a log line for each error would drown the answers; `$ AGENTD_QUIET= …` shows the log.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "AGENTD_QUIET": "1"}
SDK = Path(__file__).parent / "peers" / "mcp_servers" / "sdk.py"
SCRIPT = Path(__file__).parent / "peers" / "model.toml"
NO_END = "\\"
Words: TypeAlias = Sequence[tuple[str, str]]
VARYING = (
    (re.compile(r"exec-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+"), "<run>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "<time>"),
    (re.compile(r'("(?:elapsed|wall|latency|duration)_ms": ?)\d+'), r"\1<ms>"),
    (re.compile(r"\b((?:elapsed|wall|latency)_ms=)\d+"), r"\1<ms>"),
    (re.compile(r"(  )\d+ ms\b"), r"\1<ms> ms"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(re.escape(VERSION)), "<version>"),
    (re.compile(re.escape(sys.executable)), "<python>"),
)
HELP = re.compile(r"app: a bounded workflow runtime\n.*stopped by signal N\n", re.DOTALL)


def play(exchange: str, app: Path, folder: Path) -> str:
    """The exchange as it goes now: `app` is run with `folder`, an empty one, as its working directory."""
    model = (
        mock_model(SCRIPT.read_text(), folder.parent / "model") if "<model>" in exchange else nullcontext()
    )
    with serving(echo) if "<peer>" in exchange else nullcontext() as peer, model as mock:
        words = [(str(app), "<app>"), (str(folder), "<cwd>")]
        if "<sdk>" in exchange:
            words.append((f"{sys.executable} {SDK}", "<sdk>"))
        if mock is not None:
            words.append((mock.url, "<model>"))
        if peer is not None:
            words += [(peer.url(""), "<peer>"), (peer.url("").partition("//")[2], "<host>")]
        return "\n".join(_played(exchange.splitlines(), app, folder, words)) + "\n"


def _played(lines: list[str], app: Path, folder: Path, words: Words) -> Iterator[str]:
    while lines:
        line = lines.pop(0)
        mark, _, rest = line.partition(" ")
        if mark in {"=", "=x"}:
            given = _taken(lines, "|")
            _make(folder, rest, given, mark == "=x")
            yield from (line, *given)
        elif mark == "$":
            given = _taken(lines, "<")
            _taken(lines, ">", "!", "?")
            yield from (line, *given, *_run(rest, _text(given), app, folder, words))
        elif mark == "@":
            _taken(lines, "|", "(no")
            yield from (line, *_shown(folder / rest, words))
        else:
            assert not line or mark == "#", f"what is {line!r}?"
            yield line


def start(app: Path, arguments: Iterable[str], folder: Path, **variables: str) -> subprocess.Popen[bytes]:
    """The app as a running process, for tests that act on it."""
    pipe = subprocess.PIPE
    command = [*PYTHON, str(app), *arguments]
    return subprocess.Popen(command, cwd=folder, env={**ENVIRONMENT, **variables}, stdout=pipe, stderr=pipe)


def _taken(lines: list[str], *marks: str) -> list[str]:
    taken: list[str] = []
    while lines and (lines[0].split(" ")[0] in marks or (taken and lines[0] == NO_END)):
        taken.append(lines.pop(0))
    return taken


def _text(lines: list[str]) -> str:
    """The text that marked lines hold."""
    bare = bool(lines) and lines[-1] == NO_END
    text = "".join(f"{line[2:]}\n" for line in (lines[:-1] if bare else lines))
    return text[:-1] if bare else text


def _make(folder: Path, name: str, given: list[str], hexadecimal: bool) -> None:
    name, arrow, target = name.partition(" -> ")
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if arrow:
        place.symlink_to(target)
    elif name.endswith("/"):
        place.mkdir()
    else:
        text = _text(given)
        place.write_bytes(bytes.fromhex(text) if hexadecimal else text.encode())


def _run(rest: str, given: str, app: Path, folder: Path, words: Words) -> Iterator[str]:
    for real, word in words[2:]:
        rest, given = rest.replace(word, real), given.replace(word, real)
    arguments = shlex.split(rest)
    environment = dict(ENVIRONMENT)
    while arguments and re.match(r"[A-Z_]+=", arguments[0]):
        name, _, value = arguments.pop(0).partition("=")
        environment[name] = value
    done = subprocess.run(
        [*PYTHON, str(app), *arguments],
        input=given.encode(),
        capture_output=True,
        cwd=folder,
        env=environment,
        timeout=60,
        check=False,
    )
    yield from _marked(">", done.stdout, words)
    yield from _marked("!", HELP.sub("<help>\n", done.stderr.decode()).encode(), words)
    yield f"? {done.returncode}"


def _shown(place: Path, words: Words) -> list[str]:
    if place.is_dir():
        return [f"| {each.name}{'/' if each.is_dir() else ''}" for each in sorted(place.iterdir())]
    if not place.exists():
        return ["(no such file)"]
    return list(_marked("|", place.read_bytes(), words))


def _marked(mark: str, data: bytes, words: Words) -> Iterator[str]:
    text = data.decode("utf-8", "backslashreplace")
    for real, word in words:
        text = text.replace(real, word)
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    for line in text.removesuffix("\n").split("\n") if text else ():
        yield f"{mark} {line}".rstrip(" ")
    if text and not text.endswith("\n"):
        yield NO_END
