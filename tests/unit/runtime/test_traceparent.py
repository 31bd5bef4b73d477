"""W3C trace context (spec 03 §4.1-4.2)."""

from __future__ import annotations

import pytest

from agentdc_runtime.http import traceparent

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"00-{TRACE}-{PARENT}-01", ("00", TRACE, PARENT, "01")),
        (f"  00-{TRACE}-{PARENT}-00\t", ("00", TRACE, PARENT, "00")),
        (f"00-{TRACE.upper()}-{PARENT.upper()}-FE", ("00", TRACE, PARENT, "fe")),
        (f"01-{TRACE}-{PARENT}-01", ("01", TRACE, PARENT, "01")),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like", ("cc", TRACE, PARENT, "01")),
        (f"01-{TRACE}-{PARENT}-01-", ("01", TRACE, PARENT, "01")),
        (f"00-{'0' * 31}1-{'0' * 15}1-01", ("00", "0" * 31 + "1", "0" * 15 + "1", "01")),
    ],
)
def test_what_counts(header: str, expected: tuple[str, ...]) -> None:
    assert traceparent.parse(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        "",
        "-",
        "---",
        "-" * 16_000,
        f"00-{TRACE}-{PARENT}",
        f"ff-{TRACE}-{PARENT}-01",
        f"FF-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE}-{PARENT}-01-extra",
        f"cc-{TRACE}-{PARENT}-01.what",
        f"0-{TRACE}-{PARENT}-01",
        f"000-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE}-{PARENT[1:]}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-0g",
        f"0x-{TRACE}-{PARENT}-01",
        f"00-{TRACE[:-1]}_-{PARENT}-01",
        f"00-{TRACE[:-1]}\uff11-{PARENT}-01",
        f"00-{TRACE[:-1]}\u0661-{PARENT}-01",
        f"00- {TRACE[1:]}-{PARENT}-01",
        f"00_{TRACE}_{PARENT}_01",
        f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01",
    ],
)
def test_what_is_ignored(header: str) -> None:
    assert traceparent.parse(header) is None


def test_a_run_has_a_span_of_its_own() -> None:
    context = traceparent.parse(f"0A-{TRACE.upper()}-{PARENT}-03-x")
    assert context is not None
    sent = [traceparent.outgoing(context) for _ in range(100)]
    spans = set()
    for each in sent:
        version, trace, span, flags = each.split("-")
        assert (version, trace, flags) == ("0a", TRACE, "03")
        assert len(span) == 16
        spans.add(span)
    assert len(spans) == 100
    assert all(traceparent.parse(each) is not None for each in sent)


def test_a_span_id_is_never_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter((bytes(8), bytes(8), b"\0" * 7 + b"\1"))
    monkeypatch.setattr("os.urandom", lambda _: next(drawn))
    assert traceparent.outgoing(("00", TRACE, PARENT, "01")) == f"00-{TRACE}-{'0' * 15}1-01"
