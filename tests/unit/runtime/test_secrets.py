"""The registry and its sources with real files and commands; no value in any error (spec 02 §6)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentdc_runtime.errors import AgentError, ConfigError
from agentdc_runtime.jsontext import compact
from agentdc_runtime.secrets import command
from agentdc_runtime.secrets.errors import SecretError
from agentdc_runtime.secrets.registry import Registry

SH = "/bin/sh"
ROOT = Path(command.__file__).parents[2]
VALUE = "hunter2-hunter2"


def registry(*specs: dict[str, Any], environ: dict[str, str] | None = None) -> Registry:
    return Registry(specs, environ or {}, lambda _level, _event, _fields: None)


def resolved(secrets: Registry, name: str = "key") -> str:
    return asyncio.run(secrets.resolve(name))


def failure(secrets: Registry, name: str = "key") -> str:
    with pytest.raises(SecretError) as caught:
        resolved(secrets, name)
    error = caught.value
    assert VALUE not in error.display + repr(error) + repr(error.__cause__)
    assert error.__suppress_context__ or error.__context__ is None
    assert error.reason.startswith(f"secret `{name}`: ")
    return error.cause


def env(name: str = "key", var: str = "VAR") -> dict[str, Any]:
    return {"name": name, "source": "env", "var": var}


def file(path: Path | str, **more: Any) -> dict[str, Any]:
    return {"name": "key", "source": "file", "path": str(path), "trim": True, **more}


def prints(script: str, name: str = "key") -> dict[str, Any]:
    return {"name": name, "source": "command", "argv": [SH, "-c", script]}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    asyncio.run(asyncio.sleep(0))
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before, had = descriptors(), children.read_text()
    yield
    assert descriptors() == before
    assert children.read_text() == had


# --- names and the environment ------------------------------------------------------------------------------------


def test_declared_wins_over_the_environment() -> None:
    environ = {"key": "of the environment", "VAR": " as it is\n"}
    assert resolved(registry(env(), environ=environ)) == " as it is\n"
    assert resolved(registry(environ=environ)) == "of the environment"
    assert failure(registry(env(), environ={"key": "x"})) == "the environment variable VAR is not set"


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "the environment variable VAR is not set"),
        ("", "the environment variable VAR is blank"),
        (" \t\n", "the environment variable VAR is blank"),
        ("\udcff" + VALUE, "the environment variable VAR is not UTF-8 text"),
    ],
)
def test_environment_without_a_value(value: str | None, cause: str) -> None:
    environ = {} if value is None else {"VAR": value}
    assert failure(registry(env(), environ=environ)) == cause
    assert failure(registry(environ=environ), "VAR") == cause


def test_environment_is_read_at_each_use() -> None:
    environ = {"VAR": "one"}
    secrets = registry(env(), environ=environ)
    assert resolved(secrets) == "one"
    environ["VAR"] = "two"
    assert resolved(secrets) == "two"


# --- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "trim", "value"),
    [
        (b"abc\n", True, "abc"),
        (b"  a b \r\n\t\n", True, "  a b"),
        ("é\u00a0\u2028".encode(), True, "é"),
        (b"abc\n", False, "abc\n"),
        (b" \n", False, " \n"),
        (b"x" * (1 << 20), True, "x" * (1 << 20)),
    ],
)
def test_file(tmp_path: Path, data: bytes, trim: bool, value: str) -> None:
    (tmp_path / "s").write_bytes(data)
    assert resolved(registry(file(tmp_path / "s", trim=trim))) == value


def test_file_is_read_at_each_use(tmp_path: Path) -> None:
    """Also when it is a link that is turned to another file, as orchestrators do."""
    (tmp_path / "one").write_text("first")
    (tmp_path / "two").write_text("second")
    (tmp_path / "s").symlink_to("one")
    secrets = registry(file(tmp_path / "s"))
    assert resolved(secrets) == "first"
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(tmp_path / "s")
    assert resolved(secrets) == "second"
    (tmp_path / "s").unlink()
    assert "No such file" in failure(secrets)


@pytest.mark.parametrize(
    ("data", "trim", "cause"),
    [
        (b"", True, "is empty"),
        (b"", False, "is empty"),
        (b" \n", True, "is empty"),
        (VALUE.encode() + b"\xff", True, "is not UTF-8 text"),
        (VALUE.encode() * 80_000, True, "is larger than 1 MiB"),
    ],
)
def test_file_without_a_value(tmp_path: Path, data: bytes, trim: bool, cause: str) -> None:
    (tmp_path / "s").write_bytes(data)
    assert failure(registry(file(tmp_path / "s", trim=trim))) == f"{tmp_path}/s {cause}"


def test_places_that_are_no_files(tmp_path: Path) -> None:
    """None of them blocks."""
    os.mkfifo(tmp_path / "pipe")
    assert "is empty" in failure(registry(file(tmp_path / "pipe")))
    assert "Is a directory" in failure(registry(file(tmp_path)))
    assert "larger than 1 MiB" in failure(registry(file("/dev/zero")))
    assert "is empty" in failure(registry(file("/dev/null")))
    assert "null" in failure(registry(file("a\0b")))


# --- commands -----------------------------------------------------------------------------------------------------


def test_command_inherits_the_environment_and_is_run_once(tmp_path: Path) -> None:
    script = f'echo run >> {tmp_path}/runs; printf "%s \\n\\n" "$MINE"; echo noise >&2'
    secrets = registry(prints(script), environ={**os.environ, "MINE": "  value of mine"})
    assert resolved(secrets) == "  value of mine"
    assert resolved(secrets) == "  value of mine"
    assert (tmp_path / "runs").read_text() == "run\n"


def test_command_is_looked_up_on_path(tmp_path: Path) -> None:
    tool = tmp_path / "give-secret"
    tool.write_text(f'#!{SH}\necho "$1"\n')
    tool.chmod(0o755)
    spec = {"name": "key", "source": "command", "argv": ["give-secret", "a b; $HOME"]}
    assert resolved(registry(spec, environ={"PATH": str(tmp_path)})) == "a b; $HOME"
    assert "No such file" in failure(registry(spec, environ={"PATH": "/nowhere"}))


def test_command_has_no_input() -> None:
    assert resolved(registry(prints("cat; echo end"), environ=dict(os.environ))) == "end"


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("exit 0", "the command printed nothing"),
        ("echo; echo", "the command printed nothing"),
        (f"echo {VALUE}; echo {VALUE} >&2; exit 3", "the command ended with exit code 3"),
        (f"echo {VALUE}; kill -KILL $$", "the command was ended by signal 9"),
        (f"printf '{VALUE}\\377'", "the command printed something that is not UTF-8 text"),
        (f"yes {VALUE}", "the command printed more than 1 MiB"),
        ("head -c 1048577 /dev/zero", "the command printed more than 1 MiB"),
    ],
)
def test_command_without_a_value(script: str, cause: str) -> None:
    started = time.monotonic()
    assert failure(registry(prints(script), environ=dict(os.environ))) == cause
    assert time.monotonic() - started < 25


def test_failures_of_a_command_are_not_kept(tmp_path: Path) -> None:
    secrets = registry(prints(f"cat {tmp_path}/s"), environ=dict(os.environ))
    assert "exit code 1" in failure(secrets)
    (tmp_path / "s").write_text("there")
    assert resolved(secrets) == "there"


def test_command_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "TIMEOUT", 0.5)
    script = f'trap "" TERM; echo {VALUE}; sleep 300 & echo $! > {tmp_path}/pid; wait'
    assert (
        failure(registry(prints(script), environ=dict(os.environ))) == "the command did not end within 0.5 s"
    )
    pid = int((tmp_path / "pid").read_text())
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            break
        time.sleep(0.01)
    else:
        pytest.fail("the command's child is still there")


def test_command_is_run_once_for_many_at_once(tmp_path: Path) -> None:
    secrets = registry(prints(f"echo run >> {tmp_path}/runs; echo v"), environ=dict(os.environ))

    async def main() -> list[str]:
        return await asyncio.gather(*(secrets.resolve("key") for _ in range(20)))

    assert asyncio.run(main()) == ["v"] * 20
    assert (tmp_path / "runs").read_text() == "run\n"


# --- probe, unknown sources ---------------------------------------------------------------------------------------


def test_probe_in_declaration_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    specs = [prints(f"echo {each} >> {log}; echo v", each) for each in ("b", "a")]
    bad = {**env("c"), "var": "MISSING"}
    secrets = registry(*specs, bad, prints(f"echo d >> {log}; echo v", "d"), environ=dict(os.environ))
    with pytest.raises(ConfigError) as caught:
        asyncio.run(secrets.probe())
    assert caught.value.reason == "[[secrets]]: secret `c`: the environment variable MISSING is not set"
    assert log.read_text() == "b\na\n"
    asyncio.run(registry(*specs, environ=dict(os.environ)).probe())
    assert log.read_text() == "b\na\nb\na\n"


@pytest.mark.parametrize("source", ["oauth2", "keyring", "vault"])
def test_sources_that_are_not_linked(source: str) -> None:
    spec = {"name": "key", "source": source, "client_id_env": "a", "client_secret_env": "b"}
    with pytest.raises(AgentError) as caught:
        registry(spec)
    assert caught.value.reason == f"secret `key`: this app was built without the source {source}"


def test_a_secret_that_needs_itself() -> None:
    def token(name: str, client: str) -> dict[str, Any]:
        return {"name": name, "source": "oauth2", "client_id_env": "ID", "client_secret_env": client}

    for specs in ([token("a", "a")], [token("a", "b"), token("b", "a")], [token("x", "a"), token("a", "a")]):
        with pytest.raises(SecretError, match="it needs its own value"):
            Registry(specs, {}, lambda _level, _event, _fields: None, oauth2=lambda *_: pytest.fail("asked"))


def test_plain_sources_do_not_need_an_http_client() -> None:
    script = (
        "import asyncio, sys\n"
        "from agentdc_runtime.secrets.registry import Registry\n"
        "import os\n"
        "specs = [{'name': 'a', 'source': 'env', 'var': 'HOME'},\n"
        "         {'name': 'b', 'source': 'command', 'argv': ['id']}]\n"
        "asyncio.run(Registry(specs, os.environ, print).probe())\n"
        "assert not {'httpx', 'agentdc_runtime.net', 'agentdc_runtime.secrets.oauth2'} & sys.modules.keys()\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environ)


# --- hiding -------------------------------------------------------------------------------------------------------


def known(*values: str) -> Registry:
    environ = {f"V{number}": value for number, value in enumerate(values)}
    secrets = registry(environ=environ)
    for name in environ:
        resolved(secrets, name)
    return secrets


@pytest.mark.parametrize(
    ("values", "text", "shown"),
    [
        (["12345678"], "a 12345678 b 12345678", "a <redacted> b <redacted>"),
        (["1234567"], "1234567", "1234567"),
        (["12345678", "12345678-more"], "12345678-more", "<redacted>"),
        (["line-one\nline-two\nx\n"], "line-two, x and line-one", "<redacted>, x and <redacted>"),
        (["  padded-value "], "(padded-value)", "(<redacted>)"),
        (['quo"ted\\value'], compact({"a": 'quo"ted\\value'}), '{"a":"<redacted>"}'),
        (["tab\tand\nnewline"], compact(["tab\tand\nnewline"]), '["<redacted>"]'),
        (["schlüssel-wert"], json.dumps("schlüssel-wert", ensure_ascii=False), '"<redacted>"'),
        (["a.*b[c]+d"], "a.*b[c]+d axxbcd", "<redacted> axxbcd"),
        ([], "anything", "anything"),
    ],
)
def test_scrub(values: list[str], text: str, shown: str) -> None:
    secrets = known(*values)
    assert secrets.scrub(text) == shown
    assert secrets.scrub(shown) == shown


def test_only_what_was_resolved_is_known() -> None:
    environ = {"VAR": "first-value", "OTHER": "never-asked", "SHORT": "short"}
    secrets = registry(env(), environ=environ)
    assert secrets.known_values() == set()
    resolved(secrets)
    resolved(secrets, "SHORT")
    assert secrets.known_values() == {"first-value"}
    environ["VAR"] = "second-value"
    resolved(secrets)
    assert secrets.scrub("first-value second-value never-asked") == "<redacted> <redacted> never-asked"


def test_what_is_remembered_is_bounded() -> None:
    environ = {"VAR": ""}
    secrets = registry(env(), environ=environ)
    for number in range(100):
        environ["VAR"] = f"value-number-{number:03}"
        resolved(secrets)
    assert len(secrets.known_values()) == 8
    assert secrets.scrub("value-number-099 value-number-000") == "<redacted> value-number-000"
