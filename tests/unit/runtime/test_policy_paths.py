"""File policy against real folders, links and races (spec 02 §5.1, §5.3–§5.5)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agentdc_runtime.errors import CapabilityError, PolicyError
from agentdc_runtime.policy.gate import Gate


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`in/` is what policies open, `out/` is what must stay shut; the working directory is their parent."""
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_text("inside")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret.txt").write_text("outside")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reading(*patterns: str) -> Gate:
    return Gate({"fs": {"read": list(patterns)}})


def admitted(gate: Gate, path: str) -> str | None:
    try:
        return gate.read(path)
    except PolicyError:
        return None


def test_no_policy_allows_everything_and_resolves_nothing(world: Path) -> None:
    gate = Gate(None)
    assert gate.read("in/../x") == "in/../x"
    assert gate.write("./y") == "./y"
    gate.env("ANY")
    assert not gate.pins_reads and not gate.pins_writes


@pytest.mark.parametrize(
    "policy",
    [{}, {"fs": None, "env": None}, {"fs": {}, "env": {}}, {"fs": {"read": [], "write": []}, "http": {}}],
)
def test_an_empty_policy_denies_everything(policy: dict[str, Any]) -> None:
    gate = Gate(policy)
    for ask in (gate.read, gate.write, gate.env):
        with pytest.raises(PolicyError, match="not covered"):
            ask("/etc/hosts")


def test_reads_and_writes_are_separate(world: Path) -> None:
    gate = Gate({"fs": {"read": ["in/**"]}, "env": {"read_keys": ["HOME", "APP_*"]}})
    assert gate.read("in/a.txt") == f"{world}/in/a.txt"
    with pytest.raises(PolicyError):
        gate.write("in/a.txt")
    gate.env("HOME")
    gate.env("APP_X")
    with pytest.raises(PolicyError):
        gate.env("HOME2")


@pytest.mark.parametrize(
    ("ask", "subject", "message"),
    [
        ("read", "/etc/shadow", 'read_file: fs_read of "/etc/shadow" is not covered by [policy.fs] read'),
        ("write", "/etc/x\ny", 'write_file: fs_write of "/etc/x\\ny" is not covered by [policy.fs] write'),
        ("env", "KEY", 'read_env: env_read of "KEY" is not covered by [policy.env] read_keys'),
    ],
)
def test_wording(ask: str, subject: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        getattr(Gate({}), ask)(subject)
    assert caught.value.display == "policy violation: " + message
    assert not caught.value.transient


def test_wording_names_the_asking_tool() -> None:
    with pytest.raises(PolicyError, match=r"^create_dir: fs_write of"):
        Gate({}).write("/x", "create_dir")


@pytest.mark.parametrize(
    ("pattern", "path", "place"),
    [
        ("{}/in/**", "{}/in/a.txt", "in/a.txt"),
        ("{}/in/**", "{}/in", "in"),
        ("{}/in/**", "{}/in/new/deep.txt", "in/new/deep.txt"),
        ("{}/in/**", "{}/in/sub/../a.txt", "in/a.txt"),
        ("{}/in/**", "{}/out/../in/a.txt", "in/a.txt"),
        ("{}/in/**", "{}/in/../out/secret.txt", None),
        ("{}/in/**", "{}/in/../../../../../../../etc/hosts", None),
        ("{}/in/**", "{}/in/sub/../../out/secret.txt", None),
        ("{}/in/**", "{}/in/missing/../../out/secret.txt", None),
        ("{}/in/**", "{}/inside", None),
        ("{}/in/*", "{}/in/sub/x", "in/sub/x"),
        ("{}/in*", "{}/inside/x", "inside/x"),
        ("{}/in/a.txt", "{}/in/a.txt", "in/a.txt"),
        ("{}/in/a.txt", "{}/in/a.txt/", None),
        ("{}/in", "{}/in/a.txt", None),
        ("{}/in/", "{}/in", None),
        ("in/**", "in/a.txt", "in/a.txt"),
        ("in/**", "./in/a.txt", None),
        ("in/**", "{}/in/a.txt", None),
        ("in/**", "in/../out/secret.txt", None),
        ("in/**", "out/../in/a.txt", "in/a.txt"),
        ("./in/**", "./in/a.txt", "in/a.txt"),
        ("in/../out/**", "out/secret.txt", None),
        ("../**", "../x", "../x"),
        ("{}/in/**", "in/a.txt", None),
        ("/**", "in/a.txt", None),
        ("/**", "{}/in/a.txt", "in/a.txt"),
        ("**", "{}/in/a.txt", None),
        ("{}/*/a.txt", "{}/in/a.txt", None),
        ("", "", None),
        ("/**", "", None),
        ("{}/in/**", "{}/in/a\0b", None),
        ("{}/in/\0**", "{}/in/a", None),
    ],
)
def test_paths(world: Path, pattern: str, path: str, place: str | None) -> None:
    gate = reading(pattern.replace("{}", str(world)))
    expected = None if place is None else os.path.normpath(world / place)
    assert admitted(gate, path.replace("{}", str(world))) == expected
    assert gate.pins_reads


def test_a_star_opens_all_and_pins_nothing(world: Path) -> None:
    gate = Gate({"fs": {"read": ["*"], "write": ["in/**"]}})
    assert gate.read("in/../out/secret.txt") == "in/../out/secret.txt"
    assert not gate.pins_reads and gate.pins_writes


def test_links_do_not_lead_out(world: Path) -> None:
    gate = reading(f"{world}/in/**")
    (world / "in" / "link.txt").symlink_to(world / "out" / "secret.txt")
    (world / "in" / "folder").symlink_to("../out")
    (world / "in" / "chain").symlink_to("folder")
    (world / "in" / "dangling").symlink_to(world / "out" / "new.txt")
    (world / "in" / "loop").symlink_to("loop")
    for path in ("link.txt", "folder/secret.txt", "folder", "chain/secret.txt", "dangling", "folder/new/x"):
        assert admitted(gate, f"{world}/in/{path}") is None
    # `..` after a link is taken from where the link leads, and the text must still match when folded
    assert gate.read(f"{world}/in/folder/../in/a.txt") == f"{world}/in/a.txt"
    assert admitted(gate, f"{world}/in/folder/../out/secret.txt") is None


def test_links_inside_are_followed(world: Path) -> None:
    gate = reading("in/**")
    (world / "in" / "alias").symlink_to("a.txt")
    (world / "in" / "branch").symlink_to("sub")
    assert gate.read("in/alias") == f"{world}/in/a.txt"
    assert gate.read("in/branch/new") == f"{world}/in/sub/new"


def test_links_into_the_open_part_need_a_matching_text_too(world: Path) -> None:
    (world / "out" / "way").symlink_to(world / "in")
    assert admitted(reading(f"{world}/in/**"), f"{world}/out/way/a.txt") is None
    both = reading(f"{world}/in/**", f"{world}/out/way/**")
    assert both.read(f"{world}/out/way/a.txt") == f"{world}/in/a.txt"


@pytest.mark.parametrize("pattern", ["{}/root/**", "{}/root/*", "{}/root/a.txt", "{}/root*", "{}/root/a*"])
def test_a_linked_root_keeps_working(world: Path, pattern: str) -> None:
    (world / "root").symlink_to("in")
    gate = reading(pattern.replace("{}", str(world)))
    assert gate.read(f"{world}/root/a.txt") == f"{world}/in/a.txt"
    assert admitted(gate, f"{world}/root/../out/secret.txt") is None


def test_a_root_that_becomes_a_link_later_opens_nothing(world: Path) -> None:
    gate = reading(f"{world}/later/**", f"{world}/exact")
    (world / "later").symlink_to("out")
    (world / "exact").symlink_to("out/secret.txt")
    assert admitted(gate, f"{world}/later/secret.txt") is None
    assert admitted(gate, f"{world}/exact") is None


def test_a_prefix_pattern_does_not_follow_its_siblings_out(world: Path) -> None:
    gate = reading(f"{world}/in*")
    (world / "in-link").symlink_to("out")
    assert admitted(gate, f"{world}/in-link/secret.txt") is None


def test_a_star_in_a_resolved_name_is_just_a_character(world: Path) -> None:
    (world / "out" / "*").mkdir()
    (world / "exact").symlink_to("out/*")
    gate = reading("exact")
    assert gate.read("exact") == f"{world}/out/*"
    (world / "exact").unlink()
    (world / "exact").symlink_to("out/secret.txt")
    assert admitted(gate, "exact") is None


def test_relative_patterns_stay_with_the_first_working_directory(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = reading("in/**")
    (world / "out" / "in").mkdir()
    monkeypatch.chdir(world / "out")
    assert admitted(gate, "in/a.txt") is None


def test_a_long_chain_of_links_is_a_denial(world: Path) -> None:
    previous = "a.txt"
    for number in range(1_200):
        (world / "in" / f"l{number}").symlink_to(previous)
        previous = f"l{number}"
    assert admitted(reading("in/**"), f"in/{previous}") is None


def test_a_lost_working_directory_is_a_denial(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = world / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert admitted(reading("in/**"), "in/a.txt") is None
    assert admitted(reading(f"{world}/in/**"), f"{world}/in/a.txt") == f"{world}/in/a.txt"


@pytest.mark.parametrize("rego", [{"inline": "package agent"}, {"file": "p.rego"}])
def test_rego_is_never_dropped_in_silence(rego: dict[str, str]) -> None:
    with pytest.raises(CapabilityError, match="rego"):
        Gate({"fs": {"read": ["*"]}, "rego": rego})
    Gate({"rego": None})
    Gate({"rego": {"query": "data.agent.allow"}})
