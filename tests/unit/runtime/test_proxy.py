"""Which proxy a URL goes through."""

from __future__ import annotations

import pytest

from agentdc_runtime.net.proxy import proxy_for
from agentdc_runtime.net.url import parse

PROXY = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("url", "environ", "found"),
    [
        ("https://a.example/", PROXY, "http://proxy:3128"),
        ("https://a.example/", {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        ("https://a.example/", {**PROXY, "https_proxy": "http://small:1"}, "http://small:1"),
        ("http://a.example/", PROXY, None),
        ("https://a.example/", {}, None),
        ("https://a.example/", {"HTTPS_PROXY": " "}, None),
        ("https://a.example/", {**PROXY, "NO_PROXY": "a.example"}, None),
        ("https://b.a.example/", {**PROXY, "NO_PROXY": "a.example"}, None),
        ("https://b.a.example/", {**PROXY, "no_proxy": ".a.example"}, None),
        ("https://ba.example/", {**PROXY, "NO_PROXY": "a.example"}, "http://proxy:3128"),
        ("https://a.example/", {**PROXY, "NO_PROXY": "x, *"}, None),
        ("https://a.example:8443/", {**PROXY, "NO_PROXY": "a.example:8443"}, None),
        ("https://a.example/", {**PROXY, "NO_PROXY": "a.example:8443"}, "http://proxy:3128"),
        ("https://127.0.0.1/", {**PROXY, "NO_PROXY": "127.0.0.1"}, None),
    ],
)
def test_proxy(url: str, environ: dict[str, str], found: str | None) -> None:
    assert proxy_for(parse(url), environ) == found
