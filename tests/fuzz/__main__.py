"""`python -m tests.fuzz --seconds 60 --seed N`: mutants until the time is up, or until one breaks something.

Workflows for the compiler, and between them streams of requests for the listener of an app. What breaks something is
made small and saved; its name and the traceback are printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from minimise import smallest
from mutate import Mutator
from octets import Streams, tried_octets
from probe import Failure, tried

BURST = 20  # streams per workflow: a workflow takes some fifty times as long


def main() -> int:
    """Run the fuzzer; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long; default 60")
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument(
        "--save", type=Path, default=Path(), help="folder for the text that fails; default: here"
    )
    arguments = parser.parse_args()
    seed = int(time.time()) if arguments.seed is None else arguments.seed
    print(f"seed {seed}")
    until = time.monotonic() + arguments.seconds
    came: Counter[str] = Counter()
    streamed: Counter[str] = Counter()
    streams = iter(Streams(seed))
    for data in Mutator(seed):
        found = tried(data)
        if isinstance(found, Failure):
            return _report(data, tried, found.kind, arguments.save / f"fuzz-{seed}.toml")
        came[found] += 1
        for stream in islice(streams, BURST):
            found = tried_octets(stream)
            if isinstance(found, Failure):
                return _report(stream, tried_octets, found.kind, arguments.save / f"fuzz-{seed}.http")
            streamed[found] += 1
        if time.monotonic() > until:
            break
    print(f"{came.total()} texts: {_counts(came)}")
    print(f"{streamed.total()} streams: {_counts(streamed)}")
    return 0


def _counts(came: Counter[str]) -> str:
    return ", ".join(f"{count} {how}" for how, count in sorted(came.items()))


def _report(data: bytes, tried: Callable[[bytes], str | Failure], kind: str, path: Path) -> int:
    def same(text: bytes) -> bool:
        found = tried(text)
        return isinstance(found, Failure) and found.kind == kind

    data = smallest(data, same)
    path.write_bytes(data)
    found = tried(data)
    print(found.shown if isinstance(found, Failure) else "", file=sys.stderr)
    print(f"{kind}; the text is in {path} ({len(data)} bytes)", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
