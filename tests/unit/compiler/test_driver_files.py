"""Reading, writing and replacing the user's files: what is refused, and that nothing is left half-done."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from agentdc.driver import files, outputs
from agentdc.driver.build import Format, format_of
from agentdc.driver.files import FileProblem

MANIFEST = json.dumps({"name": "w", "compiler": {"name": "agentdc", "version": "0"}})
TREE = {"__main__.py": b"main", "w/manifest.json": MANIFEST.encode(), "agentdc_runtime/abi.py": b"ABI = 1"}
TOP = {"__main__.py", "w", "agentdc_runtime"}


def everything(root: Path) -> list[str]:
    return sorted(each.relative_to(root).as_posix() for each in root.rglob("*"))


# --- reading


def test_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\r\n")
    assert files.read(str(tmp_path / "a")) == b"\xff\r\n"
    source = files.read_source(str(tmp_path / "a"))
    assert (source.name, source.data) == (str(tmp_path / "a"), b"\xff\r\n")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("missing", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "embedded null byte"),
        ("x" * 300, "File name too long"),
        ("/dev/zero", "it is larger than 64 MiB"),
    ],
)
def test_read_refuses(path: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileProblem) as refused:
        files.read(path, "the key")
    found = refused.value.diagnostic
    assert found.code.slug == "unreadable_file"
    assert found.message == f"cannot read the key {path}: {why}"


# --- writing


def test_write_file_replaces_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a"
    files.write_file(path, b"one", 0o600)
    first = path.stat().st_ino
    files.write_file(path, b"two", 0o755)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"two", 0o755)
    assert path.stat().st_ino != first
    assert everything(tmp_path) == ["deep", "deep/a"]


def test_write_tree_replaces_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "app"
    files.write_tree(path, {"old.txt": b"", **TREE})
    files.write_tree(path, TREE)
    assert {name: (path / name).read_bytes() for name in TREE} == TREE
    assert everything(tmp_path / "deep") == sorted(["app", *(f"app/{each}" for each in everything(path))])
    assert not (path / "old.txt").exists()


@pytest.mark.parametrize("name", ["file/app", "x" * 300, "folder"])
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").write_text("kept")
    before = everything(tmp_path)
    with pytest.raises(FileProblem) as refused:
        files.write_file(tmp_path / name, b"new", 0o644)
    assert refused.value.diagnostic.code.slug == "output_unwritable"
    assert everything(tmp_path) == before


def test_a_failure_in_the_middle_leaves_the_former_tree(tmp_path: Path) -> None:
    path = tmp_path / "app"
    files.write_tree(path, TREE)
    with pytest.raises(FileProblem):
        files.write_tree(path, {"a": b"1", "a/b": b"2"})  # a file cannot be a folder
    assert {name: (path / name).read_bytes() for name in TREE} == TREE
    assert [each.name for each in tmp_path.iterdir()] == ["app"]


def test_names_up_to_the_system_limit(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    files.write_file(path, b"1", 0o644)
    assert path.read_bytes() == b"1"


# --- what may be replaced


def why_not(
    path: Path, tree: set[str] | None, *, force: bool = False, source: str = "/nowhere/w.toml"
) -> str:
    found = outputs.refusal(path, source, tree, force=force)
    return "" if found is None else found.message.removeprefix(f"{path} exists and ")


def lay(root: Path, *names: str) -> Path:
    root.mkdir(exist_ok=True)
    for name in names:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(MANIFEST if name == "w/manifest.json" else "")
    return root


def test_directories_that_may_be_replaced(tmp_path: Path) -> None:
    assert why_not(tmp_path / "missing", TOP) == ""
    assert why_not(lay(tmp_path / "empty"), TOP) == ""
    assert why_not(lay(tmp_path / "former", "w/manifest.json", "__main__.py"), TOP) == ""
    assert why_not(lay(tmp_path / "ran", "w/manifest.json", "__pycache__/x.pyc"), TOP) == ""
    assert why_not(lay(tmp_path / "renamed", "w/manifest.json"), {"__main__.py", "other"}) == ""


def test_directories_that_may_not(tmp_path: Path) -> None:
    foreign = "is not an app that agentdc built"
    assert why_not(lay(tmp_path / "notes", "notes.txt"), TOP) == foreign
    web = lay(tmp_path / "web", "public/manifest.json", "src/index.js")
    (web / "public/manifest.json").write_text('{"name": "an app of the web"}')
    assert why_not(web, TOP) == foreign
    (web / "public/manifest.json").write_text("[" * 100_000)
    assert why_not(web, TOP) == foreign
    ejected = lay(tmp_path / "ejected", "w/manifest.json", "__main__.py", ".git/HEAD")
    assert why_not(ejected, TOP) == "holds what agentdc did not put there: .git"
    assert why_not(ejected, TOP, force=True) == ""
    assert why_not(ejected / "__main__.py", TOP, force=True) == "is not a directory"


def test_files_that_may_be_replaced_or_not(tmp_path: Path) -> None:
    zipapp = tmp_path / "app.pyz"
    with zipfile.ZipFile(zipapp, "w") as archive:
        archive.writestr("w/manifest.json", MANIFEST)
    zipapp.write_bytes(b"#!/usr/bin/env python3\n" + zipapp.read_bytes())
    assert why_not(zipapp, None) == ""
    foreign = "is not an app that agentdc built"
    others = {
        "script": b"#!/bin/sh\nrm -rf /\n",
        "elf": b"\x7fELF" + bytes(64),
        "empty": b"",
        "text": b"notes",
        "zip": zipapp.read_bytes().replace(b'"agentdc"', b'"another"'),
        "broken": zipapp.read_bytes()[:-30],
    }
    for name, data in others.items():
        path = tmp_path / name
        path.write_bytes(data)
        assert why_not(path, None) == foreign, name
        assert why_not(path, None, force=True) == "", name


def test_a_frozen_app_is_known_by_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "agent"
    path.write_bytes(
        b"\x7fELF" + b" w/manifest.json agentdc_runtime " + b"MEI\x0c\x0b\x0a\x0b\x0e" + bytes(64)
    )
    assert why_not(path, None) == ""
    path.write_bytes(b"\x7fELF" + b"another frozen app" + b"MEI\x0c\x0b\x0a\x0b\x0e" + bytes(64))
    assert why_not(path, None) == "is not an app that agentdc built"


def test_force_has_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = lay(tmp_path / "work", "w.toml") / "w.toml"
    assert why_not(source, None, force=True, source=str(source)) == "is or holds the workflow"
    assert why_not(tmp_path / "work", TOP, force=True, source=str(source)) == "is or holds the workflow"
    monkeypatch.chdir(lay(tmp_path / "here"))
    for path in (tmp_path / "here", tmp_path):
        assert why_not(path, TOP, force=True) == "is or holds the working directory"
    assert why_not(Path(os.devnull), None, force=True) == "is not a file"
    assert why_not(tmp_path / "work", None, force=True) == "is not a file"
    (tmp_path / "dangling").symlink_to("nowhere")
    assert why_not(tmp_path / "dangling", None, force=True) == "is not a file"


def test_help_offers_force_only_where_it_helps(tmp_path: Path) -> None:
    found = outputs.refusal(lay(tmp_path / "notes", "a"), "w.toml", TOP, force=False)
    assert found is not None
    assert found.help == "name another output, remove it, or pass --force to replace it"
    found = outputs.refusal(Path("/"), "w.toml", TOP, force=False)
    assert found is not None
    assert found.help == "name another output, or remove it"


def test_a_link_stands_for_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert outputs.place_of("link/", directory=True) == tmp_path / "real"
    assert outputs.place_of("./", directory=True) == tmp_path
    assert outputs.place_of("real/..", directory=True) == tmp_path
    assert outputs.place_of("real/new/", directory=True) == Path("real/new")
    assert outputs.place_of("link", directory=False) == Path("link")


def test_format_of(tmp_path: Path) -> None:
    assert format_of("a/") is Format.DIRECTORY
    assert format_of("a.pyz/") is Format.DIRECTORY
    assert format_of(str(tmp_path)) is Format.DIRECTORY
    assert format_of("a.pyz") is Format.ZIPAPP
    assert format_of("a") is Format.BINARY
    assert format_of("x" * 300) is Format.BINARY
