"""A short, seeded run of streams through the reader of requests, beside two other readers."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest
import readers
from octets import Streams, tried_octets
from probe import Failure
from readers import difference, of_h11, of_llhttp, ours

from agentdc_runtime.http import wire

STREAMS = 1_500


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_all_readers_agree_however_the_bytes_come(seed: int) -> None:
    came: Counter[str] = Counter()
    for data in itertools.islice(Streams(seed), STREAMS):
        found = tried_octets(data)
        assert not isinstance(found, Failure), f"{found.shown}\n{data!r}"
        came[found] += 1
        came["ours"] += not isinstance(ours(data), str)
        came["both"] += of_h11(data) is not None and of_llhttp(data) is not None
    # Or there would be nothing to compare.
    assert came["read"] > STREAMS / 10
    assert came["ours"] > STREAMS / 5
    assert came["both"] > STREAMS / 10


def test_the_same_seed_gives_the_same_streams() -> None:
    first, second, other = (list(itertools.islice(Streams(seed), 30)) for seed in (7, 7, 8))
    assert first == second != other


STRICT = b"POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (STRICT, b""),
        (STRICT, b"GET / HTTP/1.1\r\n\r\n"),
        (b"POST /a?b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"x"),
    ],
)
def test_readers_see_the_same(data: bytes, end: bytes) -> None:
    we, one, other = ours(data + end), of_h11(data + end), of_llhttp(data + end)
    assert not isinstance(we, str)
    assert we == one == other
    assert (we[0], we[1], we[3], we[4]) == (b"POST", b"/a?b", b"hi", len(data))


wire_fields: Callable[[list[str]], dict[str, str]] = wire._fields
WRONG: dict[str, Callable[[list[str]], dict[str, str]]] = {
    "the first one wins": lambda lines: wire_fields(lines[::-1]),
    "a field is lost": lambda lines: wire_fields(lines[1:]),
    "values in lower case": lambda lines: {name: value.lower() for name, value in wire_fields(lines).items()},
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_reader_that_is_wrong_is_noticed(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_fields", WRONG[mistake])
    data = STRICT.replace(b"Host: a\r\n", b"Host: A\r\nX: B\r\nx: C\r\n")
    assert difference(data) is not None
    assert isinstance(tried_octets(data), Failure)


def test_a_reader_that_depends_on_the_pieces_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"GET\r\nA: \xff\r\n\r\n"  # two mistakes
    assert tried_octets(data) == "refused"
    real = wire.Reader._judge_line
    monkeypatch.setattr(wire.Reader, "_judge_line", lambda reader: len(reader._buffer) < 9 and real(reader))
    assert isinstance(tried_octets(data), Failure)


def test_what_is_tolerated_is_all_that_differs() -> None:
    """Each tolerance alone: we accept, a strict reader does not, and the proper form is what we saw."""
    for data in (
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        b"GET /\r\nHost: a\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.9\r\nHost: a\r\n\r\n",
        b"X!y / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /é HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
        b"GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: b\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ):
        assert not isinstance(ours(data), str)
        assert of_h11(data) is None or of_llhttp(data) is None
        assert difference(data) is None


@pytest.mark.parametrize("error", readers.STRICTER)
def test_what_we_refuse_alone(error: str) -> None:
    """Each entry of the list is needed: both peers take this."""
    data = {
        "header read failed": STRICT.replace(b": a", b": \xff"),
        "headers too large": STRICT.replace(b": a", b": " + b"a" * 17_000),
        "HTTP version not supported": STRICT.replace(b"1.1", b"2.0"),
        "conflicting Transfer-Encoding": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "invalid chunked body": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"0" * 17
        + b"\r\n\r\n",
    }[error]
    assert ours(data) == error
    assert of_h11(data) == of_llhttp(data) is not None
    assert difference(data) is None
