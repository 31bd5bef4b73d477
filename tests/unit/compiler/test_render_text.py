"""The caret view: what is shown, where the marks stand, and that nothing in a workflow can forge a line of it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdc.diagnostics import (
    Diagnostic,
    Label,
    Severity,
    SourceFile,
    Span,
    code,
    error,
    hint,
    in_order,
    warning,
)
from agentdc.diagnostics.render.text import MAX_LINE, MAX_TEXT, render, summary, visible


def span(text: str, marked: str, name: str = "workflow.toml") -> Span:
    """The place of the first `marked` in `text`."""
    start = text.index(marked)
    return Span(SourceFile(name, text.encode()), start, start + len(marked))


def finding(at: Span, label: str = "") -> Diagnostic:
    return error(code("cycle"), "message", at, label)


def marks(rendered: str) -> str:
    """What stands above the carets."""
    lines = rendered.splitlines()
    caret = next(line for line in lines if "^" in line)
    above = lines[lines.index(caret) - 1]
    return above[caret.index("^") : caret.rindex("^") + 1]


def test_everything_at_once() -> None:
    text = 'name = "a"\n\n[[nodes]]\nid = "x"\n\n[[nodes]]\nid = "x"\n'
    again = Span(SourceFile("w.toml", text.encode()), text.rindex('"x"'), text.rindex('"x"') + 3)
    found = error(
        code("dup_node_id"),
        "the id is taken",
        again,
        "again",
        labels=[Label(span(text, '"x"', "w.toml"), "first")],
        notes=["a fact", "another"],
        help="rename it\nor remove it",
    )
    assert render([found]) == (
        "error[ADC0301 dup_node_id]: the id is taken\n"
        " --> w.toml:7:6\n"
        "  |\n"
        '7 | id = "x"\n'
        "  |      ^^^ again\n"
        "  |\n"
        " ::: w.toml:4:6\n"
        "  |\n"
        '4 | id = "x"\n'
        "  |      --- first\n"
        "  |\n"
        "  = note: a fact\n"
        "  = note: another\n"
        "  help: rename it\n"
        "        or remove it\n"
        "\n"
    )


def test_without_a_place() -> None:
    found = warning(code("unreadable_file"), "cannot read x", help="look again")
    assert render([found]) == "warning[ADC1001 unreadable_file]: cannot read x\n help: look again\n\n"


def test_nothing_is_nothing() -> None:
    assert render([]) == ""


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ('id = "x"', '"x"'),
        ('\tid\t=\t"x"', '"x"'),
        ('"ä" = "x"', '"x"'),
        ('"e\u0301" = "x"', '"x"'),  # a combining accent takes no column
        ('"日本語" = "x"', '"x"'),
        ('"\u202e" = "x"', '"x"'),  # an escape is as wide as it is written
        ('id = "x" # 日本語', '"x"'),
        ('id = "x"\r\nnext = 1', '"x"'),
        ('\ufeffid = "x"', '"x"'),
    ],
)
def test_carets_stand_below(text: str, marked: str) -> None:
    rendered = render([finding(span(text, marked))])
    source, carets = rendered.splitlines()[3:5]
    assert source[: source.index(marked)].strip("0123456789 |") == visible(text[: text.index(marked)]).strip()
    assert _columns(source[: source.index(marked)]) == carets.index("^")
    assert carets.count("^") == len(marked)


def _columns(text: str) -> int:
    """Terminal columns, told apart from the renderer's own count."""
    wide = {"W": 2, "F": 2}
    return sum(
        0 if unicodedata.category(each) == "Mn" else wide.get(unicodedata.east_asian_width(each), 1)
        for each in text
    )


def test_wide_characters_have_wide_carets() -> None:
    assert "^^^^^^^^\n" in render([finding(span('id = "日本語"', '"日本語"'))])


def test_a_span_over_lines_is_marked_on_its_first() -> None:
    text = 'a = """\nx\n"""\nb = 1\n'
    assert marks(render([finding(span(text, '"""\nx\n"""'))])) == '"""'


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 3), (8, 8), (99, 99)])
def test_an_empty_span_has_one_caret(start: int, end: int) -> None:
    rendered = render([finding(Span(SourceFile("w.toml", b'id = "x"'), start, end))])
    assert rendered.count("^") == 1


def test_line_numbers_are_right_aligned() -> None:
    text = 'id = "x"\n' * 9 + 'to = "y"\n'
    found = error(code("cycle"), "m", span(text, '"y"'), labels=[Label(span(text, '"x"'))])
    assert '10 | to = "y"' in render([found]) and ' 1 | id = "x"' in render([found])


def test_long_lines_are_cut_around_the_mark() -> None:
    text = f"a = [{'1, ' * 500}x, {'2, ' * 500}]"
    rendered = render([finding(span(text, "x"))])
    assert marks(rendered) == "x"
    assert all(len(line) <= MAX_LINE + 20 for line in rendered.splitlines())
    assert rendered.count("…") == 2


def test_long_marks_and_messages_are_cut() -> None:
    text = f'id = "{"x" * 5000}"'
    found = error(
        code("cycle"), "m" * 5000, span(text, text[5:]), "l" * 5000, notes=["n" * 5000], help="h" * 5000
    )
    assert all(len(line) <= MAX_TEXT + MAX_LINE for line in render([found]).splitlines())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ä 日本", "plain ä 日本"),
        ("a\tb", "a b"),
        ("a\nb\r", "a\\u000ab\\u000d"),
        ("\x1b[31m", "\\u001b[31m"),
        ("\u202e\u2066\u200b\u200f", "\\u202e\\u2066\\u200b\\u200f"),  # direction marks, zero width
        ("\u2028\u2029\x85", "\\u2028\\u2029\\u0085"),  # line separators
        ("\U000e0041", "\\U000e0041"),  # invisible tags
        ("\ue000", "\\ue000"),  # private use
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(), st.text(), st.text())
def test_no_text_can_forge_a_line(name: str, message: str, source: str) -> None:
    """Whatever a workflow holds, a report has the lines of a report and no control characters."""
    at = Span(SourceFile(name, source.encode("utf-8", "replace")), 0, 1)
    rendered = render([error(code("cycle"), message, at, message, notes=[message])])
    plain = render([error(code("cycle"), "m", Span(SourceFile("n", b"s"), 0, 1), "m", notes=["m"])])
    assert rendered.count("\n") == plain.count("\n")
    assert not any(
        unicodedata.category(each) in {"Cc", "Cf", "Zl", "Zp"} for each in rendered if each != "\n"
    )


def test_colour_changes_no_text() -> None:
    import re

    found = [finding(span('id = "x"', '"x"'), "here"), hint(code("internal"), "m", help="h")]
    coloured = render(found, colour=True)
    assert "\x1b[1;31m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(found)


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        ([], ""),
        ([Severity.ERROR], "1 error"),
        ([Severity.WARNING, Severity.ERROR, Severity.ERROR], "2 errors, 1 warning"),
        ([Severity.HINT, Severity.HINT], "2 hints"),
    ],
)
def test_summary(levels: list[Severity], text: str) -> None:
    assert summary(Diagnostic(code("cycle"), each, "m") for each in levels) == text


def test_order_is_by_file_and_place() -> None:
    text = "aa = 1\nbb = 2\n"
    later, earlier = finding(span(text, "bb")), finding(span(text, "aa"))
    other, nowhere = finding(span(text, "aa", "a.toml")), error(code("internal"), "m")
    assert in_order([later, earlier, other, nowhere]) == [nowhere, other, earlier, later]


def test_equal_places_keep_their_order() -> None:
    at = span("aa = 1", "aa")
    first, second = warning(code("cycle"), "1", at), error(code("cycle"), "2", at)
    assert in_order([first, second]) == [first, second] and in_order([second, first]) == [second, first]
