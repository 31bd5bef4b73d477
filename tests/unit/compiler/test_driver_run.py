"""The cache of `agentdc run`: where it is, whom it trusts, what its keys depend on, and two builders at once."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from agentdc.driver import run as cache


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path


def test_directory_is_made_for_the_user_alone(home: Path) -> None:
    path = cache.cache_directory()
    assert path == home / ".cache" / "agentdc"
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert cache.cache_directory() == path


def test_directory_follows_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "caches"))
    assert cache.cache_directory() == home / "caches" / "agentdc"
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert cache.cache_directory() == home / ".cache" / "agentdc"


@pytest.mark.parametrize("value", [None, ""])
def test_home_on_record_when_the_environment_has_none(
    home: Path, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    if value is not None:
        monkeypatch.setenv("HOME", value)
    record = list(pwd.getpwuid(os.getuid()))
    record[5] = str(home / "recorded")
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd(record))
    assert cache.cache_directory() == home / "recorded" / ".cache" / "agentdc"


def test_no_home_is_no_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", "relative")
    with pytest.raises(OSError, match="no home directory"):
        cache.cache_directory()

    def unknown(number: int) -> pwd.struct_passwd:
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(OSError, match="no home directory"):
        cache.cache_directory()
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o722, 0o777])
def test_a_directory_that_others_may_write_is_refused(home: Path, mode: int) -> None:
    cache.cache_directory().chmod(mode)
    with pytest.raises(cache.UnsafeCache, match=r"\.cache/agentdc"):
        cache.cache_directory()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user_is_refused(home: Path) -> None:
    os.chown(cache.cache_directory(), 12345, 12345)
    with pytest.raises(cache.UnsafeCache):
        cache.cache_directory()


def test_a_key_depends_on_every_part(tmp_path: Path) -> None:
    keys = [
        cache.entry(tmp_path, name, parts)
        for name, parts in (
            ("w.toml", [b"a", None, b"b"]),
            ("v.toml", [b"a", None, b"b"]),
            ("w.toml", [b"a", b"", b"b"]),  # an empty signature is not the same as none
            ("w.toml", [b"a", None, b"c"]),
            ("w.toml", [b"a", b"b", None]),
            ("w.toml", [b"ab", None, b""]),
            (os.fsdecode(b"\xff.toml"), [b"a"]),
        )
    ]
    assert len(set(keys)) == len(keys)
    assert cache.entry(tmp_path, "elsewhere/w.toml", [b"a", None, b"b"]) == keys[0]
    assert all(each.parent == tmp_path and len(each.name) == 32 for each in keys)


def build(place: Path | None, content: str = "main", children: Sequence[str] = ()) -> Path:
    """What a build does, without the compiler."""
    with cache.building(place) as folder:
        (folder / cache.APP).mkdir()
        (folder / cache.APP / "__main__.py").write_text(content)
        return cache.keep(folder / cache.APP, place, children)


def test_an_app_is_built_beside_and_moved_in(tmp_path: Path) -> None:
    place = tmp_path / "entry"
    assert cache.cached_app(place) is None
    with cache.building(place) as folder:
        (folder / cache.APP).mkdir()
        assert cache.cached_app(place) is None  # nobody meets half an app
        app = cache.keep(folder / cache.APP, place, [])
    assert cache.cached_app(place) == app
    assert app.parent == cache.generation(place)
    assert sorted(place.iterdir()) == sorted([app.parent, place / cache.CHILDREN])
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_of_two_builders_the_first_wins(tmp_path: Path) -> None:
    place = tmp_path / "entry"
    first = build(place, "first")
    assert build(place, "second") == first
    assert (first / "__main__.py").read_text() == "first"
    assert sorted(place.iterdir()) == sorted([first.parent, place / cache.CHILDREN])


def test_what_a_killed_builder_left_is_no_app(tmp_path: Path) -> None:
    place = tmp_path / "entry"
    (place / "agentdc-run-dead" / cache.APP).mkdir(parents=True)
    assert cache.cached_app(place) is None
    assert build(place) == cache.cached_app(place)


def test_every_state_of_the_children_has_an_app_of_its_own(tmp_path: Path) -> None:
    place, child, absent = tmp_path / "entry", tmp_path / "child.toml", tmp_path / "absent.toml"
    child.write_text("one")
    looked_at = [str(child), str(absent)]
    first = build(place, "first", looked_at)
    child.write_text("two")
    assert cache.cached_app(place) is None
    second = build(place, "second", looked_at)
    absent.write_text("")  # an empty file is not the same as none
    assert cache.cached_app(place) is None
    absent.unlink()
    assert cache.cached_app(place) == second != first
    child.write_text("one")
    assert cache.cached_app(place) == first
    assert (first / "__main__.py").read_text() == "first"


def test_names_of_children_need_not_be_text(tmp_path: Path) -> None:
    name = os.fsdecode(bytes(tmp_path) + b"/a\n\xff.toml")
    Path(name).write_text("one")
    place = tmp_path / "entry"
    app = build(place, "main", [name])
    assert cache.cached_app(place) == app
    Path(name).write_text("two")
    assert cache.cached_app(place) is None


def test_a_failed_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for place in (tmp_path / "entry", None):
        with pytest.raises(ZeroDivisionError), cache.building(place):
            raise ZeroDivisionError
        assert list(tmp_path.iterdir()) == []


def test_without_a_cache_the_app_stays_where_it_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "file").write_text("")
    for place in (None, tmp_path / "file" / "entry"):
        app = build(place)
        assert app.parent.parent == tmp_path / "tmp"
        assert (app / "__main__.py").exists()
        assert stat.S_IMODE(app.parent.stat().st_mode) == 0o700
