"""Bodies to payloads (spec 02 §1.6): the tables, real clients, hostile bytes, and who called."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peers.http import Connection, serving

from agentdc_runtime.http.body import BodyError, decode
from agentdc_runtime.http.trigger import with_principal

FORM = "application/x-www-form-urlencoded"
MULTI = "multipart/form-data; boundary=X"
QUARTER = 262_144  # bytes: of the longest body that is accepted
Dropped = list[tuple[str, str, int]]


def decoded(kind: str | None, body: bytes) -> tuple[Any, Dropped]:
    dropped: Dropped = []
    return decode(kind, body, lambda *each: dropped.append(each)), dropped


def payload(kind: str | None, body: bytes) -> Any:
    found, dropped = decoded(kind, body)
    assert dropped == []
    return found


def refusal(kind: str | None, body: bytes) -> str:
    with pytest.raises(BodyError) as caught:
        decoded(kind, body)
    assert caught.value.message.isprintable()
    return caught.value.message


# JSON -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [None, "", "application/json", "Application/JSON; charset=utf-8", "text/plain", "x", ";"]
)
def test_every_other_media_type_is_read_as_json(kind: str | None) -> None:
    assert payload(kind, b"") is None
    assert payload(kind, b' {"a": [1, null], "a": 2} \n') == {"a": 2}
    assert payload(kind, b"null") is None
    assert refusal(kind, b"a=1").startswith("invalid JSON body: ")


@pytest.mark.parametrize("text", ["1", "-0.5", "true", '"\u00e4"', "[]", "{}", "18446744073709551615"])
def test_any_value_may_stand_at_the_top(text: str) -> None:
    assert payload("application/json", text.encode()) == eval(text, {"true": True})


def test_integers_beyond_64_bits_become_floats() -> None:
    assert repr(payload(None, b"[18446744073709551616, -9223372036854775809]")) == (
        "[1.8446744073709552e+19, -9.223372036854776e+18]"
    )


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e999",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b"[" * 128 + b"]" * 128,
        b"[" * 500_000,
        b'{"a":' * 200_000,
        b'"\xff"',
        b"\xff\xfe{\x00}\x00",
        b'"\\ud800"',
        b'"\x00"',
        b"{'a': 1}",
        b'{"password": "hunter2",}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_not_json_of_the_dialect(body: bytes) -> None:
    message = refusal("application/json", body)
    assert message.startswith("invalid JSON body: ")
    assert "hunter2" not in message
    assert len(message) < 200


def test_127_levels_are_accepted() -> None:
    found = payload(None, b"[" * 127 + b"]" * 127)
    for _ in range(126):
        (found,) = found
    assert found == []


# Forms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", {}),
        ("a=1&b=x+y%21&a=2&c", {"a": "2", "b": "x y!", "c": ""}),
        ("&&a=1&&", {"a": "1"}),
        ("=", {"": ""}),
        ("=v", {"": "v"}),
        ("a=b=c", {"a": "b=c"}),
        ("a%3Db=c%26d", {"a=b": "c&d"}),
        ("%2B=%2b+%20", {"+": "+  "}),
        ("%C3%A4=\u00e4&\u20ac=%e2%82%AC", {"\u00e4": "\u00e4", "\u20ac": "\u20ac"}),
        ("a=%00%25", {"a": "\x00%"}),
        ("a=1;b=2\r\n", {"a": "1;b=2\r\n"}),
    ],
)
def test_forms(body: str, expected: dict[str, str]) -> None:
    for kind in (FORM, FORM + "; charset=UTF-8", " " + FORM.upper() + " "):
        assert payload(kind, body.encode()) == expected


@pytest.mark.parametrize(
    "field", ["%4", "%zz", "%", "%4%41", "%%41", "%+4", "% 4", "%4g", "%\u0664\u0661", "%_1", "%0x", "%41%"]
)
def test_broken_escapes(field: str) -> None:
    assert "percent escape" in refusal(FORM, f"a={field}".encode())
    assert "percent escape" in refusal(FORM, f"ok=1&{field}=1".encode())


@pytest.mark.parametrize("body", [b"a=\xff", b"a=%ff", b"%C3=%A4", b"a=%C3&%A4", b"a=%ed%a0%80"])
def test_forms_that_are_not_utf8(body: bytes) -> None:
    assert "not UTF-8" in refusal(FORM, body)


@given(st.dictionaries(st.text(), st.text()))
def test_forms_of_the_standard_library_come_back(fields: dict[str, str]) -> None:
    assert payload(FORM, urlencode(fields).encode()) == fields


@given(st.text("ab=&+%41C39 \u00e4"))
def test_what_is_accepted_is_what_the_standard_library_sees(text: str) -> None:
    try:
        found = payload(FORM, text.encode())
    except BodyError:
        return
    assert found == dict(parse_qsl(text, keep_blank_values=True, errors="strict"))


# Multipart --------------------------------------------------------------------------------------------------


def part(disposition: str, content: str, more: str = "") -> str:
    return f"--X\r\nContent-Disposition: {disposition}\r\n{more}\r\n{content}\r\n"


A = part('form-data; name="a"', "1")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", {}),
        ("--X--\r\n", {}),
        ("--X--", {}),
        ("--X\r\n", {}),
        ("no delimiter", {}),
        (A + "--X--\r\n", {"a": "1"}),
        ((A + "--X--\r\n").replace("\r\n", "\n"), {"a": "1"}),
        ("preamble\r\n" + A + "--X--epilogue\r\n" + A.replace("1", "2"), {"a": "1"}),
        (A, {"a": "1"}),
        (A.removesuffix("\r\n"), {"a": "1"}),
        (A + "--X", {"a": "1"}),
        (A + part("form-data; name=b", "2").replace("--X", "--X \t") + "--X--", {"a": "1", "b": "2"}),
        (A + part("form-data; name=a", "last") + "--X--", {"a": "last"}),
        (part('form-data; name="a"', "") + "--X--", {"a": ""}),
        (part('form-data; name=""', "v") + "--X--", {"": "v"}),
        (part('form-data; name="a"', "\r\n\r\n") + "--X--", {"a": "\r\n\r\n"}),
        (part('form-data; name="a"', "--Xy\r\n x--X\r\n --X\r\n--X y") + "--X--", None),
        (part('form-data; name="a"', "\u20ac\x00") + "--X--", {"a": "\u20ac\x00"}),
        (part("form-data; NAME = a ; x", "1") + "--X--", {"a": "1"}),
        (part("form-data; x; name=a", "1") + "--X--", {"a": "1"}),
        (part('form-data; name="a;b=\\"c\\\\"; x="filename=y"', "1") + "--X--", {'a;b="c\\': "1"}),
        (part('form-data; name="\u2028\x85\x0b"', "1") + "--X--", {"\u2028\x85\x0b": "1"}),
        (part('form-data; name="open', "1") + "--X--", {"open": "1"}),
        (
            "--X\r\nContent-Type: text/plain\r\ncontent-disposition:form-data;name=a\r\n\r\n1\r\n--X--",
            {"a": "1"},
        ),
        ("--X\nContent-Disposition: form-data; name=a\n\r\n1\n\n2\r\n--X--", {"a": "1\n\n2"}),
        ("--X\r\nContent-Disposition: form-data; name=a\r\n\n1\r\n\r\n2\r\n--X--", {"a": "1\r\n\r\n2"}),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, str) else "",
)
def test_multipart(body: str, expected: dict[str, str] | None) -> None:
    if expected is None:  # a delimiter counts as a whole line only
        expected = {"a": "--Xy\r\n x--X\r\n --X\r\n--X y"}
    assert payload(MULTI, body.encode()) == expected


@pytest.mark.parametrize(
    ("kind", "body", "word"),
    [
        ("multipart/form-data", "", "boundary"),
        ("multipart/form-data;", A, "boundary"),
        ("multipart/form-data; boundary", A, "boundary"),
        ("multipart/form-data; charset; boundary=X", A, "boundary"),
        ("multipart/form-data; boundary=", A, "boundary"),
        ('multipart/form-data; boundary=""', A, "boundary"),
        ("multipart/form-data; bound=X", A, "boundary"),
        (MULTI, "--X\r\nContent-Disposition: form-data; name=a\r\n--X--", "blank line"),
        (MULTI, "--X\r\n--X--", "blank line"),
        (MULTI, "--X\r\nfoo", "blank line"),
        (MULTI, "--X\r\n\r\nnobody\r\n--X--", "name"),
        (MULTI, "--X\r\nContent-Type: text/plain\r\n\r\n1\r\n--X--", "name"),
        (MULTI, part("form-data", "1") + "--X--", "name"),
        (MULTI, part("form-data; filename=x", "1") + "--X--", "name"),
        (MULTI, part('form-data; x="name=a"', "1") + "--X--", "name"),
    ],
)
def test_multipart_refusals(kind: str, body: str, word: str) -> None:
    assert word in refusal(kind, body.encode())


def test_multipart_that_is_not_utf8() -> None:
    body = part("form-data; name=a; filename=b", "\xff").encode("latin-1") + b"--X--"
    assert "not UTF-8" in refusal(MULTI, body)


@pytest.mark.parametrize(
    ("kind", "boundary"),
    [
        ("Multipart/Form-Data; charset=utf-8; Boundary=X", "X"),
        ('multipart/form-data;boundary="a b"; x=y', "a b"),
        ("multipart/form-data; ; boundary= ---- ", "----"),
        ("multipart/form-data; boundary=a=b", "a=b"),
        ("multipart/form-data; boundary=.*+?", ".*+?"),
    ],
)
def test_boundaries(kind: str, boundary: str) -> None:
    assert payload(kind, (A + "--X--").replace("--X", f"--{boundary}").encode()) == {"a": "1"}


def test_files_are_dropped_and_told() -> None:
    body = (
        part('form-data; name="doc"; filename="C:\\temp\\a.txt"', "h\u00e9", "Content-Type: text/plain\r\n")
        + A
        + part('form-data; filename=""; name="none"', "")
        + part('form-data; name="q"; filename="a\\";b"', "\r\n--Xx\r\n")
        + "--X--"
    )
    found, dropped = decoded(MULTI, body.encode())
    assert found == {"a": "1"}
    assert dropped == [("doc", "C:\\temp\\a.txt", 3), ("none", "", 0), ("q", 'a";b', 8)]


@given(st.text(), st.binary(max_size=40))
def test_no_content_type_and_no_body_is_a_crash(kind: str, body: bytes) -> None:
    for each in (kind, f"multipart/form-data;{kind}", f'{MULTI}"', FORM):
        for content in (body, b"--X\n" + body):
            with contextlib.suppress(BodyError):
                decode(each, content, lambda *_: None)


# Real clients -----------------------------------------------------------------------------------------------

FIELDS = {"a": "1", "long": "line\r\n--line\r\n\r\nend", "empty": "", "sign": "\u20ac & = + %"}


def sent(send: Callable[[str], object]) -> tuple[Any, Dropped]:
    """What a client's request becomes here."""

    def behave(connection: Connection) -> None:
        request = connection.request()
        if b"100-continue" in request.lower():
            raise AssertionError
        connection.send(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    with serving(behave) as peer:
        send(peer.url())
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return decoded({name.lower(): value for name, value in lines.items()}.get("content-type"), body)


def curl(*arguments: str | Path) -> Callable[[str], object]:
    return lambda url: subprocess.run(["curl", "-sS", *arguments, url], check=True, timeout=30)


def test_httpx(tmp_path: Path) -> None:
    assert sent(lambda url: httpx.post(url, data=FIELDS)) == (FIELDS, [])
    assert sent(lambda url: httpx.post(url, json=FIELDS)) == (FIELDS, [])
    assert sent(httpx.post) == (None, [])
    files = {"up": ('q"uote.txt', b"0123456789", "text/plain")}
    found, dropped = sent(lambda url: httpx.post(url, data=FIELDS, files=files))
    assert found == FIELDS
    assert [(field, size) for field, _, size in dropped] == [("up", 10)]


def test_curl(tmp_path: Path) -> None:
    file = tmp_path / "up load.txt"
    file.write_text("0123456789")
    words = [word for name, value in FIELDS.items() for word in ("--form-string", f"{name}={value}")]
    assert sent(curl(*words, "-F", f"up=@{file}")) == (FIELDS, [("up", "up load.txt", 10)])
    words = [word for name, value in FIELDS.items() for word in ("--data-urlencode", f"{name}={value}")]
    assert sent(curl(*words)) == (FIELDS, [])
    assert sent(curl("-H", "Content-Type: application/json", "-d", '{"a": [1]}')) == ({"a": [1]}, [])
    assert sent(curl()) == (None, [])


# Time -------------------------------------------------------------------------------------------------------

HEAD = b"--a\nContent-Disposition: "
HOSTILE = {
    "form pairs": (FORM, b"a&"),
    "form escapes": (FORM, b"%41&"),
    "form one field": (FORM, b"%41"),
    "flat boundary": (f"multipart/form-data; boundary={'-' * 8000}", b"-"),
    "periodic boundary": (f"multipart/form-data; boundary={'ab' * 4000}", b"--abab"),
    "longer lines": ("multipart/form-data; boundary=a", b"--ax\n"),
    "parts": ("multipart/form-data; boundary=a", HEAD + b";name=a\n\n\n"),
    "files": ("multipart/form-data; boundary=a", HEAD + b";name=a;filename=b\n\n\n"),
    "lines": ("multipart/form-data; boundary=a", b"--a\nx\n\rx\n"),
}
PARAMETERS = [
    b";a=b",
    b';a="b"',
    b';a=";"',
    b";",
    b"=",
    b";=",
    b'"',
    b'\\"',
    b';a="\\x',
    b'="\\\\',
    b"=; ",
    b'a="',
]


def elapsed(kind: str, body: bytes) -> float:
    """The least of five, in seconds of this thread alone: what else the machine does counts for nothing."""
    times = []
    for _ in range(5):
        start = time.thread_time()
        with contextlib.suppress(BodyError):
            decode(kind, body, lambda *_: None)
        times.append(time.thread_time() - start)
    return min(times)


def assert_linear(kind: str, first: bytes, unit: bytes, last: bytes = b"") -> None:
    small, large = (first + unit * (size // len(unit)) + last for size in (QUARTER // 16, QUARTER))
    # 16 times the size takes 16 times the time; quadratic would be 256 times.
    assert elapsed(kind, large) < 64 * elapsed(kind, small) + 0.02


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_take_linear_time(name: str) -> None:
    kind, unit = HOSTILE[name]
    assert_linear(kind, b"", unit)


@pytest.mark.parametrize("unit", PARAMETERS, ids=repr)
@pytest.mark.parametrize("first", [b"", b';a="'], ids=repr)
def test_hostile_part_headers_take_linear_time(first: bytes, unit: bytes) -> None:
    assert_linear("multipart/form-data; boundary=a", HEAD + first, unit, b"\n\n\n--a--")


# Who called -------------------------------------------------------------------------------------------------

PRINCIPAL = {"kind": "basic", "name": "carol"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, {"principal": PRINCIPAL}),
        ({}, {"principal": PRINCIPAL}),
        ({"a": 1, "kind": "x"}, {"a": 1, "kind": "x", "principal": PRINCIPAL}),
        ({"principal": {"kind": "mtls", "name": "root"}}, {"principal": PRINCIPAL}),
        ([{"a": 1}], [{"a": 1}]),
        ("text", "text"),
        (0, 0),
        (False, False),
    ],
)
def test_the_principal_is_ours(found: Any, expected: Any) -> None:
    assert with_principal(found, PRINCIPAL) == expected
