"""Level directives: grammar, choice of the longest prefix, warnings (spec 03 §2.2)."""

from __future__ import annotations

import pytest

from agentdc_runtime.observe.level import parse
from agentdc_runtime.observe.log import AUDIT, DEBUG, ERROR, HTTP, INFO, OFF, RUNNER, TRACE, WARN

# text, limit of the audit target, of the runner, of a foreign target, most
DIRECTIVES = [
    ("warn", WARN, WARN, WARN, WARN),
    ("WARN", WARN, WARN, WARN, WARN),
    ("Trace", TRACE, TRACE, TRACE, TRACE),
    ("off", OFF, OFF, OFF, OFF),
    ("5", TRACE, TRACE, TRACE, TRACE),
    ("1", ERROR, ERROR, ERROR, ERROR),
    ("0", OFF, OFF, OFF, OFF),
    ("", ERROR, ERROR, ERROR, ERROR),
    ("  ", ERROR, ERROR, ERROR, ERROR),
    (",", ERROR, ERROR, ERROR, ERROR),
    ("agentd::audit=info,warn", INFO, WARN, WARN, INFO),
    ("warn,agentd::audit=info", INFO, WARN, WARN, INFO),
    (" warn , agentd::audit = info ", INFO, WARN, WARN, INFO),
    ("agentd::audit=4", DEBUG, OFF, OFF, DEBUG),
    ("agentd::audit", TRACE, OFF, OFF, TRACE),
    ("agentd", TRACE, TRACE, OFF, TRACE),
    ("agentd=debug,agentd::audit=error", ERROR, DEBUG, OFF, DEBUG),
    ("agentd::audit=error,agentd=debug", ERROR, DEBUG, OFF, DEBUG),
    ("agentd::au=info", INFO, OFF, OFF, INFO),
    ("agentd::audit=", ERROR, OFF, OFF, ERROR),
    ("=info", INFO, INFO, INFO, INFO),
    ("info,debug", DEBUG, DEBUG, DEBUG, DEBUG),
    ("warn,agentd::audit=off", OFF, WARN, WARN, WARN),
]


@pytest.mark.parametrize(("text", "audit", "runner", "other", "most"), DIRECTIVES)
def test_limits(text: str, audit: int, runner: int, other: int, most: int) -> None:
    chosen, warnings = parse(text)
    assert warnings == []
    assert chosen.most == most
    for target, limit in ((AUDIT, audit), (RUNNER, runner), ("other", other)):
        assert [chosen.enabled(target, level) for level in range(1, 6)] == [
            level <= limit for level in range(1, 6)
        ]


@pytest.mark.parametrize(
    ("text", "words", "audit"),
    [
        (
            "verbose",
            "`verbose` is not a level: it names a target that no event has, so nothing is logged",
            OFF,
        ),
        ("warning", "`warning` is not a level", OFF),
        ("6", "`6` is not a level", OFF),
        ("info,verbose", "`verbose` is not a level", INFO),
        ("agentd::audit=verbose", "not a level directive; the level is `info`", INFO),
        ("off,agentd::audit=x", "the level is `info`", INFO),
        ("a=b=c", "the level is `info`", INFO),
        ("warn,[span]=debug", "filters on spans are not supported", WARN),
        ("agentd::audit[node.execute{a=1,b=2}]=debug,warn", "filters on spans", WARN),
        ("[span{", "filters on spans", INFO),
    ],
)
def test_doubtful_texts_give_one_warning(text: str, words: str, audit: int) -> None:
    chosen, warnings = parse(text)
    assert len(warnings) == 1
    assert words in warnings[0]
    assert chosen.enabled(AUDIT, audit) or audit == OFF
    assert not chosen.enabled(AUDIT, audit + 1)


def test_the_names_of_targets_are_those_that_filters_know() -> None:
    assert (AUDIT, RUNNER, HTTP) == ("agentd::audit", "agentd::engine::runner", "agentd::triggers::http")
