"""A short, seeded run of the fuzzer, and the fuzzer's own parts."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import oracle
import pytest
import tomli
from grow import grown
from minimise import smallest
from mutate import HOSTILE, Mutator, corpus, dump
from probe import Failure, tried

from agentdc.check.validate import Options
from agentdc.diagnostics import SourceFile
from agentdc.driver.check import check_source, failed

ROOT = Path(__file__).parents[2]
SECONDS = 3.0


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_nothing_breaks(seed: int) -> None:
    until = time.monotonic() + SECONDS
    came: Counter[str] = Counter()
    for data in Mutator(seed):
        found = tried(data)
        assert not isinstance(found, Failure), f"{found.shown}\n{data!r}"
        came[found] += 1
        if time.monotonic() > until:
            break
    assert came["refused"]
    assert came["ran"]


def test_the_same_seed_gives_the_same_texts() -> None:
    first, second, other = (list(itertools.islice(Mutator(seed), 30)) for seed in (7, 7, 8))
    assert first == second != other


def test_most_grown_workflows_are_sound() -> None:
    """Or the fuzzer would only ever test the parser."""

    def sound(seed: int) -> bool:
        source = SourceFile("w.toml", dump(grown(random.Random(seed))).encode())
        return not failed(check_source(source, Options()).build_diagnostics)

    assert sum(map(sound, range(100))) > 60


def test_what_is_written_is_what_was_meant() -> None:
    for document in [
        *corpus(),
        {"a": list(HOSTILE), "b": {each: each for each in HOSTILE}, "": [{"x": [{}]}]},
    ]:
        assert tomli.loads(dump(document)) == document


def test_a_text_is_made_as_small_as_it_can_be() -> None:
    text = b"one\ntwo\nthree\nfour\n" * 20 + b"the culprit is here\n" + b"five\n" * 30
    assert smallest(text, lambda data: b"culprit" in data) == b"culprit"
    assert smallest(b"a\nb", lambda _: True) == b""
    assert smallest(b"a\nb", lambda data: data == b"a\nb") == b"a\nb"


def test_a_failure_is_told_and_saved(tmp_path: Path) -> None:
    """The command that `make fuzz` runs, with a compiler that breaks on one word."""
    program = f"""
import sys, runpy
import agentdc.driver.check as driver
real = driver.decode
def decode(source, kinds):
    assert b"type" not in source.data, "planted"
    return real(source, kinds)
driver.decode = decode
sys.path.insert(0, {str(ROOT)!r})
sys.argv = ["fuzz", "--seconds", "30", "--seed", "5", "--save", {str(tmp_path)!r}]
runpy.run_module("tests.fuzz", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "AssertionError: planted" in done.stderr
    assert done.stderr.endswith(f"the text is in {tmp_path / 'fuzz-5.toml'} (4 bytes)\n")
    assert (tmp_path / "fuzz-5.toml").read_bytes() == b"type"


SWITCH = b"""
name = "w"
start_nodes = [{ name = "s", source = "manual", entry_node = "a" }]
nodes = [{ id = "a", type = "switch", expr = "trigger.name" }, { id = "b", type = "merge" }]
edges = [{ from = "a", to = "b", when = "x" }]
"""


def test_an_app_that_does_not_do_as_specified_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(SWITCH) == "ran"
    monkeypatch.setattr(oracle, "label", lambda _: "another")  # either of the two may be the wrong one
    found = tried(SWITCH)
    assert isinstance(found, Failure)
    assert found.kind == "Broken in _same"
    assert "the app gives" in found.shown
