"""Handlers of files, folders and the environment, on a real file system (spec 01 §5.1–§5.11; 02 §5.4)."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from agentdc_runtime.core.process import Process
from agentdc_runtime.errors import PolicyError, ToolError
from agentdc_runtime.host import files
from agentdc_runtime.nodes import create_dir, read_env, read_file, write_file
from agentdc_runtime.policy.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdc_runtime.core.run import Run


class Stand:
    """What these handlers may use of a run."""

    def __init__(self, gate: Gate, dry_run: bool) -> None:
        self.process = Process("test", gate=gate)
        self.gate = gate
        self.dry_run = dry_run


def run(policy: dict[str, Any] | None = None, *, dry_run: bool = False) -> Run:
    return cast("Run", Stand(Gate(policy), dry_run))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def policies(here: Path) -> list[dict[str, Any] | None]:
    """Without a policy and with `*` paths are used as given, else resolved and pinned; results are the same."""
    everything = ["*"]
    below = [f"{here}/**", "in/**", "a*", "new/**", "", "fold*", "miss*", "bad*", "x*"]
    return [None, {"fs": {"read": everything, "write": everything}}, {"fs": {"read": below, "write": below}}]


def failure(handler: Callable[..., object], *arguments: Any, **fields: Any) -> str:
    with pytest.raises(ToolError) as caught:
        handler(*arguments, **fields)
    return caught.value.display


def names(folder: Path) -> list[str]:
    return sorted([each.name for each in folder.iterdir()])


def open_descriptors() -> int:
    return len(names(Path("/proc/self/fd")))


def test_read_file(here: Path) -> None:
    (here / "a.txt").write_bytes("\ufeffé\r\n\0".encode())
    for policy in policies(here):
        for path in ("a.txt", f"{here}/a.txt"):
            output = read_file.run(run(policy), path=path)
            assert output == {"bytes": 8, "content": "\ufeffé\r\n\0", "path": path}
        assert read_file.run(run(policy, dry_run=True), path="missing") == {
            "dry_run": True,
            "path": "missing",
        }
    assert read_file.run(run(), path="/proc/self/status")["bytes"] > 0  # a file whose size is stated as 0


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing", 'cannot read "missing": No such file or directory'),
        ("folder", 'cannot read "folder": Is a directory'),
        ("folder/", 'cannot read "folder/": Is a directory'),
        ("a.txt/x", 'cannot read "a.txt/x": Not a directory'),
        ("a.txt/", 'cannot read "a.txt/": Not a directory'),
        ("bad.bin", '"bad.bin" is not UTF-8 text (byte 2)'),
        (None, "path_from must resolve to a string, not null"),
        (["a.txt"], "path_from must resolve to a string, not array"),
    ],
)
def test_read_file_refuses(here: Path, path: Any, reason: str) -> None:
    (here / "a.txt").write_text("x")
    (here / "bad.bin").write_bytes(b"ok\xff\xfe")
    (here / "folder").mkdir()
    before = open_descriptors()
    for policy in policies(here):
        assert failure(read_file.run, run(policy), path=path) == (f"tool `read_file` failed: {reason}")
    assert open_descriptors() == before


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_paths_that_no_file_has(here: Path, path: str) -> None:
    said = [
        failure(read_file.run, run(), path=path),
        failure(write_file.run, run(), path=path, content=lambda: "x"),
        failure(create_dir.run, run(), path=path),
    ]
    assert all(each.endswith((": No such file or directory", ": embedded null byte")) for each in said)
    assert names(here) == []


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("", b""),
        ("é\n", "é\n".encode()),
        (None, b"null"),
        ({"b": [1e-7, "é"], "a": 1}, '{"a":1,"b":[1e-7,"é"]}'.encode()),
        ("x" * 3_000_000, b"x" * 3_000_000),
    ],
)
def test_write_file(here: Path, content: Any, written: bytes) -> None:
    for number, policy in enumerate(policies(here)):
        path = f"new/{number}/deep/x.json"
        for _ in range(2):
            output = write_file.run(run(policy), path=path, content=lambda: content)
            assert output == {"bytes": len(written), "path": path, "written": True}
            assert (here / path).read_bytes() == written
        assert names(here / f"new/{number}/deep") == ["x.json"]
        dry = write_file.run(run(policy, dry_run=True), path="new/dry/x", content=lambda: content)
        assert dry == {"bytes": len(written), "dry_run": True, "path": "new/dry/x"}
        assert not (here / "new/dry").exists()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("folder", "Is a directory"),
        ("folder/", "Is a directory"),
        ("new/", "Is a directory"),
        ("a.txt/x", "Not a directory"),
        ("a.txt/x/y", "Not a directory"),
    ],
)
def test_write_file_refuses(here: Path, path: str, reason: str) -> None:
    (here / "a.txt").write_text("x")
    (here / "folder").mkdir()
    before = open_descriptors()
    for policy in policies(here):
        said = failure(write_file.run, run(policy), path=path, content=lambda: "x")
        assert said.startswith(f'tool `write_file` failed: cannot write "{path}": ')
        assert said.endswith((reason, "File exists"))
    assert names(here) == ["a.txt", "folder"]
    assert names(here / "folder") == []
    assert open_descriptors() == before


def test_write_file_asks_in_order(here: Path) -> None:
    def never() -> Any:
        raise AssertionError("the content was resolved too early")

    def unresolved() -> Any:
        raise ToolError("write_file", "unresolved")

    with pytest.raises(ToolError, match="not number"):
        write_file.run(run({}), path=1, content=never)
    with pytest.raises(PolicyError):
        write_file.run(run({}, dry_run=True), path="x", content=never)
    with pytest.raises(ToolError, match="unresolved"):
        write_file.run(run(dry_run=True), path="new/x", content=unresolved)
    assert names(here) == []


def test_create_dir(here: Path) -> None:
    (here / "a.txt").write_text("x")
    for number, policy in enumerate(policies(here)):
        path = f"new/{number}/b/c"
        for _ in range(2):
            assert create_dir.run(run(policy), path=path) == {"created": True, "path": path}
            assert (here / path).is_dir()
        assert create_dir.run(run(policy), path=path + "/d/")["created"]
        for taken in ("a.txt", "a.txt/b"):
            said = failure(create_dir.run, run(policy), path=taken)
            assert f'cannot create "{taken}"' in said
        assert create_dir.run(run(policy, dry_run=True), path="new/dry") == {
            "dry_run": True,
            "path": "new/dry",
        }
    assert not (here / "new/dry").exists()


def test_create_dir_of_more_parts_than_calls_may_nest(here: Path) -> None:
    deep = "new/" + "d/" * 1_500
    try:
        assert create_dir.run(run(), path=deep)["created"]
        assert create_dir.run(run({"fs": {"write": ["new/**"]}}), path=deep + "e")["created"]
    finally:
        subprocess.run(["rm", "-rf", "new"], check=True)  # the test runner's own clean-up is recursive


def test_a_denied_path_is_not_touched(here: Path) -> None:
    (here / "in").mkdir()
    (here / "secret").write_text("s")
    (here / "in" / "way").symlink_to("..")
    policy = {"fs": {"read": ["in/**"], "write": ["in/**"]}}
    for path in ("secret", "in/../secret", "in/way/secret", "in/way/new/x", f"{here}/secret"):
        with pytest.raises(PolicyError, match=r"^read_file: fs_read .* not covered"):
            read_file.run(run(policy), path=path)
        with pytest.raises(PolicyError, match=r"^write_file: fs_write .* not covered"):
            write_file.run(run(policy), path=path, content=lambda: "x")
        with pytest.raises(PolicyError, match=r"^create_dir: fs_write .* not covered"):
            create_dir.run(run(policy), path=path)
    assert names(here) == ["in", "secret"]
    assert (here / "secret").read_text() == "s"


@pytest.mark.parametrize("part", ["in/sub", "in/sub/deep", "in/sub/deep/x.txt"])
def test_a_folder_swapped_for_a_link_after_the_check(here: Path, part: str) -> None:
    (here / "in/sub/deep").mkdir(parents=True)
    (here / "in/sub/deep/x.txt").write_text("inside")
    (here / "out/deep").mkdir(parents=True)
    (here / "out/x.txt").write_text("outside")
    (here / "out/deep/x.txt").write_text("outside")
    policy = {"fs": {"read": ["in/**"], "write": ["in/**"]}}
    target = here / "out" / os.path.relpath(part, "in/sub")
    before = open_descriptors()

    def swap() -> str:
        (here / part).rename(here / "aside")
        (here / part).symlink_to(target)
        return "attack"

    class Swapping(Gate):
        def read(self, path: str, tool: str = "read_file") -> str:
            place = super().read(path, tool)
            swap()
            return place

    with pytest.raises(PolicyError, match=r"write_file: fs_write of .* not covered .* link took its place"):
        write_file.run(run(policy), path="in/sub/deep/x.txt", content=swap)
    (here / part).unlink()
    (here / "aside").rename(here / part)
    with pytest.raises(PolicyError, match=r"read_file: fs_read of .* not covered .* link took its place"):
        read_file.run(cast("Run", Stand(Swapping(policy), dry_run=False)), path="in/sub/deep/x.txt")
    assert [each.read_text() for each in (here / "out").rglob("*.txt")] == ["outside", "outside"]
    assert open_descriptors() == before


def test_a_new_folder_swapped_for_a_link_after_the_check(here: Path) -> None:
    (here / "in").mkdir()
    (here / "out").mkdir()

    def swap() -> str:
        (here / "in/new").symlink_to(here / "out")
        return "attack"

    with pytest.raises(PolicyError):
        write_file.run(run({"fs": {"write": ["in/**"]}}), path="in/new/deep/x", content=swap)
    assert names(here / "out") == []


def test_read_env(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADC_SET", "é=1")
    monkeypatch.setenv("ADC_EMPTY", "")
    monkeypatch.delenv("ADC_UNSET", raising=False)
    for dry_run in (False, True):
        now = run({"env": {"read_keys": ["ADC_*", ""]}}, dry_run=dry_run)
        assert read_env.run(now, key="ADC_SET") == {"key": "ADC_SET", "value": "é=1"}
        assert read_env.run(now, key="ADC_EMPTY") == {"key": "ADC_EMPTY", "value": ""}
        for key in ("ADC_UNSET", "", "ADC_\0", "ADC_a=b"):
            if key:
                assert read_env.run(now, key=key) == {"key": key, "missing": True, "value": None}
        with pytest.raises(PolicyError, match=r'^read_env: env_read of "HOME" is not covered'):
            read_env.run(now, key="HOME")


def test_read_env_refuses_bytes_that_are_not_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environb, b"ADC_BYTES", b"hidden\xff")
    said = failure(read_env.run, run(), key="ADC_BYTES")
    assert said == 'tool `read_env` failed: the value of "ADC_BYTES" is not UTF-8 text'


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_write_atomic_modes(here: Path) -> None:
    old = os.umask(0o027)
    try:
        files.write_atomic("plain", b"1")
        files.write_atomic("exact", b"1", 0o666)
    finally:
        os.umask(old)
    assert mode(here / "plain") == 0o640 and mode(here / "exact") == 0o666
    (here / "plain").chmod(0o4751)
    files.write_atomic("plain", b"2")
    files.write_atomic("exact", b"2", 0o600)
    assert mode(here / "plain") == 0o751 and mode(here / "exact") == 0o600
    assert (here / "plain").read_bytes() == b"2"


def test_write_atomic_replaces_instead_of_changing(here: Path) -> None:
    (here / "x").write_text("old")
    with (here / "x").open() as reader:
        files.write_atomic("x", b"new")
        assert reader.read() == "old"
    assert (here / "x").read_text() == "new"


def test_write_atomic_leaves_nothing_behind(here: Path) -> None:
    (here / "folder").mkdir()
    for target in ("folder", "missing/x", "n" * 256):
        with pytest.raises(OSError):
            files.write_atomic(target, b"x")
    files.write_atomic("n" * 255, b"x")
    assert names(here) == ["folder", "n" * 255]


def test_without_a_policy_links_are_written_through(here: Path) -> None:
    (here / "data").mkdir()
    (here / "data/x").write_text("old")
    (here / "link").symlink_to("data/x")
    (here / "dangling").symlink_to("data/new")
    for link, target in (("link", "data/x"), ("dangling", "data/new")):
        write_file.run(run(), path=link, content=lambda: "new")
        assert (here / link).is_symlink() and (here / target).read_text() == "new"
    (here / "loop").symlink_to("loop")
    assert "Too many levels" in failure(write_file.run, run(), path="loop", content=lambda: "x")


def test_devices_and_pipes_are_written_and_stay(here: Path) -> None:
    write_file.run(run(), path="/dev/null", content=lambda: "x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file.run(run({"fs": {"write": [f"{here}/**"]}}), path=f"{here}/pipe", content=lambda: "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_rights_of_another_user() -> None:
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's own is closed to other users
    folder.chmod(0o755)
    (folder / "writable").write_text("old")
    (folder / "writable").chmod(0o666)
    (folder / "open").mkdir(mode=0o777)
    (folder / "open").chmod(0o777)
    (folder / "open" / "readonly").write_text("old")
    (folder / "open" / "readonly").chmod(0o444)
    # A file that may be written in a folder that may not, and the other way round.
    assert as_nobody(f"{folder}/writable", b"new", pinned=False) == ""
    assert (folder / "writable").read_text() == "new"
    assert as_nobody(f"{folder}/writable", b"newer", pinned=True) == ""
    assert (folder / "writable").read_text() == "newer"
    for pinned in (False, True):
        denied = as_nobody(f"{folder}/open/readonly", b"new", pinned=pinned)
        assert denied == "Permission denied"
        denied = as_nobody(f"{folder}/absent", b"new", pinned=pinned)
        assert denied == "Permission denied"
    assert (folder / "open" / "readonly").read_text() == "old"
    # Root replaces the file of another user, who stays its owner.
    os.chown(folder / "writable", 65534, 65534)
    files.write_atomic(f"{folder}/writable", b"root")
    assert (folder / "writable").stat().st_uid == 65534
    shutil.rmtree(folder)


def as_nobody(path: str, data: bytes, *, pinned: bool) -> str:
    """Writes the file in a child without rights; the reason of the error, empty if it worked."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        said = "died"
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            files.write_file(path, data, pinned=pinned)
            said = ""
        except OSError as error:
            said = files.os_reason(error)
        finally:
            os.write(writer, said.encode())
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor
        return pipe.read()
