"""`agentdc.check_text`: text in, facts and diagnostics out, from whatever tree of files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import agentdc
from agentdc.check.validate import Options
from agentdc.diagnostics import SourceFile
from agentdc.driver.check import Report, check_source

START = '[[start_nodes]]\nname = "go"\nsource = "manual"\n'
SAY = '[[nodes]]\nid = "say"\ntype = "template_render"\ntemplate = "hello"\n'
PARENT = f'name = "parent"\n{START}[[nodes]]\nid = "price"\ntype = "call"\nworkflow = "price.toml"\n'
PARENT += '[[nodes]]\nid = "lost"\ntype = "fail"\nreason = "none"\n'
PARENT += '[[edges]]\nfrom = "price"\nto = "lost"\nwhen = "error"\n'
CHILD = f'name = "price"\n{START}{SAY}'
ROUTED = (
    'name = "routed"\nhttp_routes = [{ path = "/", method = "POST", start_node = "go", input_schema = "in.json" }]\n'
    + START.replace("manual", "http")
    + '[[nodes]]\nid = "say"\ntype = "template_render"\ntemplate = "{{trigger.x}}"\n'
)


def tree(files: dict[str, str]) -> Callable[[str], bytes]:
    """The files of a dictionary; everything else is not there."""

    def read(path: str) -> bytes:
        if path in files:
            return files[path].encode()
        raise FileNotFoundError(2, "No such file or directory", path)

    return read


def slugs(report: Report) -> list[str]:
    return [each.code.slug for each in report.diagnostics]


def test_a_text_without_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "price.toml").write_text(CHILD)
    monkeypatch.chdir(tmp_path)  # where the file is must not matter
    report = agentdc.check_text(PARENT)
    assert slugs(report) == ["child_unreadable"]
    assert (report.source.name, report.name, report.facts is not None) == ("workflow.toml", "parent", True)
    assert slugs(agentdc.check_text(CHILD)) == []
    assert slugs(agentdc.check_text(b"\xff")) == ["not_utf8"]
    assert slugs(agentdc.check_text("\udcff = 1")) == ["not_utf8"]
    assert agentdc.check_text(CHILD) is not agentdc.check_text(
        CHILD
    )  # callable again: no package took its name


@pytest.mark.parametrize("place", ["price.toml", "flows/price.toml"])
def test_children_of_a_tree_in_memory(place: str) -> None:
    report = agentdc.check_text(PARENT, name="flows/w.toml", read=tree({place: CHILD}))
    assert slugs(report) == []
    assert [each.source.name for each in report.members] == ["flows/w.toml", place]
    broken = agentdc.check_text(PARENT, name="flows/w.toml", read=tree({place: CHILD + "x = 1\n"}))
    assert "child_invalid" in slugs(broken)


def test_a_tree_in_memory_is_checked_like_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = '{"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}'
    signing = '[signing]\npublic_key_file = "k.pub"\nrequired = true\n'
    for text in (PARENT, ROUTED, ROUTED.replace("in.json", "no.json"), f"{CHILD}{signing}"):
        files = {"price.toml": CHILD, "in.json": schema, "w.toml.sig": "AAAA", "k.pub": "no key"}
        for name, content in {**files, "w.toml": text}.items():
            (tmp_path / name).write_text(content)
        monkeypatch.chdir(tmp_path)
        disk = check_source(SourceFile("w.toml", text.encode()), Options())
        memory = agentdc.check_text(text, name="w.toml", read=tree(files))
        assert memory.diagnostics == disk.diagnostics
        assert [each.key for each in memory.members] == [each.key for each in disk.members]


def test_recursion_in_memory_ends() -> None:
    twice = PARENT.replace("price.toml", "parent.toml")
    assert "child_recursion" in slugs(
        agentdc.check_text(twice, name="./parent.toml", read=tree({"parent.toml": twice}))
    )
    deep = slugs(
        agentdc.check_text(
            PARENT.replace("price", "x/price"),
            read=lambda path: PARENT.encode().replace(b"price.toml", f"{path}x".encode()),
        )
    )
    assert "child_unreadable" in deep


def test_what_read_may_raise() -> None:
    def refuse(path: str) -> bytes:
        raise PermissionError(13, "Permission denied", path)

    (found,) = agentdc.check_text(PARENT, read=refuse).diagnostics
    assert "Permission denied" in found.message + str(found.primary)


def test_levels_and_codes() -> None:
    text = CHILD + "[check]\nallow = ['unused_grant']\n[policy.fs]\nread = ['data/**']\n"
    assert [each.severity.value for each in agentdc.check_text(text).diagnostics] == ["warning"]
    assert not agentdc.check_text(text, allow=["policy_relative_path"]).diagnostics
    denied = agentdc.check_text(text, allow=["policy_relative_path"], deny=["policy_relative_path"])
    assert [each.severity.value for each in denied.diagnostics] == ["error"]
    with pytest.raises(ValueError, match='did you mean "cycle"'):
        agentdc.check_text(text, deny=["cylce"])


def test_importing_loads_nothing_else() -> None:
    script = "import sys; before = set(sys.modules); import agentdc; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['__future__', 'agentdc', 'agentdc.version']\n"
