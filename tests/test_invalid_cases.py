"""Every `tests/cases/invalid/<slug>/<name>.toml` gives the text beside it, and `<slug>` is among its findings.

Options of a case, in its first line: `# options: {"strict": true, "allow": ["cycle"], "dialect": "agentd",
"require_policy": true, "explain_unknown": true, "required": true, "key_file": "key.pub", "build": true}`; `required`
is `--signing-required`, `build` shows what `agentdc build` shows. Child workflows of a case stand in `children/`,
which is no case. Sources that an editor or git could change behind one's back are made here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from runner import case_id, check_golden, find, options, orphans

from agentdc.check.validate import Options
from agentdc.diagnostics import CODES, Diagnostic, SourceFile
from agentdc.diagnostics.render import text
from agentdc.driver.check import Signing, check_source

ROOT = Path(__file__).parent / "cases" / "invalid"
KNOWN_OPTIONS = {
    "allow",
    "build",
    "dialect",
    "key_file",
    "require_policy",
    "explain_unknown",
    "required",
    "strict",
}

BEYOND = {
    slug
    for slug, code in CODES.items()
    if "ADC0326" <= code.number < "ADC0600" and slug not in {"http_header_reserved"}
} | {"blank_name", "ignored_field", "ignored_root_key"}
MIXED = {"constraint", "unknown_value"}  # partly refused by agentd, partly not
FORCED = {"dialect", "require_policy", "strict"}  # options that give a finding its level, allowed or not

GO = 'name = "greeter"\n\n[[start_nodes]]\nname = "go"\nsource = "manual"\n\n'
SAY = '[[nodes]]\nid = "say"\ntype = "template_render"\ntemplate = "hello"\n'
MADE: dict[str, bytes] = {
    "dangling_edge/windows_line_ends": (GO + SAY + '\n[[edges]]\nfrom = "say"\nto = "sya"\n')
    .replace("\n", "\r\n")
    .encode(),
    "dup_node_id/very_long": (GO + SAY + "\n" + SAY).replace('"say"', f'"{"say" * 3000}"').encode(),
    "not_utf8/latin_1": (GO + SAY).replace("hello", "grüß").encode("latin-1"),
    "not_utf8/utf_16": b"\xff\xfe" + (GO + SAY).encode("utf-16-le"),
    "out_of_range/thousands_of_digits": (GO + SAY).encode()
    + b"retry = { max_attempts = %s }\n" % (b"9" * 5000),
    "toml_syntax/bare_carriage_return": b'name = "greeter"\r[[nodes]]\n',
    "toml_syntax/byte_order_mark": b"\xef\xbb\xbfname = greeter\n",
    "toml_syntax/nested_too_deep": b'name = "greeter"\nnodes = ' + b"[" * 20_000 + b"\n",
    "toml_syntax/nul_byte": b'name = "gree\x00ter"\n',
    "toml_syntax/windows_line_ends": (GO + SAY + 'template = "hello again"\n').replace("\n", "\r\n").encode(),
    "unknown_key/long_line": (
        f'name = "greeter"\nnodes = [{{ id = "{"a" * 200}", type = "merge", retry = {{ max_attempts = 2, '
        f"{'b' * 200} = 1 }} }}]\n"
    ).encode(),
    "unknown_key/tabs": (GO + SAY).encode() + b'\tinput\t=\t"trigger"\n',
    "unknown_node_kind/zero_width_space": (GO + SAY)
    .replace("template_render", "template\u200b_render")
    .encode(),
    "unknown_value/direction_mark": GO.replace('"manual"', '"\u202elaunam\u202c" # \u2028 \x85').encode(),
}
CASES = {path: path.read_bytes() for path in find(ROOT, "*/*.toml")} | {
    ROOT / f"{name}.toml": data for name, data in MADE.items()
}
CHILDREN = find(ROOT, "*/children/*.toml")


def _golden(case: Path) -> Path:
    return case.with_suffix(".diag.txt")


def _found(case: Path, data: bytes, *, allow: str | None = None) -> list[Diagnostic]:
    given = options(data.decode("utf-8", "replace"))
    assert given.keys() <= KNOWN_OPTIONS, given
    wanted = Options(
        allow=frozenset(given.get("allow", ())) | ({allow} if allow else set()),
        agentd_dialect=given.get("dialect") == "agentd",
        strict=given.get("strict", False),
        require_policy=given.get("require_policy", False),
        explain_unknown=given.get("explain_unknown", False),
    )
    signing = Signing(required=given.get("required", False), key_file=given.get("key_file"))
    report = check_source(SourceFile(case.name, data), wanted, signing)
    return report.build_diagnostics if given.get("build") else report.diagnostics


@pytest.mark.parametrize("case", sorted(CASES), ids=lambda case: case_id(ROOT, case))
def test_diagnostics(case: Path, golden_update: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    case.parent.mkdir(exist_ok=True)
    monkeypatch.chdir(case.parent)  # a report names files as the user wrote them: relative to where they are
    found = _found(case, CASES[case])
    assert case.parent.name in {each.code.slug for each in found}
    check_golden(_golden(case), text.render(found), golden_update)


@pytest.mark.parametrize("case", sorted(CASES), ids=lambda case: case_id(ROOT, case))
def test_what_can_be_allowed(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes beyond agentd's validator is no error once it is allowed; what agentd refuses stays one."""
    case.parent.mkdir(exist_ok=True)
    monkeypatch.chdir(case.parent)
    slug = case.parent.name
    levels, allowed = (
        sorted(each.severity.value for each in found if each.code.slug == slug)
        for found in (_found(case, CASES[case]), _found(case, CASES[case], allow=slug))
    )
    given = options(CASES[case].decode("utf-8", "replace"))
    if slug not in BEYOND | MIXED:
        assert allowed == levels
    elif slug in BEYOND and not given.keys() & FORCED:
        assert "error" not in allowed
        once = "allow" in given or b"allow =" in CASES[case]
        assert once or allowed.count("warning") <= levels.count("error")


def test_without_start_nodes_nothing_is_reached() -> None:
    """A path is judged where a run gets to; in a file without a start node no run gets anywhere."""
    nodes = SAY + '\n[[nodes]]\nid = "data"\ntype = "parse_json"\ninput_from = "say.nothing"\n'
    source = 'name = "greeter"\n' + nodes + '[[edges]]\nfrom = "say"\nto = "data"\n'
    found = check_source(SourceFile("workflow.toml", source.encode()), Options()).diagnostics
    assert [each.code.slug for each in found] == ["no_start_node"]


def test_every_folder_is_a_code() -> None:
    assert {each.name for each in ROOT.iterdir()} <= CODES.keys()


def test_nothing_is_left_over() -> None:
    """Each file is a case, its golden, its signature, or a key, schema, child or lock that it uses."""
    used = {*CASES, *map(_golden, CASES), *(case.with_name(f"{case.name}.sig") for case in CASES)}
    keys = {key for key in ROOT.glob("*/*.pub") if any(_names(case, key) for case in CASES)}
    children = {child for child in CHILDREN if any(_calls(file, child) for file in {*CASES, *CHILDREN})}
    schemas = {each for each in ROOT.glob("*/schemas/*.json") if any(_checks(case, each) for case in CASES)}
    locks = {lock for lock in ROOT.glob("*/agentdc.lock") if any(_declares(case, lock) for case in CASES)}
    assert not orphans(ROOT, used | keys | children | schemas | locks)


def _checks(case: Path, schema: Path) -> bool:
    return case.parent == schema.parent.parent and f'"schemas/{schema.name}"'.encode() in CASES[case]


def _declares(case: Path, lock: Path) -> bool:
    return case.parent == lock.parent and b"[[mcp_servers]]" in CASES[case]


def _calls(file: Path, child: Path) -> bool:
    folder = child.parent.parent
    return file.is_relative_to(folder) and f'"children/{child.name}"' in _text(file)


def _text(file: Path) -> str:
    return (CASES[file] if file in CASES else file.read_bytes()).decode("utf-8", "replace")


def _names(case: Path, key: Path) -> bool:
    return case.parent == key.parent and f'"{key.name}"'.encode() in CASES[case]
