"""Bytes of a connection to HTTP/1.1 requests, or to the refusal that ends it (spec 02 §1.1-1.2). Links nothing.

Theory of operation. `Reader` has no socket and no clock. The owner feeds it what arrives and asks for the `next`
request until it gets None; one buffer holds what has not been given out.

    head ──blank line──▶ body ──last byte──▶ a Request, and head again
      └──────────────────┴──▶ a Refusal, for good: the place where the next request begins is no longer certain

A head is looked at when it is complete, except that its first line is judged as soon as it is there. No byte is
searched twice, so a peer that sends one byte at a time costs no more than one that sends all at once: the search for
the end of a head resumes where it stopped, and a body is not touched before its next needed byte has come. A chunked
body (`Chunks`) is unwrapped chunk by chunk.

The dialect forgives where the reference does (RFC 9112 §2.2 permits a lone LF; lines without a colon are skipped;
the target ends at the first space). It never forgives where two readers could see two different requests: whitespace
around a name, folded lines, control characters, two lengths. What it gives out has ASCII tokens as method and names.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_HEAD = 16_384  # bytes of request line and headers, line ends and blank line included
MAX_BODY = 1_048_576  # bytes of a decoded body
_UNKNOWN = -1  # as a length: what the chunks say; as the size of a chunk: its first line has not come
_MAX_DIGITS = 16  # of a chunk size; zeros in front are legal, an endless row of them is not

_HEX = b"0123456789abcdefABCDEF"
_DIGITS = frozenset("0123456789")
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # RFC 9110 §5.6.2
_PLAIN = bytes({9, *range(0x20, 0x100)} - {0x7F})  # what may stand in a line: RFC 9110 §5.5
# fmt: off
_USUAL = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Connection", "Content-Length",
    "Content-Type", "Cookie", "Expect", "Host", "Idempotency-Key", "Origin", "Referer", "Traceparent",
    "Transfer-Encoding", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
    "X-Hub-Signature-256", "X-Real-IP", "X-Request-ID",
)
# fmt: on
_NAMES = {name: each.lower() for each in _USUAL for name in (each, each.lower())}  # known to be tokens
_COMMON = frozenset(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"))


class Request:
    """One request. `path`: the target up to the first `?`, as sent; `query`: what follows it; names in lower case."""

    __slots__ = ("body", "headers", "keep_alive", "method", "path", "query")

    def __init__(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes, keep_alive: bool
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.keep_alive = keep_alive


class Refusal:
    """Why a connection ends. `extra`: further members of the JSON body; `silent`: close without an answer."""

    __slots__ = ("error", "extra", "silent", "status")

    def __init__(self, status: int, error: str, extra: dict[str, Any], silent: bool) -> None:
        self.status = status
        self.error = error
        self.extra = extra
        self.silent = silent


class _Refused(Exception):
    """Carries a refusal from where it is found to `Reader`."""

    def __init__(self, error: str, status: int = 400, extra: dict[str, Any] | None = None) -> None:
        super().__init__(error)
        self.refusal = Refusal(status, error, extra or {}, False)


class Reader:
    """Reads the requests of one connection. `max_body`: bytes, after chunks are unwrapped."""

    __slots__ = (
        "_buffer",
        "_chunks",
        "_continue",
        "_length",
        "_line_judged",
        "_max_body",
        "_refusal",
        "_request",
        "_searched",
    )

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._max_body = max_body
        self._buffer = bytearray()
        self._searched = 0  # bytes in which no end of the head begins
        self._line_judged = False  # the first line of an incomplete head has been judged
        self._request: Request | None = None  # the one whose body is being read
        self._length = 0
        self._chunks: Chunks | None = None
        self._continue = False
        self._refusal: Refusal | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes from the peer; those behind a refusal are dropped."""
        if self._refusal is None:
            self._buffer += data

    def next(self) -> Request | Refusal | None:
        """The next complete request, the refusal that ended this connection, or None when more bytes are needed."""
        if self._refusal is not None:
            return self._refusal
        try:
            if self._request is None:
                if not self._buffer:
                    return None
                request = self._read_head()
                if request is None or self._length == 0:
                    return request
                self._request = request
            return self._read_body(self._request)
        except _Refused as refused:
            return self._refuse(refused.refusal)

    def wants_continue(self) -> bool:
        """Whether to send `100 Continue` now: true once, while a body that waits for it has not begun to arrive."""
        asked, self._continue = self._continue, False
        return asked and not self._buffer and (self._chunks is None or self._chunks.untouched)

    def finish(self, timed_out: bool = False) -> Refusal | None:
        """The refusal that fits when no more bytes come, after `next` gave None; None between two requests."""
        if self._refusal is not None or not (self._buffer or self._request):
            return self._refusal
        if self._request is not None:
            error = "truncated body"
        elif b"\n" in self._buffer:
            error = "header read failed" if timed_out else "unexpected EOF in headers"
        elif timed_out:
            return self._refuse(Refusal(400, "request line read failed", {}, True))
        else:
            error = self._cut_line()
        return self._refuse(Refusal(400, error, {}, False))

    @property
    def phase(self) -> str:
        """`idle` with no byte of the next request, `head` within its head, `body` behind it."""
        if self._request is not None:
            return "body"
        return "head" if self._buffer else "idle"

    @property
    def buffered(self) -> int:
        """How many bytes are held."""
        return len(self._buffer) + (0 if self._chunks is None else len(self._chunks.data))

    def rest(self) -> bytes:
        """Give up what has been read beyond the last request: it belongs to another protocol from here on."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _refuse(self, refusal: Refusal) -> Refusal:
        self._refusal = refusal
        self._request = self._chunks = None
        self._continue = False
        self._buffer.clear()
        return refusal

    def _cut_line(self) -> str:
        """What is wrong with a request line that the end of the stream ends, as in the reference."""
        try:
            line = _lines(self._buffer + b"\n")[0]
        except _Refused as refused:
            return refused.refusal.error
        return "unexpected EOF in headers" if " " in line.rstrip(" \t") else "missing path"

    def _read_head(self) -> Request | None:
        """A request whose body is still to be read, `_length` bytes of it."""
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", self._searched, MAX_HEAD)
        after = end + 4
        lines = None if end < 0 else _clean_lines(buffer[: end + 2])
        if lines is None:
            self._judge_line()
            end, after = self._mixed_end()
            if end < 0:
                if len(buffer) > MAX_HEAD:
                    raise _Refused("headers too large", 431)
                self._searched = max(0, len(buffer) - 3)
                return None
            lines = _lines(buffer[:end])
        method, target, modern = _request_line(lines.pop(0))
        headers = _fields(lines)
        self._length = 0
        if "content-length" in headers or "transfer-encoding" in headers:
            self._expect_body(headers, modern)
        del buffer[:after]
        self._searched = 0
        self._line_judged = False
        keep = modern
        if "connection" in headers:
            wish = headers["connection"].lower()
            keep = "close" not in wish and (modern or "keep-alive" in wish)
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, b"", keep)

    def _judge_line(self) -> None:
        """Refuse a bad first line at once, whatever follows it, so that the outcome is the same for all splits."""
        if self._line_judged:
            return
        newline = self._buffer.find(b"\n", self._searched, MAX_HEAD)
        if newline >= 0:
            self._line_judged = True
            _request_line(_lines(self._buffer[: newline + 1])[0])

    def _mixed_end(self) -> tuple[int, int]:
        """Where the lines of the head end, and where its blank line does, when a lone LF may end either; or -1."""
        end = self._buffer.find(b"\n\r\n", self._searched, MAX_HEAD)
        lone = self._buffer.find(b"\n\n", self._searched, MAX_HEAD if end < 0 else end + 1)
        if lone >= 0:
            return lone + 1, lone + 2
        return (-1, -1) if end < 0 else (end + 1, end + 3)

    def _expect_body(self, headers: dict[str, str], modern: bool) -> None:
        coding = headers.get("transfer-encoding")
        if coding is not None:
            # RFC 9112 §6.1: both lengths at once, and a coding before 1.1 knew it, are how requests are smuggled.
            known = coding.isascii() and coding.lower() == "chunked"  # a Kelvin sign becomes a k in lower()
            if not known or "content-length" in headers or not modern:
                raise _Refused("conflicting Transfer-Encoding")
            self._length = _UNKNOWN
            self._chunks = Chunks(self._max_body)
        else:
            self._length = _length(headers["content-length"], self._max_body)
        # RFC 9110 §10.1.1: an expectation of an HTTP/1.0 client is not for us.
        self._continue = modern and self._length != 0 and headers.get("expect", "").lower() == "100-continue"

    def _read_body(self, request: Request) -> Request | None:
        if self._chunks is not None:
            if not self._chunks.take(self._buffer):
                return None
            request.body = bytes(self._chunks.data)
            self._chunks = None
        else:
            if len(self._buffer) < self._length:
                return None
            request.body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
        self._request = None
        self._continue = False
        return request


class Chunks:
    """Unwraps a chunked body (RFC 9112 §7.1). `data`: what it has so far.

    Here a line ends with CRLF and nothing else: §2.2 forgives a lone LF in a head only, and readers that disagree
    about the end of a chunk line disagree about all that follows. Extensions and trailer fields are dropped; all of
    them together may have `MAX_HEAD` bytes.
    """

    __slots__ = ("_max", "_need", "_searched", "_size", "_spare", "data", "untouched")

    def __init__(self, max_body: int) -> None:
        self.data = bytearray()
        self.untouched = True
        self._max = max_body
        self._size = _UNKNOWN  # of the chunk at the front of the buffer, when its first line has been taken
        self._need = 1  # bytes in the buffer without which there is nothing to do
        self._searched = 0  # bytes in which the end that is looked for does not begin
        self._spare = MAX_HEAD

    def take(self, buffer: bytearray) -> bool:
        """Take what is complete from the front of `buffer`; true when that was the end of the body."""
        if len(buffer) < self._need:
            return False
        self.untouched = False
        at = 0
        while self._size:
            if self._size < 0:
                end = buffer.find(b"\r\n", at + self._searched, at + self._spare + _MAX_DIGITS + 2)
                if end < 0:
                    return self._wait(buffer, at, self._spare + _MAX_DIGITS + 2, 1)
                self._size = self._chunk_size(buffer[at:end])
                self._searched = 0
                at = end + 2
                continue
            after = at + self._size
            if len(buffer) < after + 2:
                del buffer[:at]
                self._need = self._size + 2
                return False
            if buffer[after : after + 2] != b"\r\n":
                raise _Refused("invalid chunked body")
            self.data += buffer[at:after]
            self._size = _UNKNOWN
            at = after + 2
        return self._end(buffer, at)

    def _chunk_size(self, line: bytearray) -> int:
        digits = line
        if line.translate(None, _HEX):
            digits, mark, extension = line.partition(b";")
            self._spare -= len(extension) + len(mark)
            if self._spare < 0 or digits.translate(None, _HEX) or extension.translate(None, _PLAIN):
                raise _Refused("invalid chunked body")
        if not 0 < len(digits) <= _MAX_DIGITS:
            raise _Refused("invalid chunked body")
        size = int(digits, 16)
        if len(self.data) + size > self._max:
            raise _too_large(self._max)
        return size

    def _end(self, buffer: bytearray, at: int) -> bool:
        """Behind the chunk of size 0: trailer fields, as well formed as those of a head, and a blank line."""
        if buffer.startswith(b"\r\n", at):
            del buffer[: at + 2]
            return True
        end = buffer.find(b"\r\n\r\n", at + self._searched, at + self._spare)
        if end < 0:
            return self._wait(buffer, at, max(2, self._spare), 3)
        lines = _clean_lines(buffer[at : end + 2])
        if lines is None or not all(":" in line for line in lines):
            raise _Refused("invalid chunked body")
        try:
            fields = _fields(lines)
        except _Refused:
            raise _Refused("invalid chunked body") from None
        if "content-length" in fields or "transfer-encoding" in fields:  # RFC 9110 §6.5.1: too late for these
            raise _Refused("invalid chunked body")
        del buffer[: end + 4]
        return True

    def _wait(self, buffer: bytearray, at: int, most: int, overlap: int) -> bool:
        """Nothing more to take; what was searched in vain is not searched again, and has at most `most` bytes."""
        del buffer[:at]
        if len(buffer) >= most:
            raise _Refused("invalid chunked body")
        self._searched = max(0, len(buffer) - overlap)
        self._need = len(buffer) + 1
        return False


def _clean_lines(head: bytearray) -> list[str] | None:
    """The lines of a head without their ends, when they are as the standard wants them; else None."""
    try:
        lines = head.decode().split("\r\n")
    except UnicodeDecodeError:
        return None
    lines.pop()
    # What is left of a good head when all that may stand in a line is taken away: its line ends.
    return lines if head.translate(None, _PLAIN) == b"\r\n" * len(lines) else None


def _lines(head: bytearray) -> list[str]:
    """The lines of a head without their ends, of which some may be a lone LF."""
    try:
        lines = [line.removesuffix("\r") for line in head.decode().split("\n")]
    except UnicodeDecodeError as error:
        in_line = error.start <= head.find(b"\n")
        raise _Refused("request line read failed" if in_line else "header read failed") from None
    lines.pop()
    # RFC 9112 §2.2, RFC 9110 §5.5: a CR elsewhere or a NUL splits the message for some readers.
    for at, line in enumerate(lines):
        if line.encode().translate(None, _PLAIN):
            raise _Refused("header read failed" if at else "malformed request line")
    return lines


def _request_line(line: str) -> tuple[str, str, bool]:
    """Method, target, and whether the version is above 1.0; none at all counts as 1.1, as in the reference."""
    line = line.rstrip(" \t")
    tokens = line.split(" ")
    if len(tokens) < 2:
        raise _Refused("missing path")
    method = tokens[0]
    version = tokens[-1]
    if (method not in _COMMON and not _is_token(method)) or "\t" in line:
        raise _Refused("malformed request line")
    if version == "HTTP/1.1" or len(tokens) == 2:
        return method, tokens[1], True
    # RFC 9112 §2.3. With more than three tokens the target ends at the first space and the version is still last.
    name, major, dot, minor = version[:5], version[5:6], version[6:7], version[7:]
    if name != "HTTP/" or dot != "." or major not in _DIGITS or minor not in _DIGITS:
        raise _Refused("malformed request line")
    if major != "1":
        raise _Refused("HTTP version not supported", 505)
    return method, tokens[1], minor != "0"


def _fields(lines: list[str]) -> dict[str, str]:
    """The header fields in `lines`: the last one of a name wins, where that is harmless."""
    headers: dict[str, str] = {}
    known = _NAMES.get
    named = len(lines)
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[known(name) or _lower(name)] = value.strip(" \t")
        elif line[0] in " \t":  # RFC 9112 §5.2: a folded line, which others add to the line before
            raise _Refused("invalid header name")
        else:
            named -= 1
    if len(headers) != named:
        _check_repeated(lines)
    return headers


def _lower(name: str) -> str:
    # RFC 9112 §5.1: no whitespace before the colon. Before lower(): a Kelvin sign would come out of that as a k.
    if not _is_token(name):
        raise _Refused("invalid header name")
    return name.lower()


def _check_repeated(lines: list[str]) -> None:
    """RFC 9112 §6.3: a message with two different lengths, or two codings, has no certain end."""
    codings, lengths = 0, set()
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower() if colon else ""
        codings += name == "transfer-encoding"
        if name == "content-length":
            lengths.add(value.strip(" \t"))
    if codings > 1:
        raise _Refused("conflicting Transfer-Encoding")
    if len(lengths) > 1:
        raise _Refused("conflicting Content-Length")


def _is_token(text: str) -> bool:
    return bool(text) and not text.encode().translate(None, _TOKEN)


def _length(text: str, most: int) -> int:
    """RFC 9110 §8.6: digits. `int` alone would also take signs, underscores, and the digits of other scripts."""
    if not (text.isascii() and text.isdigit()):
        raise _Refused("invalid Content-Length")
    if len(text) > 19:  # `int` gets slow, and then refuses
        text = text.lstrip("0")[:19] or "0"
    length = int(text)
    if length > most:
        raise _too_large(most)
    return length


def _too_large(most: int) -> _Refused:
    return _Refused("body exceeds server cap", 413, {"cap_bytes": most})
