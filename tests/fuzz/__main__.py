"""`python -m tests.fuzz --seconds 60 --seed N`: mutants until the time is up, or until one breaks something.

The text that does is made small and saved; its name and the traceback are printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from minimise import smallest
from mutate import Mutator
from probe import Failure, tried


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
    for data in Mutator(seed):
        found = tried(data)
        if isinstance(found, Failure):
            return _report(data, found.kind, seed, arguments.save)
        came[found] += 1
        if time.monotonic() > until:
            break
    print(f"{came.total()} texts: {', '.join(f'{count} {how}' for how, count in sorted(came.items()))}")
    return 0


def _report(data: bytes, kind: str, seed: int, folder: Path) -> int:
    def same(text: bytes) -> bool:
        found = tried(text)
        return isinstance(found, Failure) and found.kind == kind

    data = smallest(data, same)
    path = folder / f"fuzz-{seed}.toml"
    path.write_bytes(data)
    found = tried(data)
    print(found.shown if isinstance(found, Failure) else "", file=sys.stderr)
    print(f"{kind}; the text is in {path} ({len(data)} bytes)", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
