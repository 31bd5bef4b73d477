"""JSON Schema to Python: a function that says what is wrong with a value, or None.

The question whether a value fits is answered by generated code, in microseconds; only for a value that does not fit
does the runtime library walk the rules, which stand in the module as a constant, and list what is wrong. Drafts 4, 6,
7, 2019-09 and 2020-12; `format` and content keywords only describe, as those drafts have it.

    validator_source({"type": "object", "required": ["id"]}, "check_order")
    -> imports, RULES_ORDER, `def fits_order(value)`, `def check_order(value)`
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from agentdc.codegen.names import Names
from agentdc.codegen.schema_code import Functions
from agentdc.codegen.schema_document import NEWEST, SchemaError
from agentdc.codegen.schema_rules import Rules, rules
from agentdc.codegen.schema_tests import Constants

Json: TypeAlias = Any

__all__ = ["SchemaError", "schemas_source", "validator_source"]


def validator_source(schema: Json, name: str) -> str:
    """A module with one function `name(value) -> str | None`; raises SchemaError for what cannot be made one."""
    return schemas_source({name: schema})


def schemas_source(schemas: Mapping[str, Json], default: int = NEWEST, reserved: Iterable[str] = ()) -> str:
    """A module with a function per schema; `schemas`: by the names of the functions, which are free to use.

    `default`: the draft of a schema that names none. `reserved`: names that the caller takes.
    """
    names = Names({*schemas, *reserved, "re", "wrong", "equal", "multiple", "unique", "loads"})
    constants = Constants(names)
    lines: list[str] = []
    for name, schema in schemas.items():
        lines += _validator(name, _readable(rules(schema, default)), constants, names)
    return "\n".join([*_head(constants), *constants.lines, "", "", *lines]).rstrip() + "\n"


def _validator(name: str, table: Rules, constants: Constants, names: Names) -> Iterable[str]:
    stem = name.removeprefix("check_")
    functions = Functions(table, stem, constants, names)
    body = functions.lines()
    told = f"{constants.take('wrong')}({constants.value(table, f'rules_{stem}')}, value)"
    return [
        f"def {name}(value: Json) -> str | None:",
        '    """What is wrong with a value, or None."""',
        "    try:",
        f"        fits = {functions.entry}",
        "    except RecursionError:",
        "        fits = False",
        f"    return None if fits else {told}",
        "",
        "",
        *body,
    ]


def _head(constants: Constants) -> Iterable[str]:
    yield '"""What is asked of values, compiled from JSON Schema."""'
    yield from ("", "from __future__ import annotations", "")
    if constants.regular:
        yield from ("import re", "")
    yield from (f"from {module} import {name}" for module, name in sorted(constants.imports))
    yield from ("", "TYPE_CHECKING = False", "if TYPE_CHECKING:", "    from typing import Any, TypeAlias", "")
    yield from ("    Json: TypeAlias = Any", "")


def _readable(table: Rules) -> Rules:
    """The rules, unless some text in them is none that a value could have."""
    try:
        json.dumps(table, ensure_ascii=False).encode()
    except UnicodeEncodeError as problem:
        raise SchemaError((), "it has half of a surrogate pair in a text") from problem
    return table
