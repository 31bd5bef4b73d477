"""What a build leaves behind: three forms of one app that act alike, and nothing that was not asked for."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest
from command import AGENTDC, Done, agentdc, app, codes, environment, make, powerless, run, tree
from command import here as in_process

from agentdc.driver.build import Format
from agentdc.freeze.preflight import inspect_host, preflight

CAN_FREEZE = not preflight(inspect_host())
WORKFLOW = """\
name = "forms"

[[start_nodes]]
name = "main"
source = "manual"
entry_node = "known"

[[start_nodes]]
name = "read"
source = "manual"
entry_node = "load"

[[nodes]]
id = "known"
type = "condition"
expr = "trigger.name"

[[nodes]]
id = "hello"
type = "template_render"
input_from = "trigger"
template = "Grüße, {{name}} \\U0001F600 {{n}}"

[[nodes]]
id = "nobody"
type = "fail"
reason = "nobody"

[[nodes]]
id = "load"
type = "read_file"
path_from = "trigger.path"

[[edges]]
from = "known"
to = "hello"
when = "true"

[[edges]]
from = "known"
to = "nobody"
when = "false"

[policy.fs]
read = ["/etc/hostname", "/nowhere/**"]
"""
FORMS = ("dir", "pyz", "run", pytest.param("binary", marks=pytest.mark.freeze))
Make = Callable[[str], Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """The app in one of its forms, built once."""
    done: dict[str, Path] = {}

    def form(name: str) -> Path:
        if name not in done:
            if name == "binary" and not CAN_FREEZE:
                pytest.skip("this host cannot freeze")
            done[name] = make(WORKFLOW, tmp_path_factory.mktemp(name), form=Format(name))
        return done[name]

    return form


def start(form: str, made: Make, *words: str, cwd: Path, input: str = "") -> Done:
    if form != "run":
        return app(made(form), *words, cwd=cwd, input=input, AGENTD_QUIET="1")
    source = made("dir").parent / "workflow.toml"
    variables = {"AGENTD_QUIET": "1", "XDG_CACHE_HOME": str(source.parent / "cache")}
    return agentdc("run", source, *words, cwd=cwd, input=input, **variables)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "w.toml").write_text(WORKFLOW)
    return tmp_path


@pytest.fixture
def cli(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    monkeypatch.chdir(here)
    return lambda *words: in_process(*words, capsys=capsys)


# --- the forms act alike

OUTCOMES: tuple[tuple[tuple[str, ...], str, int, str], ...] = (
    (("--start", "main"), '{"name": "Ada", "n": 1e16}', 0, "Grüße, Ada \U0001f600 1e16"),
    (("--start", "main"), '{"name": [1, {"b": null, "a": 1.0}]}', 0, 'Grüße, [1,{\\"a\\":1.0,\\"b\\":null}]'),
    (("--start", "main"), "{}", 5, "nobody"),
    (("--start", "main"), "no JSON", 5, "nobody"),
    (("--start", "read"), '{"path": "/etc/passwd"}', 5, "policy violation: "),
    (("--start", "read"), '{"path": "/nowhere/x"}', 5, "No such file or directory"),
    (("--start", "other"), "{}", 5, "unknown start node `other`"),
    ((), "{}", 2, "2 manual of 2 start nodes"),
    (("--bogus",), "", 2, "unknown argument `--bogus`"),
    (("--validate-only",), "", 0, '"ok": true'),
    (("--version",), "", 0, ""),
)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form: str, made: Make, tmp_path: Path) -> None:
    for words, given, status, said in OUTCOMES:
        flags = (*words, "--input", "-") if given else words
        done = start(form, made, *flags, cwd=tmp_path, input=given)
        reference = start("dir", made, *flags, cwd=tmp_path, input=given)
        assert (done.returncode, done.stdout) == (status, reference.stdout)
        # The help behind a usage error names the program.
        renamed = done.stderr.replace("app.pyz:", "app:").replace("binary:", "app:")
        assert renamed == reference.stderr or status == 2
        assert said in done.stdout + done.stderr, (words, given)
    assert not list(tmp_path.iterdir()) or form == "run"


@pytest.mark.parametrize("form", FORMS)
def test_the_manifest_is_the_same_in_every_form(form: str, made: Make, tmp_path: Path) -> None:
    done = start(form, made, "--manifest", cwd=tmp_path)
    packed = (made("dir") / "forms/manifest.json").read_bytes()
    assert (done.returncode, done.stdout.encode()) == (0, packed)
    assert packed == tree(made("dir"))["forms/manifest.json"]


def test_what_the_manifest_says(made: Make) -> None:
    root = made("dir")
    manifest = json.loads((root / "forms/manifest.json").read_text())
    assert manifest["name"] == "forms"
    assert manifest["workflow"] == {"file": "workflow.toml", "sha256": sha256(WORKFLOW.encode()).hexdigest()}
    assert (root / "forms/workflow.toml").read_text() == WORKFLOW
    assert manifest["capabilities"] == {"fs.read": [{"from": "trigger.path", "node": "load"}]}
    assert (manifest["dependencies"], manifest["signed_by"]) == ([], None)
    modules = manifest["modules"]
    assert list(modules) == sorted(modules)
    shipped = {
        each.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for each in tree(root)
        if each.startswith("agentdc_runtime/") and each.endswith(".py")
    }
    assert set(modules) == shipped
    for module, digest in modules.items():
        path = root / module.replace(".", "/")
        text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_bytes()
        assert sha256(text).hexdigest() == digest, module
    operands = json.loads((root / "forms/operands.json").read_text())
    assert operands["program_sha256"] == manifest["program_sha256"]
    assert operands["policy"]["fs"]["read"] == ["/etc/hostname", "/nowhere/**"]


@pytest.mark.freeze
@pytest.mark.skipif(not CAN_FREEZE, reason="this host cannot freeze")
def test_a_binary_needs_nothing_around_it(made: Make, tmp_path: Path) -> None:
    binary = shutil.copy2(made("binary"), tmp_path / "agent")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "json.py").write_text("raise SystemExit('the working directory got in')")
    command = ["/usr/bin/env", "-i", binary, "--start", "main", "--input", "-"]
    done = run(command, cwd=tmp_path / "elsewhere", env={"PATH": "/nonexistent"}, input='{"name": "Ada"}')
    assert (done.returncode, json.loads(done.stdout)["status"], done.stderr) == (0, "completed", "")


def test_a_zipapp_starts_by_itself_where_there_is_a_python(made: Make, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
    env = environment(tmp_path, PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    done = run([made("pyz"), "--validate-only"], cwd=tmp_path, env=env)
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)


def test_a_read_only_place_is_enough(made: Make, tmp_path: Path) -> None:
    root = shutil.copytree(made("dir"), tmp_path / "app")
    for each in (root, *root.rglob("*")):
        each.chmod(0o555 if each.is_dir() else 0o444)
    command = [*powerless(), sys.executable, "-I", "-S", str(root), "--start", "main", "--input", "-"]
    done = run(command, cwd=tmp_path, input='{"name": "Ada"}')
    for each in root.rglob("*"):
        each.chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_project_can_be_installed(made: Make, tmp_path: Path) -> None:
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed, and tests fetch nothing")
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    where = Path(str(find_spec("hatchling").origin)).parents[1]  # type: ignore[union-attr]
    words = ("install", "--no-index", "--no-build-isolation", "--no-deps", str(made("dir")))
    command = [sys.executable, "-m", "pip", "--python", str(python), *words]
    done = run(command, cwd=tmp_path, env=environment(tmp_path, PYTHONPATH=str(where)))
    assert done.returncode == 0, done.stderr
    installed = str(tmp_path / "venv" / "bin" / "forms")
    done = run([installed, "--start", "main", "--input", "-"], cwd=tmp_path, input='{"name": "Ada"}')
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "completed")


def test_the_project_says_how_it_is_installed(made: Make) -> None:
    """Without hatchling at hand: what its configuration names is there."""
    import tomllib

    root = made("dir")
    project = tomllib.loads((root / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"forms": "forms.main:main"}
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert (root / package / "__init__.py").is_file()


# --- twice the same bytes

REPEAT = f"{AGENTDC[0]} build w.toml -o out/app/ && {AGENTDC[0]} build w.toml -o out/app.pyz"


@pytest.mark.parametrize(
    "more", ["", pytest.param(f" && {AGENTDC[0]} build w.toml -o out/agent", marks=pytest.mark.freeze)]
)
def test_two_builds_are_the_same_to_the_byte(tmp_path: Path, more: str) -> None:
    outputs = []
    for seed, name in (("1", "one"), ("77", "another folder/with a longer name")):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "w.toml").write_text(WORKFLOW)
        env = environment(folder, PYTHONHASHSEED=seed, TZ="Asia/Tokyo" if seed == "1" else "UTC", LC_ALL="C")
        done = run(["/bin/sh", "-c", REPEAT + more], cwd=folder, env=env)
        assert done.returncode == 0, done.stderr
        outputs.append(tree(folder / "out"))
    assert outputs[0].keys() == outputs[1].keys()
    assert [name for name in outputs[0] if outputs[0][name] != outputs[1][name]] == []
    assert len(outputs[0]) > 20
    for content in outputs[0].values():
        assert str(tmp_path).encode() not in (content or b"")


# --- what stands in the way


@pytest.mark.parametrize("output", ["app/", "app.pyz", pytest.param("agent", marks=pytest.mark.freeze)])
def test_an_own_output_is_replaced(here: Path, cli: Callable[..., Done], output: str) -> None:
    assert cli("build", "w.toml", "-o", output).returncode == 0
    path = here / output
    before = tree(path) if path.is_dir() else {"": path.read_bytes()}
    (here / "w.toml").write_text(WORKFLOW.replace("Grüße", "Salut").replace('"forms"', '"renamed"'))
    assert cli("build", "w.toml", "-o", output).returncode == 0
    after = tree(path) if path.is_dir() else {"": path.read_bytes()}
    assert after != before
    assert not any(name.startswith("forms") for name in after)
    assert sorted(each.name for each in here.iterdir()) == sorted([path.name, "w.toml"])


@pytest.mark.parametrize(
    ("output", "layout"),
    [
        ("notes/", {"notes/a.txt": "mine"}),
        ("web/", {"web/public/manifest.json": '{"name": "of the web"}'}),
        ("deploy", {"deploy": "#!/bin/sh\nexit 0\n"}),
        ("tool", {"tool": "\x7fELF not ours"}),
        ("notes.pyz", {"notes.pyz": "mine"}),
    ],
)
def test_what_is_not_ours_stays(
    here: Path, cli: Callable[..., Done], output: str, layout: dict[str, str]
) -> None:
    for name, content in layout.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(content)
    before = tree(here)
    done = cli("build", "w.toml", "-o", output)
    assert (done.returncode, done.stdout, codes(done.stderr)) == (2, "", ["output_exists"])
    assert "pass --force to replace it" in done.stderr
    assert tree(here) == before
    form = ("--format", "pyz") if (here / output).is_file() else ()
    assert cli("build", "w.toml", "-o", output, "--force", *form).returncode == 0
    for name, content in layout.items():
        assert not (here / name).exists() or (here / name).read_bytes() != content.encode()
    assert sorted(each.name for each in here.iterdir()) == sorted(["w.toml", Path(output).name])


def test_force_does_not_take_the_workflow_along(here: Path, cli: Callable[..., Done]) -> None:
    before = tree(here)
    for words in (("w.toml", "--format", "pyz"), ("./",), ("../",), ("/",), ("/dev/null", "--format", "pyz")):
        done = cli("build", "w.toml", "-o", *words, "--force")
        assert (done.returncode, codes(done.stderr)) == (2, ["output_exists"]), words
        assert "--force" not in done.stderr
    assert tree(here) == before
    assert not Path("/dev/null").is_file()


def test_a_link_to_a_directory_is_kept(here: Path, cli: Callable[..., Done]) -> None:
    (here / "real").mkdir()
    (here / "link").symlink_to("real")
    for _ in range(2):
        assert cli("build", "w.toml", "-o", "link/").returncode == 0
    assert (here / "link").is_symlink()
    assert (here / "real" / "__main__.py").is_file()
    assert sorted(each.name for each in here.iterdir()) == ["link", "real", "w.toml"]


# --- what cannot be written


@pytest.mark.parametrize("output", ["w.toml/app/", "w.toml/app.pyz", "w.toml/agent", "x" * 300, "/proc/x/"])
def test_places_that_cannot_be(here: Path, cli: Callable[..., Done], output: str) -> None:
    before = tree(here)
    done = cli("build", "w.toml", "-o", output)
    assert (done.returncode, done.stdout, codes(done.stderr)) == (2, "", ["output_unwritable"])
    assert tree(here) == before


@pytest.mark.parametrize("output", ["closed/app/", "closed/app.pyz", "closed/agent"])
def test_a_folder_without_permission(here: Path, output: str) -> None:
    (here / "closed").mkdir(mode=0o555)
    done = run([*powerless(), *AGENTDC, "build", "w.toml", "-o", output], cwd=here)
    assert (done.returncode, done.stdout, codes(done.stderr)) == (2, "", ["output_unwritable"])
    assert "ermission denied" in done.stderr
    assert list((here / "closed").iterdir()) == []


# In a mount namespace of its own, which goes with the process.
FULL_DISK = """
mkdir disk && mount -t tmpfs -o size=64k,nr_inodes=200 tmpfs disk || exit 77
echo kept > disk/kept
for output in disk/app/ disk/app.pyz; do $AGENTDC build w.toml -o $output; echo "status $?"; done
ls -A disk
"""


def test_a_full_disk(here: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root can mount a small disk, and unshare is needed")
    env = environment(here, AGENTDC=AGENTDC[0])
    done = run(["unshare", "--mount", "/bin/sh", "-c", FULL_DISK], cwd=here, env=env)
    if done.returncode == 77 or done.stderr.startswith("unshare: "):
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["status 2", "status 2", "kept"]
    assert codes(done.stderr) == ["output_unwritable", "output_unwritable"]
    assert done.stderr.count("No space left on device") == 2


def test_a_killed_build_leaves_no_output(here: Path, cli: Callable[..., Done]) -> None:
    """SIGKILL at many moments: the output is the former one or the new one, and never half of either."""
    assert cli("build", "w.toml", "-o", "app/").returncode == 0
    former = tree(here / "app")
    (here / "w.toml").write_text(WORKFLOW.replace("Grüße", "Salut"))
    assert cli("build", "w.toml", "-o", "new/").returncode == 0
    new = tree(here / "new")
    assert former.keys() == new.keys()
    for step in range(6):
        command = [*AGENTDC, "build", "w.toml", "-o", "app/"]
        with subprocess.Popen(command, cwd=here, env=environment(here), stderr=-1) as process:
            time.sleep(0.35 + step * 0.06)
            process.send_signal(signal.SIGKILL)
        assert tree(here / "app") in (former, new)
    assert agentdc("build", "w.toml", "-o", "app/", cwd=here).returncode == 0
    assert tree(here / "app") == new
