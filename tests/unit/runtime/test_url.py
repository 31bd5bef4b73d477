"""URLs: what they are taken apart into, and what is refused because it could be read in two ways."""

from __future__ import annotations

import pytest

from agentdc_runtime.net.url import BadUrl, folded, parse, without_user


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http://shop.example", ("http", "shop.example", 80, "/")),
        ("https://shop.example", ("https", "shop.example", 443, "/")),
        ("HTTPS://Shop.EXAMPLE/Path", ("https", "shop.example", 443, "/Path")),
        ("http://shop.example:8080/a/b?c=d", ("http", "shop.example", 8080, "/a/b?c=d")),
        ("http://shop.example?c=d", ("http", "shop.example", 80, "/?c=d")),
        ("http://shop.example/a#part", ("http", "shop.example", 80, "/a")),
        ("http://shop.example#part?x", ("http", "shop.example", 80, "/")),
        ("http://shop.example/a?x#y#z", ("http", "shop.example", 80, "/a?x")),
        ("http://shop.example/a/../b/./c//d", ("http", "shop.example", 80, "/a/../b/./c//d")),
        ("http://shop.example/%2e%2E/%zz%", ("http", "shop.example", 80, "/%2e%2E/%zz%")),
        ("http://shop.example/a@b:c?u=http://x@y", ("http", "shop.example", 80, "/a@b:c?u=http://x@y")),
        ("http://shop.example/é?ü=€", ("http", "shop.example", 80, "/%C3%A9?%C3%BC=%E2%82%AC")),
        ("http://shop.example/😀", ("http", "shop.example", 80, "/%F0%9F%98%80")),
        ("http://shop.example/<>\"'`{}|^[]", ("http", "shop.example", 80, "/<>\"'`{}|^[]")),
        ("http://a_b-c.example:1/", ("http", "a_b-c.example", 1, "/")),
        ("http://localhost:65535/", ("http", "localhost", 65535, "/")),
        ("http://xn--bcher-kva.example/", ("http", "xn--bcher-kva.example", 80, "/")),
        ("http://127.0.0.1:80/", ("http", "127.0.0.1", 80, "/")),
        ("http://255.255.255.255/", ("http", "255.255.255.255", 80, "/")),
        ("http://169.254.169.254/latest", ("http", "169.254.169.254", 80, "/latest")),
        ("http://1.2.3.4.example/", ("http", "1.2.3.4.example", 80, "/")),
        ("http://0x7f.example/", ("http", "0x7f.example", 80, "/")),
        ("http://dead.beef/", ("http", "dead.beef", 80, "/")),
        ("http://[::1]/", ("http", "::1", 80, "/")),
        ("http://[::]:1/", ("http", "::", 1, "/")),
        ("https://[2001:db8::7]:8443/x", ("https", "2001:db8::7", 8443, "/x")),
    ],
)
def test_parse(text: str, parts: tuple[str, str, int, str]) -> None:
    url = parse(text)
    assert (url.scheme, url.host, url.port, url.target) == parts
    assert url.target.isascii()
    again = parse(f"{url.scheme}://{url.authority}{url.target}")
    assert (again.scheme, again.host, again.port, again.target) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop.example",
        "/path",
        "//shop.example/",
        "http:/shop.example",
        "http:shop.example",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "javascript://shop.example/",
        "httpx://shop.example/",
        "://shop.example/",
        "http://",
        "http:///path",
        "http://?x",
        "http://#x",
        "http://:80/",
        "http://shop.example:/",
        "http://shop.example:0/",
        "http://shop.example:080/",
        "http://shop.example:65536/",
        "http://shop.example:99999999999999999999/",
        "http://shop.example:-1/",
        "http://shop.example:+80/",
        "http://shop.example:8_0/",
        "http://shop.example:http/",
        "http://shop.example:٨٠/",
    ],
)
def test_no_url(text: str) -> None:
    with pytest.raises(BadUrl) as raised:
        parse(text)
    assert not raised.value.ambiguous


@pytest.mark.parametrize(
    "text",
    [
        # who is asked?
        "http://user@shop.example/",
        "http://user:pass@shop.example/",
        "http://@shop.example/",
        "http://shop.example:80@evil.test/",
        "http://shop.example%40evil.test/",
        "http://shop.example\\@evil.test/",
        "http://shop.example\\.evil.test/",
        "http:\\\\shop.example/",
        "http://shop.example/a\\..\\b",
        # blanks and controls, at the edges and in the middle
        " http://shop.example/",
        "http://shop.example/ ",
        "http://shop.example/a b",
        "http://shop.example/\r\nHost: evil.test",
        "http://shop.example/\tx",
        "http://shop.example/\x00",
        "http://shop.example/\x7f",
        "http://shop.example/\x85",
        "http://shop.example/\u00a0",
        "http://shop.example/\u2028",
        "http://shop.example/\u3000",
        "http://shop.example/\ud800",
        "ht\ntp://shop.example/",
        # numbers that name look-ups take for addresses
        "http://2130706433/",
        "http://017700000001/",
        "http://0x7f000001/",
        "http://0X7F.1/",
        "http://0x7f.0.0.1/",
        "http://0x/",
        "http://0/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.0.0.01/",
        "http://0177.0.0.1/",
        "http://127.0.0.1.1/",
        "http://256.0.0.1/",
        "http://127.0.0.999999/",
        "http://127.0.0.1./",
        "http://1.2.3.4.5/",
        "http://shop.1/",
        "http://shop.0x1/",
        # IPv6 in other clothes
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::0001]/",
        "http://[2001:DB8::7]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[fe80::1%eth0]/",
        "http://[fe80::1%25eth0]/",
        "http://[127.0.0.1]/",
        "http://[shop.example]/",
        "http://[]/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[::1]]/",
        "http://::1/",
        "http://[v1.x]/",
        # names
        "http://shop.example./",
        "http://.shop.example/",
        "http://shop..example/",
        "http://./",
        "http://bücher.example/",
        "http://ｓｈｏｐ.example/",
        "http://１２７.0.0.1/",
        "http://127。0。0。1/",
        "http://shop。example/",
        "http://shop\u200b.example/",
        "http://%73hop.example/",
        "http://shop*.example/",
        "http://shop,example/",
        "http://shop.example;x/",
        "http://shop.example&x/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 127 + "example/",
    ],
)
def test_ambiguous(text: str) -> None:
    with pytest.raises(BadUrl) as raised:
        parse(text)
    assert raised.value.ambiguous
    assert "pass" not in raised.value.reason.replace("password", "")


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("", ""),
        ("/", "/"),
        ("/a/b.c/d", "/a/b.c/d"),
        ("/a/...", "/a/..."),
        ("/a/../b", "/b"),
        ("/a/./b", "/a/b"),
        ("/a/b/..", "/a"),
        ("/..", "/"),
        ("/../../x", "/x"),
        ("//..//x", "//x"),
        ("/a/%2e%2e/b", "/b"),
        ("/a/%2E./b", "/b"),
        ("/a/.%2e/b", "/b"),
        ("/a/..%2fb", "/b"),
        ("/a/..%2Fb", "/b"),
        ("/a/..%5cb", "/b"),
        ("/a/x%2f..%2f../b", "/b"),
        ("/a/%252e%252e/b", "/b"),
        ("/a/%25252e%25252e/b", "/b"),
        ("/a/%%32%65%2e/b", "/b"),
        ("/a/..;v=1/b", "/b"),
        ("/a/..%3bv/b", "/b"),
        ("/a%20b/x", "/a%20b/x"),
        ("/a%2fb/x", "/a%2fb/x"),
        ("/a%20b/../c%20d", "/c%20d"),
        ("/a?x=/../b", "/a?x=/../b"),
        ("/a/../b?x=/../c#/../d", "/b?x=/../c#/../d"),
    ],
)
def test_folded(path: str, plain: str) -> None:
    assert folded("https://shop.example:1" + path) == "https://shop.example:1" + plain


def test_escapes_without_end() -> None:
    with pytest.raises(BadUrl):
        folded("https://shop.example/%2525252525252e./x")
    with pytest.raises(BadUrl):
        folded("https://shop.example/%" + "25" * 100_000)
    assert len(folded("https://shop.example/" + "%25/" * 100_000)) > 100_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/x@y", "http://…@h/x@y"),
        ("http://a@b@h", "http://…@h"),
        ("u:p@h", "…@h"),
        ("http://h/u@v", "http://h/u@v"),
        ("nothing", "nothing"),
    ],
)
def test_without_user(text: str, shown: str) -> None:
    assert without_user(text) == shown
