"""`agentdc diff` between real things: builds, revisions of git repositories, and what is none of them."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from command import GREET, Done, agentdc, codes, environment, make, run

from agentdc.driver.build import Format
from agentdc.freeze.preflight import inspect_host, preflight

HTTP = """\
name = "orders"

[[start_nodes]]
name = "go"
source = "manual"

[[nodes]]
id = "send"
type = "call"
workflow = "child.toml"

[policy.http]
urls = ["https://shop.example/orders/*"]
"""
CHILD = """\
name = "child"

[[start_nodes]]
name = "go"
source = "manual"

[[nodes]]
id = "post"
type = "http_request"
method = "POST"
url_from = "trigger.url"
"""
WIDER = HTTP.replace("/orders/*", "/*")
NOTHING = "no capability changed\n"


def verdicts(done: Done) -> list[str]:
    """The first word of each difference of a text report."""
    return re.findall(r"^(widened|added|changed|narrowed|removed) ", done.stdout, re.MULTILINE)


# --- builds


@pytest.mark.parametrize("form", [Format.DIRECTORY, Format.ZIPAPP])
def test_a_build_carries_its_statement(tmp_path: Path, form: Format) -> None:
    folder = tmp_path / "made"
    shell = GREET.replace("template_render", "shell_run").replace(
        'input_from = "trigger"\ntemplate = "Hello, {{name}}!"', 'command = "/usr/bin/git"'
    )
    output = make(shell, folder, form=form)
    (tmp_path / "greet.toml").write_text(GREET)
    same = agentdc("diff", output, folder / "workflow.toml", "--fail-on", "changed", cwd=tmp_path)
    assert (same.returncode, same.stdout.endswith(NOTHING)) == (0, True), same.stdout
    grown = agentdc("diff", "greet.toml", output, "--fail-on", "widened", cwd=tmp_path)
    assert (grown.returncode, verdicts(grown)) == (5, ["added"])
    assert "/usr/bin/git" in grown.stdout


def test_children_count_in_builds(tmp_path: Path) -> None:
    (tmp_path / "child.toml").write_text(CHILD)
    (tmp_path / "w.toml").write_text(HTTP)
    assert agentdc("build", "w.toml", "-o", "app/", cwd=tmp_path).returncode == 0
    (statement,) = (tmp_path / "app").glob("*/capabilities.json")
    (use,) = (
        each for each in json.loads(statement.read_bytes())["records"] if each["category"] == "use http"
    )
    assert use == {
        "category": "use http",
        "subject": "POST *",
        "level": "from the trigger",
        "note": "child.toml:post",
    }
    (tmp_path / "child.toml").write_text(CHILD.replace("POST", "DELETE"))
    done = agentdc("diff", "app", "w.toml", cwd=tmp_path)
    assert verdicts(done) == ["added", "removed"]


@pytest.mark.freeze
def test_a_binary_is_read_and_not_run(tmp_path: Path) -> None:
    if preflight(inspect_host()):
        pytest.skip("this Python cannot freeze")
    binary = make(GREET, tmp_path / "made", form=Format.BINARY)
    binary.chmod(0o644)
    same = agentdc("diff", binary, "made/workflow.toml", cwd=tmp_path)
    assert (same.returncode, same.stdout.endswith(NOTHING)) == (0, True), same.stderr
    data = binary.read_bytes()
    for damaged in (
        data[: len(data) // 2],
        data.replace(b"capabilities.json", b"capabilities.jsom"),
    ):
        binary.write_bytes(damaged)
        done = agentdc("diff", binary, "made/workflow.toml", cwd=tmp_path)
        assert (done.returncode, codes(done.stderr)) == (2, ["unreadable_file"])


# --- revisions


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: the second widens the policy and has the child send more."""
    root = tmp_path / "repo"
    (root / "flows").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (root / "flows" / "child.toml").write_text(CHILD)
    (root / "flows" / "w.toml").write_text(HTTP)
    (root / "flows" / "link.toml").symlink_to("w.toml")
    commit(root, "one")
    git(root, "tag", "v1")
    (root / "flows" / "w.toml").write_text(WIDER)
    (root / "flows" / "child.toml").write_text(CHILD.replace("POST", "DELETE"))
    commit(root, "two")
    return root


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    env = environment(folder, GIT_CONFIG_GLOBAL="/dev/null")
    done = run(["git", *who, *words], cwd=folder, env=env)
    assert done.returncode == 0, done.stderr


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


@pytest.mark.parametrize(
    ("folder", "old", "new"),
    [
        (".", "git:v1:flows/w.toml", "flows/w.toml"),
        (".", "git:v1:flows/w.toml", "git:HEAD:flows/w.toml"),
        (".", "git:HEAD~1:./flows/w.toml", "git:main:flows/../flows/w.toml"),
        (".", "git:v1:flows/link.toml", "git:HEAD:flows/link.toml"),
        ("flows", "git:v1:flows/w.toml", "w.toml"),
        ("flows", "git:v1:./w.toml", "git:HEAD:../flows/w.toml"),
    ],
)
def test_revisions(repository: Path, folder: str, old: str, new: str) -> None:
    """Children are those of the same revision, wherever the command is given."""
    done = agentdc("diff", old, new, "--fail-on", "widened", cwd=repository / folder)
    assert (done.returncode, verdicts(done)) == (5, ["widened", "added", "removed"]), done.stderr
    assert "https://shop.example/orders/* -> https://shop.example/*" in done.stdout
    back = agentdc("diff", new, old, "--fail-on", "added", cwd=repository / folder)
    assert (back.returncode, verdicts(back)) == (5, ["added", "narrowed", "removed"])
    assert agentdc("diff", old, old, "--fail-on", "changed", cwd=repository / folder).returncode == 0


def test_schemas_are_of_the_revision(repository: Path) -> None:
    """A schema is not a capability; a revision whose schema the working tree has lost is read all the same."""
    routed = GREET.replace("manual", "http") + (
        '\n[[http_routes]]\nmethod = "POST"\npath = "/"\nstart_node = "main"\ninput_schema = "in.json"\n'
    )
    (repository / "r.toml").write_text(routed)
    (repository / "in.json").write_text('{"type": "object"}')
    commit(repository, "three")
    (repository / "in.json").unlink()
    (repository / "r.toml").write_text(routed.replace('input_schema = "in.json"\n', ""))
    done = agentdc("diff", "git:HEAD:r.toml", "r.toml", cwd=repository)
    assert (done.returncode, verdicts(done)) == (0, ["widened"])
    assert "input schema" in done.stdout


def test_a_bare_repository(repository: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    done = agentdc("diff", "git:v1:flows/w.toml", "git:main:flows/w.toml", cwd=bare)
    assert (done.returncode, verdicts(done)) == (0, ["widened", "added", "removed"]), done.stderr


# --- what cannot be compared

BAD = {
    "missing.toml": "No such file or directory",
    "git:nowhere:flows/w.toml": 'there is no revision "nowhere"',
    "git:v1:missing.toml": "No such file or directory",
    "git:v1:flows": "Is a directory",
    "git:v1:../../etc/passwd": "No such file or directory",
    "git:v1:/etc/passwd": "No such file or directory",
    "git:--output=x:flows/w.toml": "is no name of a revision",
    "git:v1": "write git:REVISION:PATH",
    "git::flows/w.toml": "write git:REVISION:PATH",
    "git:v1:": "write git:REVISION:PATH",
    "git:v1:a\nb": "No such file or directory",
    "git:v1:lost.toml": "No such file or directory",
    "flows": "it carries no capabilities.json",
    "empty.zip": "it carries no capabilities.json",
    "cut.pyz": "cannot compare cut.pyz",
    "/bin/true": "it is no app that agentdc froze",
    "old": "it carries no capabilities.json",
    "newer": "has a version that this agentdc does not know",
    "odd": "has an entry that is no capability",
    "binary.toml": "has errors",
    "broken.toml": "has errors",
    "graph.toml": "has errors",
    "orphan.toml": "its child workflow nowhere.toml cannot be read: No such file or directory",
    "\x1b[31m\u202e": "No such file or directory",
}


@pytest.fixture
def bad(repository: Path) -> Path:
    """A place for everything in `BAD`."""
    root = repository
    with zipfile.ZipFile(root / "empty.zip", "w"):
        pass
    (root / "cut.pyz").write_bytes(b"PK\x03\x04")
    for name, content in (
        ("old", None),
        ("newer", '{"version": 9, "records": []}'),
        ("odd", '{"version": 1, "records": [1]}'),
    ):
        (root / name / "p").mkdir(parents=True)
        (root / name / "p" / "manifest.json").write_text("{}")
        if content is not None:
            (root / name / "p" / "capabilities.json").write_text(content)
    (root / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (root / "broken.toml").write_text("name = [")
    (root / "graph.toml").write_text(GREET.replace('entry_node = "hello"', 'entry_node = "no"'))
    (root / "orphan.toml").write_text(HTTP.replace("child.toml", "nowhere.toml"))
    return root


@pytest.mark.parametrize("which", BAD)
def test_what_cannot_be_compared(bad: Path, which: str) -> None:
    for sides in ((which, "flows/w.toml"), ("git:v1:flows/w.toml", which)):
        done = agentdc("diff", *sides, "--fail-on", "changed", cwd=bad)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert codes(done.stderr)[0] == "unreadable_file"
        assert BAD[which] in done.stderr
        assert "\x1b" not in done.stderr


def test_without_git(repository: Path, tmp_path: Path) -> None:
    done = agentdc("diff", "git:v1:flows/w.toml", "flows/w.toml", cwd=repository, PATH=str(tmp_path))
    assert (done.returncode, "git is not installed" in done.stderr) == (2, True)
    shutil.rmtree(repository / ".git")
    env = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    done = agentdc("diff", "git:v1:flows/w.toml", "flows/w.toml", cwd=repository, **env)
    assert (done.returncode, "not a git repository" in done.stderr) == (2, True), done.stderr


def test_usage(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GREET)
    for words in (["--format", "html"], ["--fail-on", "all"], ["third.toml"]):
        assert agentdc("diff", "a.toml", "a.toml", *words, cwd=tmp_path).returncode == 2
    assert agentdc("diff", "a.toml", cwd=tmp_path).returncode == 2


# --- statuses and formats

FAILS = [
    ("policy_pattern_widened", "widened"),
    ("command_added", "added widened"),
    ("auth_of_another_kind", ""),
    ("policy_pattern_narrowed", ""),
]


@pytest.mark.parametrize(("case", "levels"), FAILS)
def test_fail_on(case: str, levels: str) -> None:
    folder = Path(__file__).parent / "cases" / "diff" / case
    for level in ("none", "added", "widened", "changed"):
        done = agentdc("diff", "old.toml", "new.toml", "--fail-on", level, cwd=folder)
        assert done.returncode == (5 if level in {*levels.split(), "changed"} else 0), level
        assert done.stdout == (folder / "expected.txt").read_text()


def test_a_report_in_a_file(tmp_path: Path) -> None:
    folder = Path(__file__).parent / "cases" / "diff" / "hostile_names"
    for form, golden in (("markdown", "expected.md"), ("json", "expected.json"), ("text", "expected.txt")):
        words = ("diff", "old.toml", "new.toml", "--format", form)
        done = agentdc(*words, "-o", tmp_path / "report", "--fail-on", "widened", cwd=folder)
        assert (done.returncode, done.stdout) == (5, (folder / "expected.txt").read_text())
        assert (tmp_path / "report").read_text() == (folder / golden).read_text()
        assert agentdc(*words, cwd=folder).stdout == (folder / golden).read_text()
    done = agentdc("diff", "old.toml", "new.toml", "-o", tmp_path, cwd=folder)
    assert (done.returncode, codes(done.stderr)) == (2, ["output_unwritable"])
