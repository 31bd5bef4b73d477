"""`[signing.files]`: a signature covers what the workflow names (spec 02 §7.2), with openssl and sha256sum."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from command import agentdc, app, codes

from agentdc.driver.sources import Disk, Once

MAIN = """\
name = "shop"
start_nodes = [{ name = "go", source = "manual" }]
nodes = [{ id = "price", type = "call", workflow = "flows/price.toml" }]
"""
PRICE = """\
name = "price"
start_nodes = [{ name = "go", source = "manual" }]
nodes = [{ id = "tax", type = "call", workflow = "flows/tax.toml" }]
"""
TAX = """\
name = "tax"
start_nodes = [{ name = "go", source = "manual" }]
nodes = [{ id = "say", type = "template_render", template = "19 %" }]
"""


def run(*words: str, cwd: Path) -> str:
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """A folder with a workflow, its child and grandchild; digests by sha256sum, the signature by openssl."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "price.toml").write_text(PRICE)
    (tmp_path / "flows" / "tax.toml").write_text(TAX)
    lines = run("sha256sum", "flows/price.toml", "flows/tax.toml", cwd=tmp_path).splitlines()
    table = "".join(f'"{name}" = "{digest}"\n' for digest, name in map(str.split, lines))
    block = '\n[signing]\nrequired = true\npublic_key_file = "ops.pub"\n[signing.files]\n'
    (tmp_path / "w.toml").write_text(MAIN + block + table)
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "ops.pem", cwd=tmp_path)
    run("openssl", "pkey", "-in", "ops.pem", "-pubout", "-out", "ops.pub", cwd=tmp_path)
    command = "openssl pkeyutl -sign -rawin -inkey ops.pem -in w.toml -out raw"
    run(*command.split(), cwd=tmp_path)
    (tmp_path / "w.toml.sig").write_bytes(b64encode((tmp_path / "raw").read_bytes()))
    return tmp_path


def test_what_was_signed_builds_and_runs(signed: Path) -> None:
    assert agentdc("check", "w.toml", cwd=signed).returncode == 0
    assert agentdc("build", "w.toml", "-o", "app/", cwd=signed).returncode == 0
    done = app(signed / "app", cwd=signed)
    assert done.returncode == 0, done.stderr
    assert agentdc("run", "w.toml", cwd=signed).returncode == 0


@pytest.mark.parametrize("name", ["price.toml", "tax.toml"])
@pytest.mark.parametrize("command", [["check"], ["build", "-o", "app/"], ["run"]])
def test_a_child_that_was_changed_is_refused_everywhere(signed: Path, name: str, command: list[str]) -> None:
    with (signed / "flows" / name).open("a") as file:
        file.write("# changed\n")
    verb, *more = command
    done = agentdc(verb, "w.toml", *more, cwd=signed)
    assert done.returncode == 5
    assert codes(done.stdout + done.stderr).count("file_not_signed") == 1
    assert f'"flows/{name}" is not the file that was signed' in done.stdout + done.stderr
    assert not (signed / "app").exists()


def test_it_cannot_be_allowed(signed: Path) -> None:
    (signed / "flows" / "tax.toml").write_text(TAX.replace("19", "7"))
    done = agentdc("check", "w.toml", "--allow", "file_not_signed", cwd=signed)
    assert done.returncode == 5


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """So what was compared is what is compiled, though somebody writes in between."""
    file = tmp_path / "flow.toml"
    file.write_text("one")
    files = Once(Disk())
    assert files.read(str(file)) == b"one"
    file.write_text("two")
    assert files.read(str(file)) == b"one"
    with pytest.raises(FileNotFoundError):
        files.read(str(tmp_path / "other"))
    (tmp_path / "other").write_text("there by now")
    assert files.read(str(tmp_path / "other")) == b"there by now"
