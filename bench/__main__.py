"""`python -m bench`: measure everything, print each table as it is done, and say which bars are missed.

    python -m bench [--quick] [--only NAME]... [--markdown FILE]

Exit status 1 when a bar is missed in a full run; a quick run is for trying things out and only reports.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from bench import build, check, fanout, imports, models, report, serve, start, state, walk
from bench.effort import Effort

PARTS: dict[str, Callable[[Effort], list[report.Section]]] = {
    "walk": walk.measure,
    "start": start.measure,
    "check": check.measure,
    "build": build.measure,
    "imports": imports.measure,
    "fanout": fanout.measure,
    "models": models.measure,
    "serve": serve.measure,
    "state": state.measure,
}


def main(arguments: list[str]) -> int:
    """Run the parts that are asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure agentdc against its bars.")
    parser.add_argument("--quick", action="store_true", help="few repetitions, no freezing; for trying out")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables into FILE")
    options = parser.parse_args(arguments)
    shown = [f"--{name}" for name in ("quick",) if getattr(options, name)]
    repeat = report.command([*shown, *(f"--only {name}" for name in options.only or ())])
    before = f"before: {report.load()}"
    sys.stdout.write("\n".join([repeat, *report.versions(), before, ""]))
    effort = Effort.QUICK if options.quick else Effort.FULL
    sections = []
    for name in options.only or PARTS:
        for section in PARTS[name](effort):
            report.show(section)
            sections.append(section)
    after = f"after: {report.load()}"
    sys.stdout.write(f"\n{after}\n")
    if options.markdown is not None:
        report.write_markdown(options.markdown, sections, repeat, [before, after])
    missed = [f"{section.title}: {row.what}" for section in sections for row in section.missed]
    sys.stdout.write("".join(f"MISSED {each}\n" for each in missed) or "All bars met.\n")
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
