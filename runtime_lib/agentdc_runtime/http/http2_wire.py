"""Between the heads of HTTP/2 and those of HTTP/1.1, and the lengths of frames (RFC 9113). Links `wire`."""

from __future__ import annotations

from agentdc_runtime.http.wire import MAX_BODY, Request

_LONGEST = 16_384  # bytes of a frame's payload (RFC 9113 §4.2)
_PREFACE = 24  # bytes before the first frame
_PLAIN = bytes({9, *range(0x20, 0x100)} - {0x7F})
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Lengths:
    """Judges the length of each frame when it is announced; h2 would first collect what is too long to be judged."""

    __slots__ = ("_carry", "_skip")

    def __init__(self) -> None:
        self._carry = b""  # of a length that is cut in two
        self._skip = _PREFACE  # bytes until the next length

    def overlong(self, data: bytes) -> bool:
        """Whether a frame that begins in these bytes is too long."""
        if self._carry:
            data = self._carry + data
            self._carry = b""
        at, size = self._skip, len(data)
        while at + 3 <= size:
            length = int.from_bytes(data[at : at + 3], "big")
            if length > _LONGEST:
                return True
            at += 9 + length
        if at < size:
            self._carry = bytes(data[at:])
            at = size
        self._skip = at - size
        return False


def over(length: bytes) -> bool:
    """Whether a declared length is beyond the cap."""
    return length.isdigit() and (len(length) > 19 or int(length) > MAX_BODY)


def request_of(fields: list[tuple[bytes, bytes]], body: bytes) -> Request | None:
    """The request of a stream as HTTP/1.1 would have brought it; None for what no HTTP/1.1 head can say."""
    headers: dict[str, str] = {}
    special: dict[str, str] = {}
    for name, value in fields:
        plain = name.removeprefix(b":")
        if not plain or plain.translate(None, _TOKEN) or value.translate(None, _PLAIN):
            return None
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return None
        key = plain.decode("ascii")
        if name.startswith(b":"):
            special[key] = text
        elif key == "cookie" and key in headers:  # RFC 9113 §8.2.3
            headers[key] = f"{headers[key]}; {text}"
        else:
            headers[key] = text.strip(" \t")
    method, target = special.get("method", ""), special.get("path", "")
    if not method or method.encode().translate(None, _TOKEN) or not target or " " in target or "\t" in target:
        return None
    if "authority" in special:
        headers["host"] = special["authority"]
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, body, True)


def rewritten(data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The head of an HTTP/1.1 answer as HTTP/2 fields, and what stands behind it; an interim answer is left out."""
    status = b"1"
    while status.startswith(b"1"):
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        status = lines[0][9:12]
    fields = [(b":status", status)]
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name != b"connection":
            fields.append((name, value.strip(b" \t")))
    return fields, data
