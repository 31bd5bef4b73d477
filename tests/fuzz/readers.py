"""The first request of a stream as h11 and llhttp see it, as we see it, and where we may differ.

Both peers are strict. Where both accept and agree, what they see and where it ends must be what we see, or we must
refuse it with one of `STRICTER`. What we accept must be what both see once it is written properly: `proper` takes
out what the dialect tolerates, and nothing else.
"""

from __future__ import annotations

import re

import h11
import httptools

from agentdc_runtime.http.wire import Reader, Request

Seen = tuple[bytes, bytes, dict[bytes, bytes], bytes, int]  # method, target, fields, body, bytes that it took


def ours(data: bytes) -> Seen | str:
    """The request, or why there is none."""
    reader = Reader()
    reader.feed(data)
    found = reader.next()
    if found is None:
        return "incomplete"
    if not isinstance(found, Request):
        return found.error
    target = found.path + ("?" + found.query if found.query else "")
    fields = {name.encode(): value.encode() for name, value in found.headers.items()}
    return _seen(found.method.encode(), target.encode(), fields, found.body, len(data) - reader.buffered)


def _seen(method: bytes, target: bytes, fields: dict[bytes, bytes], body: bytes, took: int) -> Seen:
    """What may be written in two ways written in one: an empty query, a coding in another case."""
    if b"transfer-encoding" in fields:
        fields[b"transfer-encoding"] = fields[b"transfer-encoding"].lower()
    return method, _target(target), fields, body, took


def _target(target: bytes) -> bytes:
    return target.removesuffix(b"?") if target.count(b"?") == 1 else target


def of_h11(data: bytes) -> Seen | None:
    """The request, or None."""
    peer = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    peer.receive_data(data)
    request, body = None, b""
    try:
        while True:
            event = peer.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                fields = {bytes(name): bytes(value) for name, value in request.headers}
                took = len(data) - len(peer.trailing_data[0])
                return _seen(bytes(request.method), bytes(request.target), fields, body, took)
            else:
                return None
    except h11.RemoteProtocolError:
        return None


class _Heard:
    """What llhttp calls."""

    def __init__(self) -> None:
        self.target, self.body = b"", b""
        self.fields: dict[bytes, bytes] = {}
        self.in_head, self.complete = True, False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:  # trailer fields come in here as well
            self.fields[name.lower()] = value.rstrip(b" \t")

    def on_headers_complete(self) -> None:
        self.in_head = False

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def of_llhttp(data: bytes) -> Seen | None:
    """The request, or None."""
    heard = _Heard()
    peer = httptools.HttpRequestParser(heard)
    for at in range(len(data)):
        try:
            peer.feed_data(data[at : at + 1])
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            return None
        if heard.complete:
            return _seen(peer.get_method(), heard.target, heard.fields, heard.body, at + 1)
    return None


# What we refuse though both peers take it: the error, and what the bytes then have.
STRICTER = {
    "header read failed": rb"[\x80-\xff\x00-\x1f\x7f]",  # not UTF-8: spec 02 §1.2; control characters
    "headers too large": rb"(?s).{16384}",
    "HTTP version not supported": rb"^[^\n]* HTTP/[02-9]",  # spec 02 §1.1
    "conflicting Transfer-Encoding": rb"^[^\n]* HTTP/1.0",  # RFC 9112 §6.1: faulty, though both let it pass
    "invalid chunked body": rb"\n0{16}|[\x80-\xff]",  # endless zeros in front of a size; trailers not UTF-8
}
# Where llhttp alone is of another opinion about a proper request, and what the request then has.
NOT_LLHTTP = (
    rb"(?i)\nupgrade:",  # it takes the body for the other protocol; RFC 9110 §7.8: the request comes to its end first
    rb"(?i)\ntransfer-encoding:[^\n]*\t\r",  # it does not take a tab for whitespace here; RFC 9110 §5.6.3 does
    rb"\r\n[0-9A-Fa-f]+;",  # it parses chunk extensions; all others skip them, as we do
)


def proper(data: bytes) -> tuple[bytes, bytes, bytes, int]:
    """A stream that begins with a request which we accept, as strict readers want it; then what that request must
    have as method and target, and by how many bytes the head has grown. Each comment names one tolerance.
    """
    end = re.search(rb"\r?\n\r?\n", data)
    assert end is not None
    line, *fields = re.split(rb"\r?\n", data[: end.start()])  # a lone LF ends a line
    line = line.rstrip(b" \t")  # whitespace behind the request line
    method, target, *rest = line.split(b" ")
    version = rest[-1] if rest else b"HTTP/1.1"  # no version; spaces in the target, or in front of it
    version = min(version, b"HTTP/1.1")  # minor versions to come
    strict_method = (
        method if method in {b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS"} else b"POST"
    )  # any token
    strict_target = target if re.fullmatch(rb"/[!-~]*", target) else b"/"  # any target
    fields = [field for field in fields if b":" in field]  # lines without a colon
    names = [field.partition(b":")[0].lower() for field in fields]
    single = (b"host", b"content-length")  # several of Host, the last one counts; equal lengths
    fields = [
        field
        for at, field in enumerate(fields)
        if names[at] not in single or names[at] not in names[at + 1 :]
    ]
    if b"host" not in names:  # no Host
        fields.append(b"Host: none")
    head = b"\r\n".join([b" ".join([strict_method, strict_target, version]), *fields, b"", b""])
    return head + data[end.end() :], method, target, len(head) - end.end()


def difference(data: bytes) -> str | None:
    """What must not be, in words; None when all is well."""
    we, one, other = ours(data), of_h11(data), of_llhttp(data)
    if isinstance(we, str):
        if one is None or other is None or one != other:
            return None
        if we in STRICTER and re.search(STRICTER[we], data):
            return None
        return f"both peers accept {data!r}: {one}, we say {we}"
    if one is not None and one == other and we != one:
        return f"of {data!r} we see {we}, both peers {one}"
    strict, method, target, grown = proper(data[: we[4]])
    if we[:2] != (method, _target(target)):
        return f"of {data!r} we see {we}"
    if b"host" not in we[2]:
        we[2][b"host"] = b"none"
    for name, peer in (("h11", of_h11), ("llhttp", of_llhttp)):
        seen = peer(strict)
        if name == "llhttp" and any(re.search(sign, strict) for sign in NOT_LLHTTP):
            continue
        if seen is None or (seen[2:4], seen[4] - grown) != (we[2:4], we[4]):
            return f"of {data!r} we see {we}, and {name} of {strict!r} {seen}"
    return None
