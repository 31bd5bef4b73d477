"""`[policy.http]`: the truth table for URLs (spec 02 §5.3, §5.4), and what cannot slip past a pattern."""

from __future__ import annotations

from typing import Any

import pytest

from agentdc_runtime.errors import PolicyError
from agentdc_runtime.policy.gate import Gate
from agentdc_runtime.policy.http import allow

SHOP = "https://shop.example"


def allowed(http: dict[str, Any], url: str, method: str = "GET") -> bool:
    gate = Gate({"http": http})
    try:
        allow(gate, method, url)
    except PolicyError:
        return False
    return True


@pytest.mark.parametrize(
    ("pattern", "url", "allow"),
    [
        # rows of spec 02 §5.3
        ("*", "https://any.example/x", True),
        ("https://*", "https://any.example/x", True),
        ("https://*", "http://any.example/", False),
        ("https://shop.example/*", "https://shop.example", True),
        ("https://shop.example/*", "https://shop.example/v1/a?b=c", True),
        ("https://shop.example/*", "https://shop.example.evil.test/", False),
        ("https://shop.example/*", "https://shop.example:8443/", False),
        ("https://shop.example/*", "HTTPS://shop.example/", False),
        ("https://shop.example*", "https://shop.example.evil.test/", False),
        ("https://shop.example*", "https://shop.example@evil.test/", False),
        ("https://*.corp/**", "https://a.corp/x", False),
        ("https://shop.example", "https://shop.example/", False),
        # open in the host: that host, with any port the text allows, and nothing else
        ("https://shop.example*", "https://shop.example", True),
        ("https://shop.example*", "https://shop.example/a", True),
        ("https://shop.example*", "https://shop.example?a", True),
        ("https://shop.example*", "https://shop.example:8443/a", True),
        ("https://Shop.Example*", "https://Shop.Example/a", True),
        ("https://shop.example*", "https://shop.example-evil.test/", False),
        ("https://shop.example*", "https://shop.examplecom/", False),
        ("https://shop.example*", "https://shop.example:80@evil.test/", False),
        ("https://shop.example*", "https://shop.example\\.evil.test/", False),
        ("https://shop.example:*", "https://shop.example:8443/a", True),
        ("https://shop.example:*", "https://shop.example/a", False),
        ("https://shop.example:*", "https://shop.example:pass@evil.test/", False),
        ("https://shop.example:84*", "https://shop.example:8443/a", True),
        ("https://shop.example:84*", "https://shop.example:9443/a", False),
        ("https://shop.*", "https://shop.example/", False),
        ("http://10.*", "http://10.0.0.1/", False),
        ("http://10.*", "http://10.evil.test/", False),
        ("http://127.0.0.1*", "http://127.0.0.1:8080/", True),
        ("http://127.0.0.1*", "http://127.0.0.10/", False),
        ("http://[::1]*", "http://[::1]:8080/x", True),
        ("http://[::1*", "http://[::1]:8080/x", True),
        ("http://[::1*", "http://[::12]/x", False),
        # open before the host
        ("https://**", "https://any.example/x", True),
        ("http*", "https://any.example/x", True),
        ("http*", "http://any.example/x", True),
        ("https:*", "http://any.example/x", False),
        ("**", "https://any.example/x", False),
        # below the root
        ("https://shop.example/v1/*", "https://shop.example/v1", True),
        ("https://shop.example/v1/*", "https://shop.example/v1/x", True),
        ("https://shop.example/v1/*", "https://shop.example/v1?x", False),
        ("https://shop.example/v1/*", "https://shop.example/v10/x", False),
        ("https://shop.example/v1/*", "https://shop.example/v1/../v2/x", False),
        ("https://shop.example/v1/*", "https://shop.example/v1/%2e%2e/v2", False),
        ("https://shop.example/v1/*", "https://shop.example/v1/..%2fv2", False),
        ("https://shop.example/v1/*", "https://shop.example/v1/..;/v2", False),
        ("https://shop.example/v1/*", "https://shop.example/v1/%252e%252e/v2", False),
        ("https://shop.example/v1/*", "https://shop.example/v1/" + "%25" * 9 + "2525252525252e", False),
        ("https://shop.example/v1/*", "https://shop.example/v1/a/../b", True),
        ("https://shop.example/v1/*", "https://shop.example/v1/a/..", True),
        ("https://shop.example/v1/*", "https://shop.example/v1/x?next=/../../etc", True),
        ("https://shop.example/v1*", "https://shop.example/v10", True),
        ("https://shop.example/v1*", "https://shop.example/v1/../admin", False),
        ("https://shop.example/a/../b", "https://shop.example/a/../b", True),
        # from the root of a host nothing leads out of it
        ("https://shop.example/*", "https://shop.example/a/../../b", True),
        ("https://shop.example/*", "https://shop.example/%2525252525252e", True),
        ("*", "https://any.example/a/../b", True),
        # other spellings are other texts
        ("https://shop.example/*", "https://SHOP.example/x", False),
        ("https://shop.example/*", "https://shop.example:443/x", False),
        ("https://shop.example/*", "https://shop.example./x", False),
        ("https://shop.example/*", "https://shop.example#x", False),
        ("https://shop.example/*", "https://shop.example?x", False),
        # what is not clear is denied, whatever covers it
        ("*", "https://user@any.example/", False),
        ("*", "http://2130706433/", False),
        ("*", "http://0x7f.1/", False),
        ("*", "http://[::ffff:127.0.0.1]/", False),
        ("*", "http://any.example/\r\nX: y", False),
        ("http://2130706433/*", "http://2130706433/", False),
        ("http://127.0.0.01/*", "http://127.0.0.01/", False),
        # addresses follow the list like names
        ("http://127.0.0.1:9/*", "http://127.0.0.1:9/x", True),
        ("http://169.254.169.254/*", "http://169.254.169.254/latest", True),
        ("http://localhost:9/*", "http://127.0.0.1:9/x", False),
        # no URL at all: refused later, as no business of the policy
        ("*", "ftp://any.example/", True),
        ("*", "http://any.example:0/", True),
        ("https://shop.example/*", "ftp://shop.example/", False),
    ],
)
def test_urls(pattern: str, url: str, allow: bool) -> None:
    assert allowed({"urls": [pattern]}, url) is allow
    assert allowed({"urls": ["https://else.example/*", pattern, "no"]}, url) is allow


@pytest.mark.parametrize(
    ("http", "method", "allow"),
    [
        ({"urls": ["*"]}, "DELETE", True),
        ({"urls": ["*"], "methods": []}, "DELETE", True),
        ({"urls": ["*"], "methods": ["GET", "post"]}, "POST", True),
        ({"urls": ["*"], "methods": ["GET", "post"]}, "DELETE", False),
        ({"urls": ["*"], "methods": ["*"]}, "GET", False),
        ({"urls": [], "methods": ["GET"]}, "GET", False),
        ({"methods": ["GET"]}, "GET", False),
        ({}, "GET", False),
    ],
)
def test_methods(http: dict[str, Any], method: str, allow: bool) -> None:
    assert allowed(http, SHOP, method) is allow


@pytest.mark.parametrize(
    ("http", "url", "words"),
    [
        ({}, f"{SHOP}/a", f'"GET {SHOP}/a" is not covered by [policy.http] urls'),
        ({"methods": ["POST"]}, SHOP, f'"GET {SHOP}" is not covered by [policy.http] urls'),
        ({"urls": ["*"], "methods": ["POST"]}, SHOP, f'"GET {SHOP}" is not covered by [policy.http] methods'),
        ({"urls": ["x"]}, SHOP, f'"GET {SHOP}" is not covered by [policy.http] urls'),
        ({"urls": ["*"]}, "http://127.1/", "urls: the host is a number"),
    ],
)
def test_wording(http: dict[str, Any], url: str, words: str) -> None:
    with pytest.raises(PolicyError) as raised:
        allow(Gate({"http": http}), "GET", url)
    assert raised.value.display.startswith("policy violation: http_request: http_request of ")
    assert words in raised.value.display


@pytest.mark.parametrize("http", [{}, {"urls": ["*"]}, {"urls": ["*"], "methods": ["POST"]}])
def test_passwords_are_not_told(http: dict[str, Any]) -> None:
    with pytest.raises(PolicyError) as raised:
        allow(Gate({"http": http}), "GET", "https://user:s3cret@shop.example/")
    assert "s3cret" not in raised.value.display
    assert "shop.example" in raised.value.display


@pytest.mark.parametrize("policy", [{}, {"http": {}}, {"fs": {"read": ["*"]}}])
def test_a_policy_without_urls_denies(policy: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        allow(Gate(policy), "GET", SHOP)


def test_no_policy_allows() -> None:
    allow(Gate(None), "GET", SHOP)
    allow(Gate(None), "GET", "not a URL")
