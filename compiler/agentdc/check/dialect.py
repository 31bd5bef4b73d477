"""`--dialect agentd`: keys, sections, kinds and forms that agentd does not have are errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentdc.check import errors
from agentdc.check.schedule import is_crontab
from agentdc.diagnostics import Diagnostic
from agentdc.model.base import EXTENSION, Section
from agentdc.model.secrets import KeyringSecret
from agentdc.model.trigger import BusMessage, Cron
from agentdc.model.workflow import Workflow
from agentdc.parse.positions import Places

Path = tuple[str | int, ...]


def check(workflow: Workflow, at: Places) -> Iterator[Diagnostic]:
    """One finding for each extension that is used, in the order of the model."""
    yield from _section(workflow, (), at)


def _section(section: Section, path: Path, at: Places) -> Iterator[Diagnostic]:
    match section:
        case BusMessage():
            yield errors.extension("the trigger bus.message", at.value((*path, "type")))
        case KeyringSecret():
            yield errors.extension("the secret source keyring", at.value((*path, "source")))
        case Cron(schedule=text) if is_crontab(text):
            yield errors.extension("a schedule of five fields", at.value((*path, "schedule")))
        case _:
            pass
    for name, field in type(section).model_fields.items():
        if name not in section.model_fields_set:
            continue
        here = (*path, field.alias or name)
        if field.json_schema_extra == EXTENSION:
            yield errors.extension(f'the key "{here[-1]}"', at.key(here))
        else:
            yield from _value(getattr(section, name), here, at)


def _value(value: Any, path: Path, at: Places) -> Iterator[Diagnostic]:
    match value:
        case Section():
            yield from _section(value, path, at)
        case tuple() | list():
            for index, item in enumerate(value):
                yield from _value(item, (*path, index), at)
        case dict():
            for key, item in value.items():
                yield from _value(item, (*path, key), at)
