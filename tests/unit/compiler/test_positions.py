"""Every path of a document gets the span of the right text.

The oracle is tomli: the text of a key's span must name that key, and the text of a value's span must parse to
that value.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import tomli
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agentdc.diagnostics import SourceFile, Span
from agentdc.parse.positions import Path, Places

DOCUMENTS = {
    "scalars": 'a = 1\nb = "x" # why\nc = 1.5\nd = true\ne = 1979-05-27T07:32:00Z\nf = 07:32:00\ng = 1979-05-27\n',
    "numbers": "a = 0x1F\nb = 0o17\nc = 0b1\nd = 1_000\ne = -inf\nf = nan\ng = +1e5\nh = -0.0\n",
    "odd bare keys": "1 = 1\n-a_ = 2\n1979-05-27 = 3\ntrue = 4\ninf = 5\n3.14 = 6\n",
    "quoted keys": '"a b" = 1\n\'c.d\' = 2\n"" = 3\n"e\\"f\\u00e9" = 4\n["x y"."z"]\nk = 1\n',
    "dotted keys": "a.b.c = 1\na.b.d = 2\na . e = 3\n[t]\nu.v = 1\nu.w.x = 2\n",
    "inline": "a = {}\nb = { c = 1, d.e = [1, { f = 2 }] }\ng = []\nh = [[1, 2], [], [[3]]]\n",
    "multi-line array": "a = [ # first\n  1, # one\n  # none\n  { b = 2 },\n]\nc = 3\n",
    "multi-line strings": 'a = """\n[not.a.table]\nx = 1 # no\n"""\nb = \'\'\'\n"quotes" \'\'\'\nc = """a\\\n b"""\n',
    "tables": "x = 1\n[a]\nb = 1\n[a.c]\nd = 2\n[e.f.g]\nh = 3\n[e]\ni = 4\n[empty]\n",
    "spaced headers": "[ a . 'b c' ] # why\nd = 1\n[[ e . f ]]\ng = 1\n",
    "arrays of tables": '[[n]]\nid = "1"\n[n.retry]\nm = 1\n[[n]]\nid = "2"\nretry.m = 2\n[[n]]\nretry = { m = 3 }\n',
    "nested arrays": "[[a]]\n[[a.b]]\nc = 1\n[[a.b]]\nc = 2\n[a.b.d]\ne = 1\n[[a]]\n[[a.b]]\nc = 3\n[[a.b.f]]\n",
    "wrapped": '[[workflows]]\nname = "x"\n[[workflows.nodes]]\nid = "1"\n[workflows.nodes.retry]\nm = 1\n',
    "carriage returns": 'a = 1\r\n[b]\r\nc = """\r\nx\r\n"""\r\nd = [\r\n1,\r\n2]\r\n[[e]]\r\nf = 1\r\n',
    "not ASCII": '# é\na = "ünï"\n"é" = "日本" # ja\nb = { "ö" = "😀", c = 1 }\n["日本"]\nd = "😀"\ne = 1\n',
    "no last line end": "a = 1\n[b]\nc = 2",
    "comments": "# one\n\na = 1 # two\n\n# three\n[b] # four\n# five\nc = 1\n",
    "tabs": "\ta\t=\t1\n\t[b]\t\n\t\tc\t=\t[\t1\t,\t2\t]\t\n",
}


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_path_gets_its_text(text: str) -> None:
    assert_right(text)


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_byte_order_mark_changes_nothing(text: str) -> None:
    plain, marked = (
        Places(SourceFile("w", text.encode())),
        Places(SourceFile("w", b"\xef\xbb\xbf" + text.encode())),
    )
    for path, _ in paths(tomli.loads(text)):
        expected = plain.value(path)
        found = marked.value(path)
        assert (found.start, found.end) == (expected.start + 1, expected.end + 1)


def assert_right(text: str) -> None:
    places = Places(SourceFile("w.toml", text.encode()))
    for path, value in paths(tomli.loads(text)):
        key, content = shown(places.key(path)), shown(places.value(path))
        nested = isinstance(path[-1], int) and isinstance(value, list)  # an array in an array has no header
        if content.startswith("[") and key == content and isinstance(value, dict | list) and not nested:
            assert_header(content, path, text)
        elif content == key and isinstance(value, dict) and isinstance(path[-1], str):
            assert named(key) == path[-1]  # a table that only dotted keys or longer headers declare
        else:
            assert key == content if isinstance(path[-1], int) else named(key) == path[-1]
            assert same(tomli.loads(f"v = {content}")["v"], value)


def assert_header(header: str, path: Path, text: str) -> None:
    """The header stands in the text and names the keys of the path."""
    assert header in text
    names: list[str] = []
    level: Any = tomli.loads(header)
    while level:
        [name] = level
        names.append(name)
        level = level[name][0] if isinstance(level[name], list) else level[name]
    assert names == [part for part in path if isinstance(part, str)]


def paths(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if path:
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in items:
        yield from paths(inner, (*path, part))


def shown(span: Span) -> str:
    return span.file.text[span.start : span.end]


def named(key: str) -> str:
    return next(iter(tomli.loads(f"{key} = 0")))


def same(left: Any, right: Any) -> bool:
    return repr(left) == repr(right)  # NaN is equal here, and 1 is not 1.0


NODES = """name = "x"
[[nodes]]
id = "a"
[[nodes]]
id = "b"
retry.jitter = 1
headers = { one = "1", two = 2 }
[nodes.deep]
x = 1
[logging.otel]
endpoint = "e"
"""


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), "", ""),
        (("name",), "name", '"x"'),
        (("missing",), "", ""),
        (("nodes",), "[[nodes]]", "[[nodes]]"),
        (("nodes", 1), "[[nodes]]", "[[nodes]]"),
        (("nodes", 1, "id"), "id", '"b"'),
        (("nodes", 1, "path_from"), "[[nodes]]", "[[nodes]]"),
        (("nodes", 7, "id"), "[[nodes]]", "[[nodes]]"),
        (("nodes", 1, "retry"), "retry", "retry"),
        (("nodes", 1, "retry", "jitter"), "jitter", "1"),
        (("nodes", 1, "retry", "on"), "retry", "retry"),
        (("nodes", 1, "headers", "two"), "two", "2"),
        (("nodes", 1, "headers", "three"), "headers", "headers"),
        (("nodes", 1, "deep"), "[nodes.deep]", "[nodes.deep]"),
        (("nodes", 1, "deep", "y", "z"), "[nodes.deep]", "[nodes.deep]"),
        (("logging",), "logging", "logging"),
        (("logging", "level"), "logging", "logging"),
        (("logging", "otel", "protocol"), "[logging.otel]", "[logging.otel]"),
        (("name", "deeper", 3), "name", "name"),
    ],
)
def test_keys_values_and_what_is_missing(path: Path, key: str, value: str) -> None:
    places = Places(SourceFile("w.toml", NODES.encode()))
    assert (shown(places.key(path)), shown(places.value(path))) == (key, value)


def test_each_entry_has_its_own_header() -> None:
    places = Places(SourceFile("w.toml", NODES.encode()))
    assert [places.key(("nodes", number)).line for number in range(2)] == [2, 4]


def test_paths_are_relative_to_the_wrapped_body() -> None:
    places = Places(SourceFile("w.toml", DOCUMENTS["wrapped"].encode()), ("workflows", 0))
    assert shown(places.value(("name",))) == '"x"'
    assert shown(places.value(("nodes", 0, "retry", "m"))) == "1"
    assert shown(places.key(())) == "[[workflows]]"
    assert shown(places.key(("policy",))) == "[[workflows]]"


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"# only a comment"])
def test_an_empty_file_has_a_beginning(data: bytes) -> None:
    span = Places(SourceFile("w.toml", data)).key(("name",))
    assert span.line == 1 and span.start == span.end


@pytest.mark.parametrize(
    "text",
    [
        "a = ",
        "= 1",
        "[",
        "[[",
        "[a",
        "[]",
        "[[]]\nx=1",
        "a.=1",
        "a = [1,,{b=}]",
        'x = "',
        "{",
        "a = {b = 1\nc = 2",
        "\x00",
    ],
)
def test_a_text_that_is_not_toml_still_answers(text: str) -> None:
    places = Places(SourceFile("w.toml", text.encode()))
    list(places.repeated())
    assert 0 <= places.value(("a", "b", 0)).start <= len(text)


def test_repetitions() -> None:
    source = SourceFile("w.toml", b"a = 1\nb = {c = 1, c = 2}\n[t]\nx = 1\na = 1\nx = 2\n[t]\n")
    found = [(shown(first), first.line, again.line) for first, again in Places(source).repeated()]
    assert sorted(found) == [("[t]", 3, 7), ("c", 2, 2), ("x", 4, 6)]


KEYS = st.sampled_from(
    ["a", "bb", "c-c", '"d d"', "'e.e'", '"é"', '"\\u00e9x"', "1", "2.f", "g . h", "i.j.k", "a.z"]
)
VALUES = st.recursive(
    st.sampled_from(
        ["1", '"s"', "'é'", '"""\nx\n"""', "'''\n[y]\n'''", "true", "1.5e3", "07:32:00", "[ ]", "{}", "inf"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: f"[{', '.join(each)}]")
        | st.lists(inner, min_size=1, max_size=3).map(lambda each: "[ # c\n" + ",\n".join(each) + ",\n]")
        | st.lists(inner.filter(lambda each: "\n" not in each), max_size=3).map(
            lambda each: "{" + ", ".join(f"k{n}.x = {one}" for n, one in enumerate(each)) + "}"
        )
    ),
    max_leaves=6,
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    KEYS.map(lambda key: f"[t.{key}]"),
    KEYS.map(lambda key: f"[[n.{key}]]"),
    st.sampled_from(["# comment é", "", "[[n.a]]", "[[n.a.b]]", "[n.a.c]"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_random_documents(lines: list[str], end: str) -> None:
    kept: list[str] = []
    for line in lines:
        if parses("\n".join([*kept, line])):
            kept.append(line)
    text = "\n".join(kept).replace("\n", end)
    assume(parses(text))
    assert_right(text)


def parses(text: str) -> bool:
    try:
        tomli.loads(text)
    except tomli.TOMLDecodeError:
        return False
    return True


def test_a_large_workflow_is_indexed_quickly() -> None:
    node = '[[nodes]]\nid = "n{}"\ntype = "respond"\nbody_template = """\né\n"""\nlist = [1, 2]\nh = {{ a = "b" }}\n'
    text = 'name = "x"\n' + "".join(node.format(number) + "[nodes.retry]\nm = 1\n" for number in range(2000))
    places = Places(SourceFile("w.toml", text.encode()))
    start = time.process_time()
    assert shown(places.value(("nodes", 1999, "id"))) == '"n1999"'
    assert time.process_time() - start < 3  # about 0.1 s; quadratic work would take minutes


def test_hostile_depth_stays_small() -> None:
    inner = "{" + "a." * 900 + "b = "
    text = "x = " + inner * 80 + "1" + "}" * 80
    places = Places(SourceFile("w.toml", text.encode()))
    path: Path = ("x", *(["a"] * 900 + ["b"]) * 80)
    assert shown(places.key(path)) == "a"
