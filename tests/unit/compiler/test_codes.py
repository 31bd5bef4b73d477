"""The table of codes: well-formed, complete against agentd's validator, and every code used and shown by a case."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import agentdc
from agentdc.diagnostics import CODES, code
from agentdc.diagnostics.codes import find

COMPILER = Path(agentdc.__file__).parent
TESTS = Path(__file__).parents[2]

# Every code of agentd's own validator (spec 01 §9).
AGENTD = [
    *("dup_node_id", "dup_start_name", "dup_http_route", "unknown_http_start_node"),
    *("unknown_trigger_start_node", "unknown_start_entry_node", "dangling_edge"),
    *("unknown_mcp_server", "ambiguous_mcp_server", "agent_loop_steps_out_of_range"),
    *("agent_loop_missing_instructions", "agent_loop_no_tools", "agent_loop_unknown_tool"),
    *("respond_status_out_of_range", "respond_empty_content_type", "map_zero_max_items"),
    *("map_zero_concurrency", "map_empty_workflow", "http_header_bad_name", "http_header_crlf"),
    *("http_header_bad_placeholder", "cycle", "ambiguous_start_entry", "unreachable_node"),
]

# Codes that no text of a workflow can give, with the test that shows each.
ELSEWHERE = {
    "not_pure_python": "unit/compiler/test_not_pure.py",  # depends on what is linked
    "freeze_no_shared_python": "unit/compiler/test_freeze_preflight.py",  # depends on this machine
    "freeze_no_binutils": "unit/compiler/test_freeze_preflight.py",
    "freeze_failed": "unit/compiler/test_freeze_binary.py",
    "freeze_does_not_start": "unit/compiler/test_freeze_binary.py",
    "internal": "unit/compiler/test_main_errors.py",  # a mistake of ours, so nobody's workflow
    "unreadable_file": "unit/compiler/test_driver_files.py",  # about files, not about what is in them
    "output_exists": "test_build_outputs.py",
    "output_unwritable": "unit/compiler/test_driver_files.py",
    "unknown_code": "unit/compiler/test_main_errors.py",  # about the command line
    "mcp_server_unavailable": "test_mcp_lock.py",  # about servers
    "fixture_invalid": "unit/compiler/test_testing_load.py",  # about fixtures and scenarios
    "scenario_invalid": "unit/compiler/test_testing_load.py",
    "impossible_mock": "unit/compiler/test_testing_load.py",
    "unused_mock": "unit/compiler/test_testing_load.py",
    "impossible_expectation": "test_agentdc_test.py",
    "baseline_invalid": "test_agentdc_test.py",
    "mock_address": "test_mock_llm.py",  # about a script and an address
    "mock_script_invalid": "test_mock_llm.py",
    "plan_failed": "test_plan.py",
    "cassette_invalid": "test_cassettes.py",  # about a file beside a fixture
}


def test_numbers_ascend_and_slugs_are_names() -> None:
    numbers = [each.number for each in CODES.values()]
    assert numbers == sorted(set(numbers))
    for slug, each in CODES.items():
        assert each.slug == slug and re.fullmatch(r"[a-z][a-z0-9_]*", slug)
        assert re.fullmatch(r"ADC(0[1-9]|1[01])[0-9]{2}", each.number)
        assert (
            each.title and not each.title.endswith(".") and each.title[0].islower() | each.title[0].isupper()
        )


def test_the_table_repeats_no_slug() -> None:
    table = (COMPILER / "diagnostics" / "codes.py").read_text()
    slugs = re.findall(r'^    \(\d+, "(\w+)",', table, re.MULTILINE)
    assert len(slugs) == len(set(slugs)) == len(CODES)


@pytest.mark.parametrize("slug", AGENTD)
def test_agentd_has_the_same_code(slug: str) -> None:
    assert slug in CODES


@pytest.mark.parametrize("slug", CODES)
def test_code_is_used(slug: str) -> None:
    table = COMPILER / "diagnostics" / "codes.py"
    sources = (each for each in COMPILER.rglob("*.py") if each != table)
    assert any(f'"{slug}"' in each.read_text() for each in sources)


@pytest.mark.parametrize("slug", CODES)
def test_code_has_a_case(slug: str) -> None:
    if slug in ELSEWHERE:
        assert slug in (TESTS / ELSEWHERE[slug]).read_text()
    else:
        assert list((TESTS / "cases" / "invalid" / slug).glob("*.diag.txt"))


def test_find() -> None:
    cycle = code("cycle")
    assert find("cycle") == find("ADC0323") == find("adc0323") == cycle
    assert find("ADC9999") is None and find("Cycle") is None and find("") is None


def test_unknown_slug_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        code("no_such_slug")
