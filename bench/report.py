"""Results as rows, and rows as tables: on the terminal and in a Markdown file. Measures nothing."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

BEGIN, END = "<!-- results -->", "<!-- end of results -->"
PACKAGES = (
    "agentdc",
    "pydantic",
    "black",
    "libcst",
    "pyinstaller",
    "langgraph",
    "pydantic-graph",
    "uvicorn",
    "uvloop",
    "httptools",
    "fastapi",
    "aiohttp",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One measured thing.

    `value`: what was measured, with its unit. `compared`: the ratio and to what. `bar`: what the design asks for.
    `met`: None where the design asks for nothing.
    """

    what: str
    value: str
    compared: str = ""
    bar: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """A word for the last column."""
        return {None: "", True: "met", False: "MISSED"}[self.met]

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The row of the table."""
        return self.what, self.value, self.compared, self.bar, self.verdict


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together, with a sentence on how they were measured and remarks on what is missing."""

    title: str
    about: str
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()

    @property
    def missed(self) -> list[Row]:
        """The rows that do not meet their bar."""
        return [row for row in self.rows if row.met is False]


HEAD = ("what", "measured", "compared", "bar", "")


def versions() -> list[str]:
    """What was measured with: the machine without its name, the interpreter, the packages."""
    lines = [
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        f"{platform.python_implementation()} {platform.python_version()}",
    ]
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} absent")
    return [*lines, ", ".join(found)]


def load() -> str:
    """How busy the machine is: whatever else runs here lengthens times, and ratios less."""
    return f"load average of the last minute: {os.getloadavg()[0]:.1f}"


def command(arguments: Iterable[str]) -> str:
    """The command that repeats this run."""
    return " ".join(["python -m bench", *arguments])


def as_text(section: Section) -> str:
    """A section for a terminal, columns aligned."""
    table = [HEAD, *(row.cells for row in section.rows)]
    widths = [max(len(row[at]) for row in table) for at in range(len(HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    return "\n".join([f"\n{section.title}", section.about, "", *lines, *section.remarks, ""])


def as_markdown(sections: Iterable[Section], repeat: str, loads: Iterable[str] = ()) -> str:
    """All sections, under the command and the versions."""
    return "\n".join(_markdown_lines(list(sections), repeat, loads))


def _markdown_lines(sections: list[Section], repeat: str, loads: Iterable[str]) -> Iterator[str]:
    yield f"`{repeat}`\n"
    yield from (f"- {line}" for line in [*versions(), *loads])
    for section in sections:
        yield f"\n### {section.title}\n"
        yield f"{section.about}\n"
        yield from _table(section.rows)
        if section.remarks:
            yield ""
            yield from (f"- {remark}" for remark in section.remarks)


def _table(rows: Iterable[Row]) -> Iterator[str]:
    yield "| " + " | ".join(HEAD) + " |"
    yield "|---|--:|--:|---|---|"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row.cells) + " |"


def write_markdown(path: Path, sections: Iterable[Section], repeat: str, loads: Iterable[str] = ()) -> None:
    """Put the results between the two marks of the file, or into a new file."""
    text = f"{BEGIN}\n\n{as_markdown(sections, repeat, loads)}\n\n{END}"
    old = path.read_text("utf-8") if path.exists() else ""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    path.write_text(f"{before}{text}{after}" if begin and end else f"{text}\n", "utf-8")


def show(section: Section) -> None:
    """Print a section at once; later ones may take long."""
    sys.stdout.write(as_text(section))
    sys.stdout.flush()
