"""One http or https URL, taken apart once (spec 01 §5.12, spec 02 §5.4). Linking costs nothing: imports nothing.

Policy and client read the same parts, so what was checked is what is connected to. There is one way to write an
address: whatever another program could read as a different host is refused, not repaired. That covers user
names, backslashes, blanks and control characters, numbers as hosts (`0x7f.1`, `2130706433`, `127.0.0.01`),
spelled-out or mapped IPv6, a dot at the end, escapes and non-ASCII letters in the host.

    parse("http://Shop.Example:8080/a?b#c") -> http, shop.example, 8080, "/a?b"
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PORTS = {"http": 80, "https": 443}

_LONGEST_NAME, _LONGEST_LABEL = 253, 63
_IN_NAMES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
_HEX = frozenset("0123456789abcdef")
_MOST_ROUNDS = 4


class BadUrl(ValueError):
    """Text that is no URL to connect to. `ambiguous`: it looks like one, and could be read in two ways."""

    def __init__(self, reason: str, *, ambiguous: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ambiguous = ambiguous


class Url:
    """The parts: `host` without brackets and in lower case; `target`, path and query as they are sent."""

    __slots__ = ("host", "port", "scheme", "target")

    def __init__(self, scheme: str, host: str, port: int, target: str) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.target = target

    @property
    def authority(self) -> str:
        """`host:port`, with brackets around IPv6; the port is always there."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str) -> Url:
    """The parts of an absolute URL; BadUrl, which never quotes the text beyond its host."""
    _refuse_unprintable(text)
    scheme, found, _ = text.partition("://")
    scheme = scheme.lower()
    if not found or scheme not in PORTS:
        raise BadUrl("only absolute http:// and https:// URLs can be requested")
    _, authority, rest = split(text)
    if "@" in authority:
        raise BadUrl("a user name or password in the URL is not accepted", ambiguous=True)
    host, port = _divided(authority)
    target = rest.partition("#")[0]
    if not target.startswith("/"):
        target = "/" + target
    return Url(scheme, _canonical(host), _port(port, scheme), _escaped(target))


def split(text: str) -> tuple[str, str, str]:
    """`https://` as written, the authority, and the rest, which begins with one of `/?#` or is empty."""
    start = text.find("://") + 3
    end = min([at for mark in "/?#" if (at := text.find(mark, start)) >= 0], default=len(text))
    return text[:start], text[start:end], text[end:]


def folded(text: str) -> str:
    """The URL with `.` and `..` of its path followed, as servers do, also where they or their slashes are escaped.

    `..;x` counts as `..`, as some servers read it. A path without dots comes back as written. BadUrl when
    escapes hide behind escapes, so that no server's reading can be foreseen.
    """
    start, authority, rest = split(text)
    path, tail = _path_and_tail(rest)
    kept: list[str] = []
    dots = False
    for name, written in _parts(path):
        if name not in (".", ".."):
            kept.append(written)
            continue
        dots = True
        if name == "..":
            del kept[-1:]
    return f"{start}{authority}/{'/'.join(kept)}{tail}" if dots else text


def without_user(text: str) -> str:
    """The text with a user name and password left out, for messages."""
    start, authority, rest = split(text) if "://" in text else ("", text, "")
    return f"{start}…@{authority.rpartition('@')[2]}{rest}" if "@" in authority else text


def _refuse_unprintable(text: str) -> None:
    if text.isascii() and text.isprintable() and " " not in text and "\\" not in text:
        return
    for each in text:
        if each == "\\":
            raise BadUrl("a backslash in the URL is not accepted", ambiguous=True)
        if each.isspace() or each < " " or "\x7f" <= each <= "\x9f" or "\ud800" <= each <= "\udfff":
            raise BadUrl("blanks and control characters in the URL are not accepted", ambiguous=True)


def _divided(authority: str) -> tuple[str, str | None]:
    """Host and port as written; None when no port is written."""
    host, colon, port = authority.rpartition(":")
    if not colon or port.endswith("]"):
        return authority, None
    return host, port


def _port(text: str | None, scheme: str) -> int:
    if text is None:
        return PORTS[scheme]
    plain = text.isascii() and text.isdecimal() and text[0] != "0" and len(text) <= 5
    if not plain or int(text) > 65535:
        raise BadUrl("the port is not a number from 1 to 65535")
    return int(text)


def _canonical(host: str) -> str:
    """The host in the form that is compared and connected to."""
    if not host:
        raise BadUrl("the URL names no host")
    if host[0] == "[":
        return _ipv6(host)
    name = host.lower()
    if not _IN_NAMES.issuperset(name):
        raise BadUrl("the host holds characters that host names do not have", ambiguous=True)
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise BadUrl("the host is no host name: an empty or overlong part", ambiguous=True)
    if _is_number(labels[-1]) and not (len(labels) == 4 and all(map(_is_octet, labels))):
        raise BadUrl("the host is a number; write an address as four decimal numbers", ambiguous=True)
    return name


def _is_number(label: str) -> bool:
    """What the C library, and so a name look-up, takes for a part of an address."""
    return label.isdecimal() or (label[:2] == "0x" and _HEX.issuperset(label[2:]))


def _is_octet(label: str) -> bool:
    return label.isdecimal() and len(label) <= 3 and str(int(label)) == label and int(label) < 256


def _ipv6(host: str) -> str:
    from socket import AF_INET6, inet_ntop, inet_pton

    try:
        packed = inet_pton(AF_INET6, host[1:-1] if host[-1] == "]" else "")
    except (OSError, UnicodeError):
        raise BadUrl("the host in brackets is no IPv6 address", ambiguous=True) from None
    shortest = inet_ntop(AF_INET6, packed)
    # An IPv4 address in IPv6 clothes (RFC 4291 §2.5.5) would be a second name for it; `::` and `::1` are not that.
    embedded = packed[:10] == bytes(10) and (packed[10:12] == b"\xff\xff" or "." in shortest)
    if embedded or host[1:-1] != shortest:
        raise BadUrl(
            "an IPv6 address must be in its shortest form, and not hold an IPv4 address", ambiguous=True
        )
    return shortest


def _escaped(target: str) -> str:
    """Non-ASCII letters as escaped UTF-8, as browsers send them; all else as written."""
    if target.isascii():
        return target
    return "".join(
        each if each.isascii() else "".join(f"%{byte:02X}" for byte in each.encode()) for each in target
    )


def _path_and_tail(rest: str) -> tuple[str, str]:
    end = min([at for mark in "?#" if (at := rest.find(mark)) >= 0], default=len(rest))
    return rest[:end], rest[end:]


def _parts(path: str) -> Iterator[tuple[str, str]]:
    """Each part of the path, as a server may read it without what follows a `;`, and as it is written."""
    for written in path.split("/")[1:]:
        pieces = _read(written).replace("\\", "/").split("/") if "%" in written else [written]
        for piece in pieces:
            yield piece.partition(";")[0], piece if len(pieces) > 1 else written


def _read(part: str) -> str:
    """The part with its escapes read, and the escapes that this makes visible."""
    for _ in range(_MOST_ROUNDS):
        first, *others = part.split("%")
        plain = first + "".join([_unescaped(each) for each in others])
        if plain == part:
            return plain
        part = plain
    raise BadUrl("the path of the URL is escaped again and again", ambiguous=True)


def _unescaped(after_sign: str) -> str:
    code = after_sign[:2].lower()
    if len(code) == 2 and _HEX.issuperset(code):
        return chr(int(code, 16)) + after_sign[2:]
    return "%" + after_sign
