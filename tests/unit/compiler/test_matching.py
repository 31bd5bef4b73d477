"""What is judged at build, against what the runtime's gate does: the two must never contradict each other."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from agentdc.check.matching import covered, judged, used
from agentdc.check.origins import Data, Text
from agentdc_runtime.errors import PolicyError
from agentdc_runtime.policy.gate import Gate
from agentdc_runtime.policy.http import allow
from agentdc_runtime.policy.match import name_matches, path_matches

DATA = Data("trigger.x")
NUMBER = Data("trigger.n", number=True)
NUMBERS = ("0", "7", "-3", "1.5", "1e-7", "2e16", "true", "false")
# Spec 02 §5.3: the truth table, as far as text decides.
PATHS = [
    ("*", "anything", "allowed"),
    ("/srv/drop/**", "/srv/drop", "allowed"),
    ("/srv/drop/**", "/srv/drop/a/b.csv", "allowed"),
    ("/srv/drop/**", "/srv/dropbox/a", "denied"),
    ("/srv/drop/*", "/srv/drop/a/b.csv", "allowed"),
    ("/srv/drop*", "/srv/dropbox/a", "allowed"),
    ("/srv/drop", "/srv/drop/a", "denied"),
    ("/srv/drop/", "/srv/drop", "denied"),
    ("/**", "/etc/hosts", "allowed"),
    ("/**", "data/x", "denied"),
    ("**", "/etc/hosts", "denied"),
    ("/srv/*/in", "/srv/a/in", "denied"),
    ("out/**", "out/x", "allowed"),
    ("out/**", "./out/x", "denied"),
    ("/srv/drop/**", "/srv/drop/../../etc/hosts", "denied"),
]
URLS = [
    ("https://*", "https://any.example/x", "allowed"),
    ("https://*", "http://any.example/", "denied"),
    ("https://shop.example/*", "https://shop.example", "allowed"),
    ("https://shop.example/*", "https://shop.example/v1/a?b=c", "allowed"),
    ("https://shop.example/*", "https://shop.example.evil.test/", "denied"),
    ("https://shop.example/*", "https://shop.example:8443/", "denied"),
    ("https://shop.example/*", "HTTPS://shop.example/", "denied"),
    ("https://shop.example*", "https://shop.example.evil.test/", "guarded"),
    ("https://shop.example*", "https://shop.example@evil.test/", "guarded"),
    ("https://*.corp/**", "https://a.corp/x", "denied"),
    ("https://shop.example", "https://shop.example/", "denied"),
    ("https://shop.example/v1/*", "https://shop.example/v1/../v2", "guarded"),
    ("https://shop.example/v1/*", "https://shop.example/v1/%2e%2e/v2", "guarded"),
    ("https://*", "https://0x7f.1/", "guarded"),
    ("https://*", "https://127.0.0.01/", "guarded"),
    ("https://*", "https://10.0.0.255:443/", "allowed"),
    ("https://10.0.0.1*", "https://10.0.0.15/", "guarded"),
    ("https://*", "https://shop.example/a b", "guarded"),
]
NAMES = [
    ("PARCEL_*", "PARCEL_", "allowed"),
    ("PARCEL_*", "XPARCEL_KEY", "denied"),
    ("HOME", "home", "denied"),
    ("docs://page/*", "docs://page", "denied"),
    ("docs://page/**", "docs://page/7", "denied"),
]


@pytest.mark.parametrize(("pattern", "subject", "verdict"), PATHS)
def test_paths(pattern: str, subject: str, verdict: str) -> None:
    assert judged("path", [pattern], (subject,)) == verdict


@pytest.mark.parametrize(("pattern", "subject", "verdict"), URLS)
def test_urls(pattern: str, subject: str, verdict: str) -> None:
    assert judged("url", [pattern], (subject,)) == verdict


@pytest.mark.parametrize(("pattern", "subject", "verdict"), NAMES)
def test_names(pattern: str, subject: str, verdict: str) -> None:
    assert judged("name", [pattern], (subject,)) == verdict


@pytest.mark.parametrize(
    ("patterns", "text", "verdict"),
    [
        (["https://shop.example/*"], ("https://shop.example/", DATA), "guarded"),
        (["https://shop.example/*"], ("https://shop.exam", DATA), "guarded"),
        (["https://shop.example/*"], ("https://shop.example.", DATA), "denied"),
        (["https://shop.example/v1/a"], ("https://shop.example/v1/", DATA), "guarded"),
        (["https://shop.example/v1/a"], ("https://shop.example/v1/b", DATA), "denied"),
        (["https://shop.example/*"], (DATA,), "guarded"),
        ([], (DATA,), "denied"),
        (["https://shop.example/*"], ("https://shop.example/orders/", NUMBER), "allowed"),
        (["https://shop.example/*"], ("https://shop.example/", NUMBER, "/../x"), "guarded"),
        (["https://shop.example/*"], ("https://shop.example/%2", NUMBER), "guarded"),
        (["https://shop.example*"], ("https://shop.example", NUMBER), "guarded"),
        (["https://shop.example/*"], ("https://shop.example/", NUMBER, DATA), "guarded"),
    ],
)
def test_urls_with_data(patterns: list[str], text: Text, verdict: str) -> None:
    assert judged("url", patterns, text) == verdict


def test_data_may_climb_out_of_a_folder() -> None:
    assert judged("path", ["/srv/in/*"], ("/srv/out/", DATA)) == "guarded"
    assert judged("path", ["in/*"], ("out", DATA)) == "guarded"  # out/../in/x
    assert judged("path", [], ("out", DATA)) == "denied"


PIECES = [
    "/",
    "a",
    "b",
    "/srv",
    "..",
    "*",
    "**",
    "https://",
    "h.example",
    ":8443",
    "?q=1",
    "%2e",
    "@",
    "A",
    " ",
]


def _random(pick: random.Random, most: int) -> str:
    return "".join(pick.choice(PIECES) for _ in range(pick.randint(0, most)))


@pytest.mark.parametrize("seed", range(4))
def test_the_matchers_are_those_of_the_runtime(seed: int) -> None:
    pick = random.Random(seed)
    agreed = set()
    for _ in range(3000):
        pattern, subject = _random(pick, 4), _random(pick, 4)
        if pick.random() < 0.5:
            subject = pattern.rstrip("*") + subject
        for kind, matches in (("command", path_matches), ("name", name_matches)):
            expected = "allowed" if matches(pattern, subject) else "denied"
            text = (subject,) if subject else ()
            assert judged(kind, [pattern], text) == expected  # type: ignore[arg-type] # one of two literals
            agreed.add(expected)
    assert agreed == {"allowed", "denied"}


@pytest.mark.parametrize("seed", range(4))
def test_the_gate_never_contradicts_a_verdict_on_urls(seed: int) -> None:
    pick = random.Random(seed)
    counts = dict.fromkeys(("allowed", "guarded", "denied"), 0)
    for _ in range(3000):
        pattern = pick.choice(["https://", "https://h.example", "https://h.example/", ""]) + _random(pick, 3)
        known = pick.choice([pattern.rstrip("*"), "https://h.example/", ""]) + _random(pick, 2)
        number = pick.random() < 0.4
        data = pick.choice(NUMBERS) if number else _random(pick, 3)
        unknown = NUMBER if number else DATA
        text: Text = (known, unknown) if data and known else (known,) if known else ()
        url = known + data if data and known else known
        verdict = judged("url", [pattern], text)
        counts[verdict] += 1
        gate = Gate({"http": {"urls": [pattern]}})
        try:
            allow(gate, "GET", url)
            denied = False
        except PolicyError:
            denied = True
        assert not (verdict == "allowed" and denied), (pattern, text, url)
        # What is plainly no URL is left to the client to refuse: the gate says nothing about it.
        assert not (verdict == "denied" and not denied), (pattern, text, url)
    assert min(counts.values()) > 20


@pytest.mark.parametrize("seed", range(4))
def test_the_gate_never_contradicts_a_verdict_on_paths(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder without links: what links do is said to be decided at run time."""
    monkeypatch.chdir(tmp_path)
    pick = random.Random(seed)
    parts = ["/", "in", "out", "x", "..", "/in/", "*", "/**"]
    counts = dict.fromkeys(("allowed", "guarded", "denied"), 0)
    for _ in range(1500):
        words = [pick.choice(parts) for _ in range(pick.randint(1, 4))]
        pattern = str(tmp_path) + "/" + "".join(words) if pick.random() < 0.8 else "".join(words)
        subject = pattern.rstrip("*") + "".join(pick.choice(parts[:5]) for _ in range(pick.randint(0, 4)))
        data = pick.choice(["", "", "x", "/../in/x", *NUMBERS[:4]])
        unknown = NUMBER if data in NUMBERS else DATA
        text: Text = (subject, unknown) if subject and data else (subject,) if subject else ()
        verdict = judged("path", [pattern], text)
        counts[verdict] += 1
        try:
            Gate({"fs": {"read": [pattern]}}).read(subject + data if text else subject)
            denied = False
        except PolicyError:
            denied = True
        assert not (verdict == "denied" and not denied), (pattern, text, data)
        assert not (verdict == "allowed" and denied and unknown is NUMBER), (pattern, text, data)
    assert counts["denied"] > 20 and counts["allowed"] > 20


def test_used_and_covered() -> None:
    assert used("url", "https://a.example/v1/*", ("https://a.example/", DATA))
    assert not used("url", "https://b.example/*", ("https://a.example/", DATA))
    assert covered("path", "/srv/in/x", ["/srv/in/*"])
    assert covered("path", "/srv/in/*", ["/srv/*"])
    assert not covered("path", "/srv/*", ["/srv/in/*"])
    assert not covered("name", "A*", ["A"])
