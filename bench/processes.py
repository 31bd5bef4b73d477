"""Whole processes on the clock: start, run, end, in turns. Knows nothing of what the commands do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Timing:
    """Wall time of one command, in seconds: the best and the middle of its runs."""

    best: float
    middle: float

    def __str__(self) -> str:
        return f"{self.middle * 1000:.1f} ms (best {self.best * 1000:.1f})"


def environment() -> dict[str, str]:
    """This process's environment without what changes how Python or an app starts."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "AGENTD"))}


def timed(commands: Mapping[str, Sequence[str | Path]], runs: int) -> dict[str, Timing]:
    """Each command once to warm the caches, where it must succeed, then all of them in turns, `runs` times.

    With no runs the first one counts, which tells little.
    """
    first = {name: _checked(words) for name, words in commands.items()}
    seconds: dict[str, list[float]] = {name: [] if runs else [first[name]] for name in commands}
    clean = environment()
    for _ in range(runs):
        for name, words in commands.items():
            seconds[name].append(_once(words, clean))
    return {name: Timing(min(each), median(each)) for name, each in seconds.items()}


def _checked(words: Sequence[str | Path]) -> float:
    began = perf_counter()
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, env=environment(), check=False
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"{Path(words[0]).name} ended with status {done.returncode}: {said}")
    return perf_counter() - began


def _once(words: Sequence[str | Path], clean: dict[str, str]) -> float:
    null = subprocess.DEVNULL
    began = perf_counter()
    # close_fds=False lets the child start by vfork, so this process's size is not part of the time
    subprocess.run(words, stdin=null, stdout=null, stderr=null, env=clean, close_fds=False, check=True)
    return perf_counter() - began
