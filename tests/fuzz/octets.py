"""Bytes that are nearly HTTP requests, and what must hold of the reader of requests whatever they are.

A stream is a function of the seed alone. What is right is asked of `readers`: two peers, and what we say of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from probe import Broken, Failure
from readers import difference

from agentdc_runtime.http.wire import MAX_BODY, MAX_HEAD, Reader, Refusal

# fmt: off
LINES = (
    b"GET / HTTP/1.1", b"POST /a?b=c HTTP/1.1", b"GET / HTTP/1.0", b"PUT /a%20b#c?d HTTP/1.1", b"GET  / HTTP/1.1",
    b"GET /a b HTTP/1.1", b"GET /", b"GET", b"", b" GET / HTTP/1.1", b"get / HTTP/1.1", b"X!y / HTTP/1.1",
    b"G@T / HTTP/1.1", b"GET / HTTP/2.0", b"GET / HTTP/1.9", b"GET / http/1.1", b"GET / HTTP/1.1 ",
    b"GET /\t HTTP/1.1",
    b"GET http://h/x HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT h:1 HTTP/1.1", b"GET /\xc3\xa9 HTTP/1.1",
    b"GET /\xff HTTP/1.1", b"GET /\x00 HTTP/1.1", b"GET /\r HTTP/1.1", b"PRI * HTTP/2.0", b"HEAD /;x=1,2 HTTP/1.1",
)
FIELDS = (
    b"Accept: */*", b"A: b", b"a:  c\t", b"A:", b"Content-Type: application/json", b"X-Y_z.9: 1", b"A: \xc3\xa9",
    b"Connection: close", b"Connection: keep-alive", b"Connection: upgrade", b"Upgrade: websocket",
    b"Expect: 100-continue", b"Host: a", b"host:b:1 ", b"nothing", b": a", b" folded", b"\tfolded", b" A: b",
    b"A : b",
    b"A\t: b", b"A(b): c", b"\xc3\xa4: b", b"A: \xff", b"A: \x00", b"A: b\rc", b"A: b\x0bc", b"A: b\x7f",
    b"A: \xc2\xa0b",
)
LENGTHS = (
    b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 5", b"content-length:5", b"Content-Length: 05",
    b"Content-Length: +5", b"Content-Length: -5", b"Content-Length: 5,5", b"Content-Length: 5, 5",
    b"Content-Length: 0x5", b"Content-Length: 5 5", b"Content-Length:", b"Content-Length: 99999999999999999999999",
    b"Content-Length: 1048577", b"Content-Length : 5", b"Content-Length: \xc2\xa05", b"Content_Length: 5",
    b"Content-Length\x00: 5", b"Content-Length\r: 5", b"Content-Length: 5\r",
)
CODINGS = (
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", b"transfer-encoding:chunked ",
    b"Transfer-Encoding: CHUNKED", b"Transfer-Encoding : chunked", b"Transfer-Encoding: gzip",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: chunked, x",
    b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: \xc2\xa0chunked", b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding:\n chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding:",
    b"Transfer_Encoding: chunked",
)
CHUNKS = (
    b"5\r\nhello\r\n", b"05\r\nhello\r\n", b"a\r\n0123456789\r\n", b"A\r\n0123456789\r\n", b"1;x=y\r\nz\r\n",
    b'1;x="y;z"\r\nz\r\n', b"1;\r\nz\r\n", b"5 \r\nhello\r\n", b" 5\r\nhello\r\n", b"+5\r\nhello\r\n",
    b"0x5\r\nhello\r\n", b"5_\r\nhello\r\n", b"5\nhello\r\n", b"5\r\nhello\n", b"5\r\nhello", b"5\r\nhell\r\n",
    b"5;\nhello\r\n", b"5;a\rb\r\nhello\r\n", b"5\r\rhello\r\n", b"\r\n", b"-1\r\n", b"fffffffffffffffff\r\n",
    b"ffffffff\r\n", b"00000000000000000005\r\nhello\r\n", b"1;\x00\r\nz\r\n", b"100001\r\n",
)
LAST = (
    b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\n\r\n", b"00\r\n\r\n", b"0;x\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"0\n\n",
    b"0\r\n\n", b"0\r\nA: b\n\r\n", b"0\r\n A: b\r\n\r\n", b"0\r\nA : b\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n",
    b"0\r\n", b"", b"0\r\nx\r\n\r\n",
)
NOISE = (
    b"\r", b"\n", b"\r\n", b"\x00", b" ", b"\t", b":", b"0", b"5", b"\xff", b"\xc3\xa9", b"\x7f", b",", b";", b"\x85",
)
# fmt: on


class Streams:
    """An endless supply of streams; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __iter__(self) -> Iterator[bytes]:
        pick = self._random
        while True:
            data = b"".join(self._message() for _ in range(pick.choice((1, 1, 1, 2, 3))))
            if pick.random() < 0.4:
                data = self._noise(data)
            yield data[: pick.randrange(len(data) + 1)] if pick.random() < 0.1 else data

    def _message(self) -> bytes:
        """Half of them sound but for what is drawn from the tables."""
        pick = self._random
        sound = pick.random() < 0.5
        lines = [LINES[pick.randrange(2)] if sound else pick.choice(LINES), b"Host: a"]
        lines += pick.choices(FIELDS[:12] if pick.random() < 0.7 else FIELDS, k=pick.choice((0, 1, 1, 2, 4)))
        body = b""
        framing = pick.random()
        if framing < 0.4:
            lines += pick.choices(LENGTHS[:4] if sound else LENGTHS, k=pick.choice((1, 1, 1, 2)))
            body = pick.choice((b"hello", b"hello", b"he\r\n\r", b"hell", b"hello!"))
        elif framing < 0.8:
            lines += pick.choices(CODINGS[:4] if sound else CODINGS, k=pick.choice((1, 1, 1, 1, 2)))
            chunks = CHUNKS[:6] if pick.random() < 0.5 else CHUNKS
            body = b"".join(pick.choices(chunks, k=pick.randrange(4)))
            body += pick.choice(LAST[:6] if sound else LAST)
        if pick.random() < 0.05:
            lines += pick.choices(LENGTHS + CODINGS, k=1)
        if pick.random() < 0.01:
            lines.append(b"A: " + b"x" * pick.randrange(MAX_HEAD - 200, MAX_HEAD + 200))
        rest = lines[1:]
        pick.shuffle(rest)
        end = pick.choice((b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", None))
        mixed = (b"\r\n", b"\n") if pick.random() < 0.7 else (b"\r\n", b"\n", b"\r\r\n", b" \r\n")
        ends = [pick.choice(mixed) if end is None else end for _ in range(9)]
        head = [line + ends[at % 9] for at, line in enumerate([lines[0], *rest, b""])]
        return b"".join(head) + body

    def _noise(self, data: bytes) -> bytes:
        """The stream with bytes lost, doubled, replaced or put in."""
        pick = self._random
        for _ in range(pick.randrange(1, 3)):
            at = pick.randrange(len(data) + 1)
            end = min(len(data), at + pick.choice((0, 0, 1, 1, 2, 9)))
            new = pick.choice((b"", data[at:end] * 2, pick.choice(NOISE), pick.choice(NOISE)))
            data = data[:at] + new + data[end:]
        return data


def tried_octets(data: bytes) -> str | Failure:
    """How reading ends (`refused`, `read`, `nothing`), or what went wrong on the way."""
    try:
        return _tried(data)
    except Exception as error:  # noqa: BLE001 - anything at all that comes out of the reader is a finding
        return Failure(error)


def _tried(data: bytes) -> str:
    whole = _read([data])
    apart = difference(data)
    if apart is not None:
        raise Broken(apart)
    pick = random.Random(len(data))
    for size in (1, 2, 3, pick.randrange(4, 100)):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        if _read(pieces) != whole:
            raise Broken(f"in pieces of {size} bytes {data!r} gives {_read(pieces)}, at once {whole}")
    if not whole:
        return "nothing"
    return "refused" if len(whole[-1]) == 2 else "read"


def _read(pieces: list[bytes]) -> list[tuple[object, ...]]:
    reader = Reader()
    results: list[tuple[object, ...]] = []
    for piece in pieces:
        reader.feed(piece)
        while (found := reader.next()) is not None:
            if isinstance(found, Refusal):
                return [*results, (found.status, found.error)]
            if (
                len(found.body) > MAX_BODY
                or not found.method.isascii()
                or not "".join(found.headers).isascii()
            ):
                raise Broken(f"{found.method!r} {found.headers} {len(found.body)}")
            results.append(
                (found.method, found.path, found.query, found.headers, found.body, found.keep_alive)
            )
        reader.wants_continue()
        if (reader.phase == "idle") is not (reader.buffered == 0 and reader.phase != "body"):
            raise Broken(f"{reader.phase} with {reader.buffered} bytes")
    last = reader.finish()
    return results if last is None else [*results, (last.status, last.error)]
