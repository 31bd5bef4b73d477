"""Offsets to lines and columns and back, in characters, whatever the line ends."""

from __future__ import annotations

import pytest

from agentdc.diagnostics import SourceFile, Span


def source(text: str) -> SourceFile:
    return SourceFile("workflow.toml", text.encode())


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("", 0, (1, 1)),
        ("ab\ncd", 0, (1, 1)),
        ("ab\ncd", 2, (1, 3)),  # the line end belongs to its line
        ("ab\ncd", 3, (2, 1)),
        ("ab\ncd", 5, (2, 3)),
        ("ab\ncd", 99, (2, 3)),  # past the end is the end
        ("ab\ncd", -1, (1, 1)),
        ("ab\n", 3, (2, 1)),
        ("ab\r\ncd", 4, (2, 1)),
        ("ab\rcd", 3, (1, 4)),  # a lone carriage return ends no line
        ("ä😀\nx", 3, (2, 1)),  # characters, not bytes and not UTF-16 units
        ("a\u2028b\x85c", 4, (1, 5)),  # only \n ends a line, as in TOML
    ],
)
def test_position(text: str, offset: int, place: tuple[int, int]) -> None:
    assert source(text).position(offset) == place


@pytest.mark.parametrize("text", ["", "a", "a\n", "ab\ncd\n\nef", "ä😀\r\nx\r\n"])
def test_offset_undoes_position(text: str) -> None:
    file = source(text)
    for offset in range(len(text) + 1):
        assert file.offset(*file.position(offset)) == offset


@pytest.mark.parametrize(
    ("line", "column", "offset"), [(0, 0, 0), (-3, -3, 0), (1, 99, 5), (99, 1, 3), (99, 99, 5)]
)
def test_offset_is_clamped(line: int, column: int, offset: int) -> None:
    assert source("ab\ncd").offset(line, column) == offset


@pytest.mark.parametrize(
    ("text", "number", "line"),
    [("ab\ncd", 1, "ab"), ("ab\ncd", 2, "cd"), ("ab\r\ncd", 1, "ab"), ("ab\n", 2, ""), ("", 1, "")],
)
def test_line(text: str, number: int, line: str) -> None:
    assert source(text).line(number) == line


def test_bytes_that_are_not_utf8_can_be_shown() -> None:
    file = SourceFile("workflow.toml", b"a\nb\xffc")
    assert file.line(2) == "b\ufffdc"


def test_span_is_one_based() -> None:
    span = Span(source("ab\ncd"), 4, 5)
    assert (span.line, span.column) == (2, 2)


def test_data_is_not_in_the_repr() -> None:
    assert "secret" not in repr(source("secret"))
