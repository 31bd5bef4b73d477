"""The module of an app that checks the bodies of requests: one function per schema file that a route names."""

from __future__ import annotations

from collections.abc import Mapping

from agentdc.codegen.schema import schemas_source
from agentdc.ir.service import Service


def schema_module(service: Service, validators: Mapping[str, str]) -> str:
    """The text of the module. `validators`: schema file to the name of its function."""
    documents = {
        route.schema.file: route.schema.document for route in service.routes if route.schema is not None
    }
    return schemas_source({name: documents[file] for file, name in validators.items()})
