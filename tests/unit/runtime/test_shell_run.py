"""`shell_run` with real programs: what it tells, what it bounds; nothing stays behind (spec 01 §5.14)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from agentdc_runtime.errors import PolicyError, ToolError
from agentdc_runtime.host import command
from agentdc_runtime.nodes import shell_run
from agentdc_runtime.policy.gate import Gate

if TYPE_CHECKING:
    from agentdc_runtime.core.run import Run

SH = os.path.realpath("/bin/sh")
ROOT = Path(shell_run.__file__).parents[2]


class Stand:
    """What the handler may use of a run."""

    def __init__(self, gate: Gate, dry_run: bool) -> None:
        self.gate = gate
        self.dry_run = dry_run


def run(policy: dict[str, Any] | None = None, *, dry_run: bool = False) -> Run:
    return cast("Run", Stand(Gate(policy), dry_run))


def shell(
    script: str, *more: str, seconds: int = 10, at: str = "/bin/sh"
) -> tuple[dict[str, Any], str | None]:
    given = ["-c", script, *more]
    call = shell_run.run(run(), command=at, arguments=lambda: given, timeout_secs=seconds)
    output, label = asyncio.run(call)
    assert isinstance(output, dict)
    return output, label


def refused(name: str, arguments: Callable[[], Any] = lambda: None, **kind: Any) -> str:
    with pytest.raises(ToolError) as caught:
        asyncio.run(shell_run.run(run(**kind), command=name, arguments=arguments, timeout_secs=5))
    return caught.value.display


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int) -> bool:
    """Whether the process ends soon: a killed orphan is reaped by somebody else."""
    for _ in range(500):
        if not alive(pid):
            return True
        time.sleep(0.01)
    return False


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


PREAMBLE = (
    "import asyncio, os, resource, sys\n"
    "from types import SimpleNamespace\n"
    "from agentdc_runtime.errors import ToolError\n"
    "from agentdc_runtime.nodes import shell_run\n"
    "from agentdc_runtime.policy.gate import Gate\n"
    "run = SimpleNamespace(gate=Gate(None), dry_run=False)\n"
)


def elsewhere(script: str, before: Callable[[], object] | None = None) -> str:
    """What a process of its own prints that runs `script`."""
    words = [sys.executable, "-c", PREAMBLE + script]
    environ = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=environ, preexec_fn=before)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No descriptor, no child and no zombie more than before."""
    asyncio.run(asyncio.sleep(0))
    before, had = descriptors(), children()
    yield
    assert descriptors() == before
    assert children() == had


# --- what it tells ------------------------------------------------------------------------------------------------


def test_output() -> None:
    output, label = shell('printf "%s" "$1"; printf oops >&2', "sh", "a b")
    assert 0 <= output.pop("duration_ms") < 5000
    assert label is None
    assert output == {
        "args": ["-c", 'printf "%s" "$1"; printf oops >&2', "sh", "a b"],
        "command": SH,
        "exit_code": 0,
        "signal": None,
        "stderr": "oops",
        "stdout": "a b",
        "timed_out": False,
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("script", "code", "number"),
    [("exit 3", 3, None), ("exit 255", 255, None), ("kill -TERM $$", -1, 15), ("kill -KILL $$", -1, 9)],
)
def test_failures_are_labelled(script: str, code: int, number: int | None) -> None:
    output, label = shell(script)
    assert (output["exit_code"], output["signal"], label) == (code, number, "error")
    assert not output["timed_out"]


def test_environment_is_exact_and_input_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    output, _ = asyncio.run(
        shell_run.run(run(), command="/usr/bin/env", arguments=lambda: ["-0"], timeout_secs=5)
    )
    wanted = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
    assert set(output["stdout"].rstrip("\0").split("\0")) == wanted
    assert shell("cat; echo $?")[0]["stdout"] == "0\n"


def test_working_directory_is_inherited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shell("pwd -P")[0]["stdout"] == f"{tmp_path.resolve()}\n"


def test_argv0_is_as_declared(tmp_path: Path) -> None:
    """Programs with many names look at how they were called; the file that runs is the one behind the links."""
    link = tmp_path / "other-name"
    link.symlink_to("/bin/sh")
    output, _ = shell('tr "\\0" "\\n" < /proc/$$/cmdline | head -1; readlink /proc/$$/exe', at=str(link))
    assert output["stdout"].splitlines() == [str(link), SH]
    assert output["command"] == SH


def test_only_the_standard_descriptors_are_inherited() -> None:
    with Path("/etc/passwd").open() as file:
        os.set_inheritable(file.fileno(), True)
        output, _ = shell("ls -l /proc/$$/fd")
    assert "passwd" not in output["stdout"]


def test_output_that_is_not_utf8() -> None:
    assert shell("printf 'a\\377b'")[0]["stdout"] == "a\N{REPLACEMENT CHARACTER}b"
    assert shell("printf '\\360\\237\\230'")[0]["stdout"] == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(("size", "kept", "truncated"), [(65_536, 65_536, False), (65_537, 65_536, True)])
def test_streams_are_capped(size: int, kept: int, truncated: bool) -> None:
    for redirect, stream in (("", "stdout"), (">&2", "stderr")):
        output, label = shell(f"head -c {size} /dev/zero | tr '\\0' x {redirect}")
        assert (len(output[stream]), output["truncated"], label) == (kept, truncated, None)


def test_a_cut_character_is_replaced() -> None:
    output, _ = shell("printf x; yes é | head -n 40000 | tr -d '\\n'")
    assert output["truncated"] and output["stdout"][-1] == "\N{REPLACEMENT CHARACTER}"


def test_arguments_are_utf8_and_never_a_shell(tmp_path: Path) -> None:
    given = ["$HOME", "`id`", "; rm -rf /", "é→", "", "a\nb", "--"]
    echo = tmp_path / "show"
    echo.write_text(f"#!{SH}\nfor each; do printf '<%s>' \"$each\"; done\n")
    echo.chmod(0o755)
    output, label = asyncio.run(
        shell_run.run(run(), command=str(echo), arguments=lambda: given, timeout_secs=5)
    )
    assert label is None and output["stdout"] == "".join(f"<{each}>" for each in given)
    assert output["args"] == given


def test_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real program that starts others, and one of its failures."""
    monkeypatch.chdir(tmp_path)

    def git(*given: str) -> tuple[Any, str | None]:
        words = ["-c", "user.name=a", "-c", "user.email=a@b", *given]
        return asyncio.run(
            shell_run.run(run(), command="/usr/bin/git", arguments=lambda: words, timeout_secs=30)
        )

    assert git("init", "-q", ".")[1] is None
    (tmp_path / "é.txt").write_text("hello\n")
    assert git("add", ".")[1] is None
    assert git("commit", "-q", "-m", "Grüße")[1] is None
    assert git("log", "--format=%s")[0]["stdout"] == "Grüße\n"
    output, label = git("show", "nothing-there")
    assert label == "error" and output["exit_code"] == 128 and "nothing-there" in output["stderr"]


# --- order and refusals -------------------------------------------------------------------------------------------


def allowed(*commands: str) -> dict[str, Any]:
    return {"shell": {"commands": list(commands)}}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sh", "is not an absolute path"),
        ("", "is not an absolute path"),
        ("./sh", "is not an absolute path"),
        ("~/sh", "is not an absolute path"),
        ("/nowhere/at/all", "No such file or directory"),
        ("/bin/sh/", "Not a directory"),
        ("/bin/sh/..", "Not a directory"),
        ("/bin/\0sh", "null"),
        ("/" + "x" * 5000, "File name too long"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_command_that_cannot_be_found(name: str, reason: str, dry_run: bool) -> None:
    message = refused(name, dry_run=dry_run, policy={})  # before the policy, which would deny
    assert message.startswith("tool `shell_run` failed: ") and reason in message


def test_endless_link(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "a")
    assert "symbolic links" in refused(str(tmp_path / "a"))


@pytest.mark.parametrize(
    ("policy", "ok"),
    [
        (None, True),
        ({}, False),
        (allowed(), False),
        (allowed("*"), True),
        (allowed(SH), True),
        (allowed(f"{Path(SH).parent}/*"), True),
        (allowed("/nowhere/link"), False),  # the name of the link is not what is run
        (allowed("sh"), False),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_policy_on_the_resolved_path(
    tmp_path: Path, policy: dict[str, Any] | None, ok: bool, dry_run: bool
) -> None:
    link = tmp_path / "link"
    link.symlink_to("/bin/sh")
    asked: list[str] = []

    def arguments() -> list[str]:
        asked.append("arguments")
        return ["-c", "exit 0"]

    call = shell_run.run(run(policy, dry_run=dry_run), command=str(link), arguments=arguments, timeout_secs=5)
    if ok:
        output, label = asyncio.run(call)
        assert label is None
        if dry_run:
            assert output == {"args": ["-c", "exit 0"], "command": SH, "dry_run": True}
    else:
        with pytest.raises(PolicyError) as caught:
            asyncio.run(call)
        text = f'shell_run: shell_run of "{SH}" is not covered by [policy.shell] commands'
        assert caught.value.display == f"policy violation: {text}"
        assert not asked, "arguments are resolved after the policy"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("-l", "an array of strings, not string"),
        ({}, "an array of strings, not object"),
        (1, "an array of strings, not number"),
        (True, "an array of strings, not boolean"),
        (["a", None], "item 1 is not one: null"),
        ([["a"]], "item 0 is not one: array"),
        (["a", 2], "item 1 is not one: number"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_arguments_that_are_not_strings(value: Any, reason: str, dry_run: bool) -> None:
    assert reason in refused("/bin/sh", lambda: value, dry_run=dry_run)


@pytest.mark.parametrize("value", [None, []])
def test_no_arguments(value: Any) -> None:
    call = shell_run.run(run(), command="/bin/true", arguments=lambda: value, timeout_secs=5)
    output, label = asyncio.run(call)
    assert label is None and output["args"] == []


def test_start_that_fails(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    assert "Permission denied" in refused(str(plain))
    plain.chmod(0o755)
    assert "Exec format error" in refused(str(plain))
    assert "Permission denied" in refused(str(tmp_path))
    script = tmp_path / "script"
    script.write_text("#!/nowhere/at/all\n")
    script.chmod(0o755)
    assert "No such file or directory" in refused(str(script))
    assert "null" in refused("/bin/echo", lambda: ["hidden-value\0"])
    assert "hidden-value" not in refused("/bin/echo", lambda: ["hidden-value\0"])
    assert "Argument list too long" in refused("/bin/echo", lambda: ["x" * 3_000_000])


def test_no_descriptor_left_to_start_with() -> None:
    """An error of the node, and nothing is left; the asyncio of 3.11.2, not that of 3.11.7, keeps some pipes."""
    script = (
        "async def main():\n"
        "    for room in range(1, 9):\n"
        "        limit = len(os.listdir('/proc/self/fd')) - 1 + room\n"
        "        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, 4096))\n"
        "        try:\n"
        "            call = shell_run.run(run, command='/bin/true', arguments=lambda: None, timeout_secs=9)\n"
        "            print('ran', (await call)[0]['exit_code'])\n"
        "        except ToolError as error: print(error.reason)\n"
        "        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))\n"
        "        assert sys.version_info < (3, 11, 7) or limit == len(os.listdir('/proc/self/fd')) - 1 + room\n"
        "asyncio.run(main())\n"
    )
    lines = elsewhere(script).splitlines()
    assert "Too many open files" in lines[0] and lines[-1] == "ran 0"
    assert all("Too many open files" in each or each == "ran 0" for each in lines)


# --- children that misbehave --------------------------------------------------------------------------------------


def test_time_out_kills_the_group(tmp_path: Path) -> None:
    """The child and what it forked ignore every polite signal, and hold both pipes."""
    script = (
        f'trap "" TERM INT HUP; echo early; echo $$ > {tmp_path}/pids; '
        f'(trap "" TERM; echo $$ ; exec sleep 300) & echo $! >> {tmp_path}/pids; '
        "sleep 300; echo late"
    )
    started = time.monotonic()
    output, label = shell(script, seconds=1)
    assert 0.9 < time.monotonic() - started < 250
    assert label == "error"
    assert (output["exit_code"], output["signal"], output["timed_out"]) == (-1, 9, True)
    assert output["stdout"].startswith("early\n") and "late" not in output["stdout"]
    pids = [int(each) for each in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2 and all(gone(pid) for pid in pids)


def test_zero_counts_as_one_second() -> None:
    started = time.monotonic()
    assert shell("sleep 30", seconds=0)[0]["timed_out"]
    assert 0.9 < time.monotonic() - started < 25


def test_endless_time_out() -> None:
    assert shell("exit 0", seconds=2**63 - 1)[1] is None


def test_flood_on_both_pipes(tmp_path: Path) -> None:
    script = f"(echo $! ; yes out) & echo $! > {tmp_path}/pid; yes err >&2"
    output, _ = shell(script, seconds=1)
    assert output["timed_out"] and output["truncated"]
    assert len(output["stdout"]) == len(output["stderr"]) == 65_536
    assert gone(int((tmp_path / "pid").read_text()))


def test_flood_that_ends_by_itself() -> None:
    """A child that writes more than a pipe holds is never blocked."""
    output, label = shell("head -c 5000000 /dev/zero >&2; head -c 5000000 /dev/zero; exit 0")
    assert label is None and output["truncated"] and not output["timed_out"]


def test_pipe_held_open_after_the_end(tmp_path: Path) -> None:
    started = time.monotonic()
    output, label = shell(f"sleep 300 & echo $! > {tmp_path}/pid; echo done", seconds=60)
    assert time.monotonic() - started < 30
    assert label is None and output["stdout"] == "done\n" and not output["timed_out"]
    assert gone(int((tmp_path / "pid").read_text()))


def test_pipe_held_open_from_another_session(tmp_path: Path) -> None:
    """It cannot be reached; it is not waited for either, and its pipe is closed."""
    started = time.monotonic()
    output, label = shell(f"setsid sleep 300 & echo $! > {tmp_path}/pid; echo done", seconds=60)
    assert time.monotonic() - started < 30
    assert label is None and output["stdout"] == "done\n"
    pid = int((tmp_path / "pid").read_text())
    assert alive(pid)
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)


def test_late_output_of_a_descendant_is_kept() -> None:
    output, _ = shell("(sleep 0.2; echo late) & echo early")
    assert output["stdout"] == "early\nlate\n"


def test_background_process_that_let_go_is_left_alone(tmp_path: Path) -> None:
    shell(f"sleep 300 > /dev/null 2>&1 & echo $! > {tmp_path}/pid")
    pid = int((tmp_path / "pid").read_text())
    assert alive(pid)
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)


def test_closed_pipes_are_not_the_end() -> None:
    output, label = shell("exec > /dev/null 2>&1; sleep 0.3; exit 7")
    assert (output["exit_code"], label) == (7, "error")
    assert output["duration_ms"] >= 290


def test_stopped_child_is_killed() -> None:
    output, _ = shell("kill -STOP $$", seconds=1)
    assert output["timed_out"] and output["signal"] == 9


@pytest.mark.parametrize("after", [0.0, 0.3])
def test_cancellation_kills_the_group(tmp_path: Path, after: float) -> None:
    script = f'trap "" TERM; echo $$ > {tmp_path}/pids; sleep 300 & echo $! >> {tmp_path}/pids; wait'

    async def main() -> None:
        call = shell_run.run(run(), command="/bin/sh", arguments=lambda: ["-c", script], timeout_secs=60)
        task = asyncio.ensure_future(call)
        await asyncio.sleep(0)
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 30
    pids = (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else []
    assert len(pids) == 2 or after == 0
    assert all(gone(int(pid)) for pid in pids)


def test_many_at_once() -> None:
    async def main() -> list[Any]:
        def one(number: int) -> Any:
            script = f"echo {number}; exit {number % 3}"
            return shell_run.run(run(), command="/bin/sh", arguments=lambda: ["-c", script], timeout_secs=30)

        return await asyncio.gather(*(one(number) for number in range(40)))

    for number, (output, label) in enumerate(asyncio.run(main())):
        assert output["stdout"] == f"{number}\n" and output["exit_code"] == number % 3
        assert label == ("error" if number % 3 else None)


@pytest.mark.parametrize("error", [OSError("no such call"), AttributeError("pidfd_open")])
def test_without_descriptors_of_processes(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Old kernels, sandboxes and other systems: the end is noticed by asking."""

    def refuse(pid: int) -> int:
        raise error

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert shell("sleep 0.1; exit 4")[0]["exit_code"] == 4
    assert shell("sleep 30", seconds=1)[0]["signal"] == 9
    monkeypatch.delattr(os, "waitid")
    assert shell("sleep 0.1; exit 4")[0]["exit_code"] == 4


def test_statuses_are_kept_where_the_parent_ignores_children() -> None:
    """SIGCHLD ignored by whoever started the app: a failing command must not look like one that succeeded."""
    script = (
        "call = shell_run.run(run, command='/bin/sh', arguments=lambda: ['-c', 'exit 3'], timeout_secs=9)\n"
        "print(asyncio.run(call)[0]['exit_code'])\n"
    )
    assert elsewhere(script, lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)) == "3\n"


def test_plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frozen app must not hand its own libraries to the programs it starts."""
    ours = {"A": "1", "LD_LIBRARY_PATH": "/tmp/_MEI", "LD_LIBRARY_PATH_ORIG": "/opt/lib"}
    assert command.plain_environment(ours) == ours
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert command.plain_environment(ours) == {"A": "1", "LD_LIBRARY_PATH": "/opt/lib"}
    assert command.plain_environment({"A": "1", "LD_LIBRARY_PATH": "/tmp/_MEI"}) == {"A": "1"}
