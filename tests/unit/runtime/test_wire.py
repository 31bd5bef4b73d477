"""Requests from bytes: the tables of spec 02 §1, what could be smuggled, and the same result however bytes arrive."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from agentdc_runtime.http.wire import MAX_BODY, MAX_HEAD, Reader, Refusal, Request

Result = tuple[object, ...]
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


def shown(found: Request | Refusal) -> Result:
    if isinstance(found, Refusal):
        return (found.status, found.error, *(("silent",) if found.silent else ()))
    return found.method, found.path, found.query, found.headers, found.body, found.keep_alive


def read(pieces: list[bytes], timed_out: bool = False) -> list[Result]:
    """All that comes of `pieces` and of the end behind them."""
    reader, results = Reader(), []
    for piece in pieces:
        reader.feed(piece)
        while (found := reader.next()) is not None:
            results.append(shown(found))
            if isinstance(found, Refusal):
                assert reader.next() is reader.finish() is found
                assert reader.buffered == 0
                return results
    last = reader.finish(timed_out)
    return results if last is None else [*results, shown(last)]


def splits(data: bytes) -> Iterator[list[bytes]]:
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    pick = random.Random(len(data))
    for _ in range(20):
        cuts = sorted(pick.choices(range(len(data) + 1), k=pick.randrange(1, 6)))
        yield [data[a:b] for a, b in pairwise([0, *cuts, len(data)])]


def same(data: bytes, timed_out: bool = False) -> list[Result]:
    results = [read(pieces, timed_out) for pieces in splits(data)]
    for other in results[1:]:
        assert other == results[0]
    return results[0]


def got(
    path: str = "/",
    query: str = "",
    *,
    method: str = "GET",
    body: bytes = b"",
    keep: bool = True,
    **headers: str,
) -> Result:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return method, path, query, fields, body, keep


def posted(body: bytes, *, content_length: str = "", transfer_encoding: str = "") -> Result:
    if content_length:
        return got(method="POST", body=body, content_length=content_length)
    return got(method="POST", body=body, transfer_encoding=transfer_encoding)


NAME, READ, LINE = (400, "invalid header name"), (400, "header read failed"), (400, "malformed request line")
LENGTH, LENGTHS = (400, "invalid Content-Length"), (400, "conflicting Content-Length")
CODING, CHUNK = (400, "conflicting Transfer-Encoding"), (400, "invalid chunked body")
PATH, VERSION = (400, "missing path"), (505, "HTTP version not supported")
LARGE, CAP = (431, "headers too large"), (413, "body exceeds server cap")
GOOD: dict[str, tuple[bytes, list[Result]]] = {
    "nothing": (b"", []),
    "plain": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", [got(host="a")]),
    "no header, no Host": (b"GET / HTTP/1.1\r\n\r\n", [got()]),
    "LF": (b"GET / HTTP/1.1\nHost: a\n\n", [got(host="a")]),
    "LF, then CRLF": (b"GET / HTTP/1.1\nHost: a\nB: c\r\n\r\n", [got(host="a", b="c")]),
    "CRLF, then LF": (b"GET / HTTP/1.1\r\nHost: a\r\n\n", [got(host="a")]),
    "LF head before CRLF head": (
        b"GET /1 HTTP/1.1\nHost: a\n\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
        [got("/1", host="a"), got("/2", host="b")],
    ),
    "LF LF, then CRLF": (
        b"GET /1 HTTP/1.1\r\nA: b\n\n\r\n",
        [got("/1", a="b"), PATH],
    ),
    "blank line is CRLF behind LF": (
        b"GET /1 HTTP/1.1\n\r\nGET /2 HTTP/1.1\r\n\r\n",
        [got("/1"), got("/2")],
    ),
    "trailing whitespace": (b"GET / HTTP/1.1 \t\r\nA: b \t\r\n\r\n", [got(a="b")]),
    "no version": (b"GET /\r\n\r\n", [got()]),
    "two spaces": (b"GET  /x HTTP/1.1\r\n\r\n", [got("")]),
    "space in target": (b"GET /a b HTTP/1.1\r\n\r\n", [got("/a")]),
    "query": (b"GET /a?b=c?d#e HTTP/1.1\r\n\r\n", [got("/a", "b=c?d#e")]),
    "empty query": (b"GET /a? HTTP/1.1\r\n\r\n", [got("/a")]),
    "fragment": (b"GET /a#b?c HTTP/1.1\r\n\r\n", [got("/a#b", "c")]),
    "escapes and dots": (b"GET /%2e/../%zz HTTP/1.1\r\n\r\n", [got("/%2e/../%zz")]),
    "absolute form": (b"GET http://h/x?y HTTP/1.1\r\n\r\n", [got("http://h/x", "y")]),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\n\r\n", [got("*", method="OPTIONS")]),
    "UTF-8 target": ("GET /é HTTP/1.1\r\n\r\n".encode(), [got("/é")]),
    "any token": (b"pur|ge! / HTTP/1.1\r\n\r\n", [got(method="pur|ge!")]),
    "line without colon": (b"GET / HTTP/1.1\r\nnothing\r\nA: b\r\n\r\n", [got(a="b")]),
    "a known name without colon": (b"GET / HTTP/1.1\r\nContent-Length\r\n\r\n", [got()]),
    "lengths, one without colon": (
        b"POST / HTTP/1.1\r\nContent-Length\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        [posted(b"x", content_length="1")],
    ),
    "names": (b"GET / HTTP/1.1\r\nHOST:a\r\nX-Y9: b:c\r\n\r\n", [got(host="a", x_y9="b:c")]),
    "empty value": (b"GET / HTTP/1.1\r\nA:\r\nB: \t \r\n\r\n", [got(a="", b="")]),
    "tab in value": (b"GET / HTTP/1.1\r\nA:\tb\tc\t\r\n\r\n", [got(a="b\tc")]),
    "UTF-8 value": ("GET / HTTP/1.1\r\nA: \u00a0é\u00a0\r\n\r\n".encode(), [got(a="\u00a0é\u00a0")]),
    "last wins": (b"GET / HTTP/1.1\r\nA: 1\r\na: 2\r\nHost: b\r\nHost: c\r\n\r\n", [got(a="2", host="c")]),
    "body": (
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na\r\n",
        [posted(b"a\r\n", content_length="3")],
    ),
    "body of a GET": (b"GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", [got(content_length="1", body=b"x")]),
    "no length, no body": (
        b"POST /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
        [got("/1", method="POST"), got("/2")],
    ),
    "length 0": (b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", [posted(b"", content_length="0")]),
    "length with zeros": (
        b"POST / HTTP/1.1\r\nContent-Length: 0000000000000000000000001\r\n\r\nx",
        [posted(b"x", content_length="0000000000000000000000001")],
    ),
    "length of many zeros": (
        b"POST / HTTP/1.1\r\nContent-Length: %s\r\n\r\n" % (b"0" * 30),
        [posted(b"", content_length="0" * 30)],
    ),
    "equal lengths": (
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\ncontent-length:2 \r\n\r\nab",
        [posted(b"ab", content_length="2")],
    ),
    "pipelined": (
        b"POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n\r\n"
        + CHUNKED
        + b"1\r\nc\r\n0\r\n\r\n"
        + b"GET /3 HTTP/1.1\n\n",
        [
            got("/1", method="POST", body=b"ab", content_length="2"),
            got("/2"),
            posted(b"c", transfer_encoding="chunked"),
            got("/3"),
        ],
    ),
    "1.0 closes": (b"GET / HTTP/1.0\r\n\r\n", [got(keep=False)]),
    "1.0 that asks": (
        b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
        [got(connection="Keep-Alive")],
    ),
    "1.0 that asks for both": (
        b"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
        [got(keep=False, connection="keep-alive, close")],
    ),
    "1.1 that closes": (
        b"GET / HTTP/1.1\r\nConnection: x, CLOSE\r\n\r\n",
        [got(keep=False, connection="x, CLOSE")],
    ),
    "close as a part of a word": (
        b"GET / HTTP/1.1\r\nConnection: enclosed\r\n\r\n",
        [got(keep=False, connection="enclosed")],
    ),
    "1.1 that upgrades": (
        b"GET / HTTP/1.1\r\nConnection: Upgrade\r\n\r\n",
        [got(connection="Upgrade")],
    ),
    "1.9": (b"GET / HTTP/1.9\r\n\r\n", [got()]),
    "chunks": (
        CHUNKED + b"3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n",
        [posted(b"abc0123456789", transfer_encoding="chunked")],
    ),
    "chunks that look like ends": (
        CHUNKED + b"7\r\n\r\n0\r\n\r\n\r\n000\r\n\r\n",
        [posted(b"\r\n0\r\n\r\n", transfer_encoding="chunked")],
    ),
    "no chunks": (CHUNKED + b"0\r\n\r\n", [posted(b"", transfer_encoding="chunked")]),
    "CHUNKED": (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
        [posted(b"", transfer_encoding="CHUNKED")],
    ),
    "extensions": (
        CHUNKED + b'1;a\r\nx\r\n1; b="c;d" ;e\r\ny\r\n0;f=g\r\n\r\n',
        [posted(b"xy", transfer_encoding="chunked")],
    ),
    "trailers": (
        CHUNKED + b"1\r\nx\r\n0\r\nX: y\r\nx: z\r\n\r\nGET /2 HTTP/1.1\r\n\r\n",
        [posted(b"x", transfer_encoding="chunked"), got("/2")],
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_requests(case: str) -> None:
    data, expected = GOOD[case]
    assert same(data) == expected


def head(*lines: bytes) -> bytes:
    return b"\r\n".join([b"GET / HTTP/1.1", *lines, b"", b""])


BAD: dict[str, tuple[bytes, Result]] = {
    "invalid UTF-8 in line": (b"GET /\xff HTTP/1.1\r\n\r\n", (400, "request line read failed")),
    "invalid UTF-8 in method": (b"\x80 / HTTP/1.1\r\n", (400, "request line read failed")),
    "one token": (b"GET\r\n", PATH),
    "one token and space": (b"GET \r\n", PATH),
    "empty line": (b"\r\n", PATH),
    "empty LF line": (b"\n", PATH),
    "empty line before a request": (b"\r\nGET / HTTP/1.1\r\n\r\n", PATH),
    "blank line before a request": (b" \r\nGET / HTTP/1.1\r\n\r\n", PATH),
    "tabs between tokens": (b"GET\t/\tHTTP/1.1\r\n\r\n", PATH),
    "tab in target": (b"GET /a\tb HTTP/1.1\r\n\r\n", LINE),
    "leading space": (b" GET / HTTP/1.1\r\n\r\n", LINE),
    "method no token": (b"G@T / HTTP/1.1\r\n\r\n", LINE),
    "method that folds to POST": ("PO\u017fT / HTTP/1.1\r\n\r\n".encode(), LINE),
    "CR in line": (b"GET /\rx HTTP/1.1\r\n\r\n", LINE),
    "CR CR LF": (b"GET / HTTP/1.1\r\r\n\r\n", LINE),
    "NUL in line": (b"GET /\0 HTTP/1.1\r\n\r\n", LINE),
    "ESC in line": (b"GET /\x1b[0m HTTP/1.1\r\n\r\n", LINE),
    "DEL in line": (b"GET /\x7f HTTP/1.1\r\n\r\n", LINE),
    "junk behind the version": (b"GET / HTTP/1.1 x\r\n\r\n", LINE),
    "small http": (b"GET / http/1.1\r\n\r\n", LINE),
    "no minor": (b"GET / HTTP/1\r\n\r\n", LINE),
    "two digits": (b"GET / HTTP/1.10\r\n\r\n", LINE),
    "two major digits": (b"GET / HTTP/11.1\r\n\r\n", LINE),
    "no dot": (b"GET / HTTP/1,1\r\n\r\n", LINE),
    "no number": (b"GET / HTTP/x.y\r\n\r\n", LINE),
    "Arabic digits": ("GET / HTTP/\u0661.\u0661\r\n\r\n".encode(), LINE),
    "2.0": (b"GET / HTTP/2.0\r\n\r\n", VERSION),
    "0.9": (b"GET / HTTP/0.9\r\n\r\n", VERSION),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", (400, "request line read failed")),
    "bad line before bad header": (b"GET\r\nA: \xff\r\n\r\n", PATH),
    "invalid UTF-8 in header": (head(b"A: \xff"), READ),
    "invalid UTF-8 in name": (head(b"\xff: a"), READ),
    "NUL in value": (head(b"A: b\0c"), READ),
    "CR in value": (head(b"A: b\rC: d"), READ),
    "CR before LF": (b"GET / HTTP/1.1\r\nA: b\r\r\n\r\n", READ),
    "CR in a blank line": (b"GET / HTTP/1.1\r\nA: b\r\n\r\r\n\r\n", READ),
    "CR in an LF head": (b"GET / HTTP/1.1\nA: b\rC: d\n\n", READ),
    "CR ends a name": (head(b"A\r: b"), READ),
    "vertical tab in value": (head(b"A: \x0bb"), READ),
    "CR hides chunked": (head(b"A: b\rTransfer-Encoding: chunked"), READ),
    "space before colon": (head(b"Transfer-Encoding : chunked"), NAME),
    "tab before colon": (head(b"Content-Length\t: 1"), NAME),
    "space in name": (head(b"A b: c"), NAME),
    "empty name": (head(b": a"), NAME),
    "folded": (head(b"A: b", b" c"), NAME),
    "folded with colon": (head(b"A: b", b" C: d"), NAME),
    "folded with tab": (head(b"A: b", b"\tc"), NAME),
    "folded first": (head(b" A: b"), NAME),
    "folded to nothing": (head(b"A: b", b" "), NAME),
    "folded length": (head(b"Content-Length:", b" 5"), NAME),
    "name no token": (head(b"A(b): c"), NAME),
    "name not ASCII": (head("Ä: b".encode()), NAME),
    "Kelvin sign": (head("X-\u212aey: b".encode()), NAME),
    "length with sign": (head(b"Content-Length: +5"), LENGTH),
    "length below zero": (head(b"Content-Length: -1"), LENGTH),
    "length list": (head(b"Content-Length: 5,5"), LENGTH),
    "length hex": (head(b"Content-Length: 0x5"), LENGTH),
    "length with underscore": (head(b"Content-Length: 1_0"), LENGTH),
    "length with space": (head(b"Content-Length: 1 0"), LENGTH),
    "length empty": (head(b"Content-Length:"), LENGTH),
    "length float": (head(b"Content-Length: 5.0"), LENGTH),
    "length in Arabic": (head("Content-Length: \u0665".encode()), LENGTH),
    "length superscript": (head("Content-Length: \u00b2".encode()), LENGTH),
    "length behind no-break space": (head("Content-Length: \u00a05".encode()), LENGTH),
    "lengths differ": (head(b"Content-Length: 5", b"A: b", b"content-length: 6"), LENGTHS),
    "lengths differ by a zero": (head(b"Content-Length: 5", b"Content-Length: 05"), LENGTHS),
    "lengths differ, one empty": (head(b"Content-Length:", b"Content-Length: 0"), LENGTHS),
    "length above": (head(b"Content-Length: 1048577"), CAP),
    "length far above": (head(b"Content-Length: " + b"9" * 6000), CAP),
    "coding and length": (head(b"Transfer-Encoding: chunked", b"Content-Length: 5"), CODING),
    "length and coding": (head(b"Content-Length: 5", b"Transfer-Encoding: chunked"), CODING),
    "other coding": (head(b"Transfer-Encoding: gzip"), CODING),
    "two codings": (head(b"Transfer-Encoding: gzip, chunked"), CODING),
    "chunked twice": (head(b"Transfer-Encoding: chunked, chunked"), CODING),
    "chunked in two fields": (head(b"Transfer-Encoding: chunked", b"transfer-encoding: chunked"), CODING),
    "chunked and another field": (head(b"Transfer-Encoding: x", b"Transfer-Encoding: chunked"), CODING),
    "coding empty": (head(b"Transfer-Encoding:"), CODING),
    "coding with parameter": (head(b"Transfer-Encoding: chunked;q=1"), CODING),
    "coding quoted": (head(b'Transfer-Encoding: "chunked"'), CODING),
    "coding behind no-break space": (head("Transfer-Encoding: \u00a0chunked".encode()), CODING),
    "coding with Kelvin sign": (head("Transfer-Encoding: chun\u212aed".encode()), CODING),
    "coding in 1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CODING),
    **{
        f"chunk {data!r}": (CHUNKED + data, CHUNK)
        for data in (
            b"\r\n", b"x\r\n", b"+1\r\nx\r\n", b"-1\r\nx\r\n", b"0x1\r\nx\r\n", b"1_0\r\n", b" 1\r\nx\r\n",
            b"1 \r\nx\r\n", b"1\t;a\r\nx\r\n", b"1 ;a\r\nx\r\n", b";a\r\n", b"1,2\r\n", b"1\rx\r\n",
            b"1\nx\r\n0\r\n\r\n", b"1;a\nx\r\n", b"1;a\rb\r\nx\r\n", b"1;\0\r\nx\r\n", b"1\r\nxy\r\n",
            b"1\r\nx\n0\r\n\r\n", b"1\r\nx\r0\r\n",
            b"1\r\nx0\r\n\r\n", b"0" * 17 + b"\r\n", b"1" * 17 + b"\r\n", "\u0661\r\nx\r\n".encode(),
            b"0\r\n x: y\r\n\r\n", b"0\r\nx : y\r\n\r\n", b"0\r\n\n\r\n\r\n", b"0\r\n\rx\r\n\r\n",
            b"0\r\nx: y\n\r\n\r\n",
            b"0\r\nx: \0\r\n\r\n", b"0\r\nx: \xff\r\n\r\n", b"0\r\nGET / HTTP/1.1\r\n: x\r\n\r\n",
            b"0\r\nx\r\n\r\n", b"0\r\ncontent-length: 5\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
    },
    "chunk above": (CHUNKED + b"100001\r\n", CAP),
    "chunk far above": (CHUNKED + b"f" * 16 + b"\r\n", CAP),
    "chunks above": (CHUNKED + b"1\r\nx\r\n100000\r\n", CAP),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_refusals(case: str) -> None:
    data, expected = BAD[case]
    assert same(data) == [expected]
    assert same(b"GET /before HTTP/1.1\r\n\r\n" + data) == [got("/before"), expected]


@pytest.mark.parametrize(
    ("data", "ended", "timed_out"),
    [
        (b"", [], []),
        (b"G", [PATH], [(400, "request line read failed", "silent")]),
        (b"GET ", [PATH], [(400, "request line read failed", "silent")]),
        (b"GET /", [(400, "unexpected EOF in headers")], [(400, "request line read failed", "silent")]),
        (b"GET /\xff", [(400, "request line read failed")], [(400, "request line read failed", "silent")]),
        (b"GET / HTTP/1.1\r", [(400, "unexpected EOF in headers")], [(400, "request line read failed", "silent")]),
        (b"GET / HTTP/1.1\r\n", [(400, "unexpected EOF in headers")], [READ]),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r", [(400, "unexpected EOF in headers")], [READ]),
        (head(b"Content-Length: 2"), [(400, "truncated body")], [(400, "truncated body")]),
        (head(b"Content-Length: 2") + b"x", [(400, "truncated body")], [(400, "truncated body")]),
        (CHUNKED, [(400, "truncated body")], [(400, "truncated body")]),
        (CHUNKED + b"1", [(400, "truncated body")], [(400, "truncated body")]),
        (CHUNKED + b"2\r\nxy\r", [(400, "truncated body")], [(400, "truncated body")]),
        (CHUNKED + b"0\r\nA: b\r\n", [(400, "truncated body")], [(400, "truncated body")]),
    ],
)  # fmt: skip
def test_ends(data: bytes, ended: list[Result], timed_out: list[Result]) -> None:
    assert same(data) == ended
    assert same(data, timed_out=True) == timed_out
    before, first = b"GET /1 HTTP/1.1\r\n\r\n", got("/1")
    assert same(before + data) == [first, *ended]
    assert same(before + data, timed_out=True) == [first, *timed_out]


def padded(size: int, end: bytes = b"\r\n\r\n") -> bytes:
    start = b"GET / HTTP/1.1\r\nA: "
    return start + b"x" * (size - len(start) - len(end)) + end


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\n\r\n"])
def test_a_head_has_a_limit(end: bytes) -> None:
    whole = padded(MAX_HEAD, end)
    assert [each[0] for each in read([whole])] == ["GET"]
    assert [each[0] for each in read([whole, padded(MAX_HEAD, end)])] == ["GET", "GET"]
    over = padded(MAX_HEAD + 1, end)
    assert read([over]) == [LARGE]
    assert read([over[at : at + 1] for at in range(len(over))]) == [LARGE]


@pytest.mark.parametrize(
    "data", [b"x" * 20_000, b"GET /" + b"x" * 20_000, head(*[b"a: b"] * 4_000), b"\xff" * 20_000]
)
def test_a_head_without_an_end_has_a_limit(data: bytes) -> None:
    assert read([data]) == [LARGE]
    assert read([data[at : at + 7] for at in range(0, len(data), 7)]) == [LARGE]
    assert read([data[:MAX_HEAD]], timed_out=True) != [LARGE]
    assert read([data[:MAX_HEAD], b"x"]) == [LARGE]


def test_a_bad_line_comes_before_a_head_too_large() -> None:
    assert read([b"GET\r\n" + b"x" * 20_000]) == [PATH]


def test_a_body_has_a_limit() -> None:
    full = bytes(MAX_BODY)
    (found,) = read([head(b"Content-Length: 1048576"), full])
    assert found[4] == full
    half = b"%x\r\n%s\r\n" % (MAX_BODY // 2, bytes(MAX_BODY // 2))
    (found,) = read([CHUNKED + half + half, b"0\r\n\r\n"])
    assert found[4] == full
    assert read([CHUNKED + half + half, b"1\r\n"]) == [CAP]
    reader = Reader(max_body=4)
    reader.feed(head(b"Content-Length: 5"))
    refusal = reader.next()
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.extra) == (413, {"cap_bytes": 4})


def test_what_chunks_add_has_a_limit() -> None:
    """Extensions and trailers together, over all chunks of a body."""
    end = b"0\r\n\r\n"
    most = CHUNKED + b"1;" + b"x" * (MAX_HEAD - 1) + b"\r\nx\r\n"
    assert read([most + end])[0][4] == b"x"
    assert read([most + b"1;\r\n"]) == [CHUNK]
    assert same(most + b"0\r\nA: b\r\n\r\n") == [CHUNK]
    assert same(most[: len(CHUNKED) + 2] + b"x" * MAX_HEAD + b"\r\nx\r\n" + end) == [CHUNK]
    assert read([CHUNKED + b"1;" + b"x" * 20_000]) == [CHUNK]
    assert read([CHUNKED + b"1;" + b"x" * 20_000 + b"\r\nx\r\n" + end]) == [CHUNK]
    assert read([CHUNKED + b"1;xxxxxxx\r\nx\r\n" * 2_048 + end])[0][4] == b"x" * 2_048
    assert read([CHUNKED + b"1;xxxxxxx\r\nx\r\n" * 2_049 + end]) == [CHUNK]
    trailers = b"0\r\n" + b"A: b\r\n" * 2_730
    assert read([CHUNKED + trailers + b"\r\n"])[0][4] == b""
    assert read([CHUNKED + trailers + b"A: b\r\n\r\n"]) == [CHUNK]
    assert read([CHUNKED + b"0\r\n" + b"x" * 20_000]) == [CHUNK]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (head(b"Content-Length: 1", b"Expect: 100-continue"), True),
        (head(b"Content-Length: 1", b"expect: 100-Continue"), True),
        (head(b"Transfer-Encoding: chunked", b"Expect: 100-continue"), True),
        (head(b"Content-Length: 1"), False),
        (head(b"Content-Length: 1", b"Expect: 200-ok"), False),
        (head(b"Content-Length: 2", b"Expect: 100-continue") + b"x", False),
        (head(b"Transfer-Encoding: chunked", b"Expect: 100-continue") + b"1", False),
        (head(b"Transfer-Encoding: chunked", b"Expect: 100-continue") + b"1\r\n", False),
        (head(b"Content-Length: 0", b"Expect: 100-continue"), False),
        (head(b"Expect: 100-continue"), False),
        (head(b"Content-Length: 9999999", b"Expect: 100-continue"), False),
        (b"GET / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", False),
        (head(b"Content-Length: 1", b"Expect: 100-continue")[:-1], False),
    ],
)
def test_continue(data: bytes, wanted: bool) -> None:
    reader = Reader()
    reader.feed(data)
    reader.next()
    assert reader.wants_continue() is wanted
    assert reader.wants_continue() is False
    reader.feed(b"x")
    reader.next()
    assert reader.wants_continue() is False


def test_a_continue_that_was_not_sent_is_not_sent_to_the_next_request() -> None:
    reader = Reader()
    reader.feed(head(b"Content-Length: 1", b"Expect: 100-continue") + b"x" + head(b"Content-Length: 1"))
    assert isinstance(reader.next(), Request)
    assert reader.next() is None
    assert reader.phase == "body"
    assert not reader.wants_continue()


def test_phases() -> None:
    reader = Reader()
    seen = [reader.phase]
    for piece in (b"G", b"ET / HTTP/1.1\r\n", b"Content-Length: 2\r\n\r\n", b"x", b"y"):
        reader.feed(piece)
        reader.next()
        seen.append(f"{reader.phase} {reader.buffered}")
    assert seen == ["idle", "head 1", "head 16", "body 0", "body 1", "idle 0"]
    reader.feed(CHUNKED + b"2\r\nab\r\n1")
    reader.next()
    assert (reader.phase, reader.buffered) == ("body", 3)


def test_what_follows_an_upgrade_is_handed_over() -> None:
    reader = Reader()
    reader.feed(head(b"Connection: upgrade") + b"\x81\x00")
    assert isinstance(reader.next(), Request)
    assert reader.rest() == b"\x81\x00"
    assert (reader.phase, reader.rest(), reader.next()) == ("idle", b"", None)


@pytest.mark.parametrize(
    "data",
    [
        padded(MAX_HEAD),
        b"x" * MAX_HEAD,
        head(*[b"a: b"] * 2_700),
        b"GET / HTTP/1.1\n" + b"a: b\n" * 3_200,
        head(b"Content-Length: 16384") + b"x" * 16_383,
        CHUNKED + b"1;" + b"x" * 16_000,
        CHUNKED + b"4000\r\n" + b"x" * 16_000,
        CHUNKED + b"0\r\n" + b"a:b\r\n" * 3_200,
    ],
)
def test_byte_by_byte_is_linear(data: bytes) -> None:
    """Each byte costs the same, whether it is among the first or the last ones: a search from 0 would not."""
    quarter = len(data) // 4

    def ratio() -> float:
        reader, marks = Reader(), []
        for at in range(len(data)):
            if at % quarter == 0:
                marks.append(time.thread_time())
            reader.feed(data[at : at + 1])
            reader.next()
        return (marks[-1] - marks[-2]) / (marks[1] - marks[0])

    assert min(ratio() for _ in range(5)) < 2.5
