"""The truth table of the two policy matchers (spec 02 §5.3), row by row."""

from __future__ import annotations

import pytest

from agentdc_runtime.policy.match import covers, name_matches, name_rules, path_matches, path_rules


@pytest.mark.parametrize(
    ("pattern", "subject", "allowed"),
    [
        ("*", "anything", True),
        ("*", "", True),
        ("/srv/drop/**", "/srv/drop", True),
        ("/srv/drop/**", "/srv/drop/a/b.csv", True),
        ("/srv/drop/**", "/srv/dropbox/a", False),
        ("/srv/drop/*", "/srv/drop/a/b.csv", True),
        ("/srv/drop/*", "/srv/drop", True),
        ("/srv/drop*", "/srv/dropbox/a", True),
        ("/srv/drop", "/srv/drop/a", False),
        ("/srv/drop/", "/srv/drop", False),
        ("/srv/drop/", "/srv/drop/", True),
        ("/**", "/etc/hosts", True),
        ("/*", "/etc/hosts", True),
        ("/**", "data/x", False),
        ("**", "/etc/hosts", False),
        ("**", "*x", True),
        ("/srv/*/in", "/srv/a/in", False),
        ("/srv/*/in", "/srv/*/in", True),
        ("out/**", "out/x", True),
        ("out/**", "./out/x", False),
        ("/srv/Drop/**", "/srv/drop/x", False),
        ("/srv/?", "/srv/a", False),
        ("https://*", "https://any.example/x", True),
        ("https://*", "http://any.example/", False),
        ("https://shop.example/*", "https://shop.example", True),
        ("https://shop.example/*", "https://shop.example/v1/a?b=c", True),
        ("https://shop.example/*", "https://shop.example.evil.test/", False),
        ("https://shop.example/*", "https://shop.example:8443/", False),
        ("https://shop.example/*", "HTTPS://shop.example/", False),
        # The text matches; the authority check of http_request is what refuses these two.
        ("https://shop.example*", "https://shop.example.evil.test/", True),
        ("https://shop.example*", "https://shop.example@evil.test/", True),
        ("https://*.corp/**", "https://a.corp/x", False),
        ("https://shop.example", "https://shop.example/", False),
        ("/usr/bin/*", "/usr/bin/jq", True),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_matcher_p(pattern: str, subject: str, allowed: bool) -> None:
    assert path_matches(pattern, subject) is allowed
    assert covers(path_rules(["/elsewhere/**", pattern, "no"]), subject) is allowed


@pytest.mark.parametrize(
    ("pattern", "subject", "allowed"),
    [
        ("PARCEL_*", "PARCEL_KEY", True),
        ("PARCEL_*", "PARCEL_", True),
        ("PARCEL_*", "XPARCEL_KEY", False),
        ("HOME", "home", False),
        ("HOME", "HOME", True),
        ("HOME", "HOME2", False),
        ("*", "ANY", True),
        ("docs://page/*", "docs://page/7/rev", True),
        ("docs://page/*", "docs://page", False),
        ("docs://page/**", "docs://page/7", False),
        ("docs://page/**", "docs://page/*7", True),
        ("A*B", "AxB", False),
        ("A*B", "A*B", True),
    ],
)
def test_matcher_n(pattern: str, subject: str, allowed: bool) -> None:
    assert name_matches(pattern, subject) is allowed
    assert covers(name_rules(["ELSE", pattern]), subject) is allowed


def test_an_empty_list_covers_nothing() -> None:
    for subject in ("", "*", "/", "HOME"):
        assert not covers(path_rules([]), subject)
        assert not covers(name_rules([]), subject)
