"""The structural type language for JSON values: see `shape`."""

from agentdc.types.paths import Followed, follow, is_index
from agentdc.types.shape import (
    BOOLEAN,
    FALSE,
    FLOAT,
    INTEGER,
    NEVER,
    NULL,
    SOME,
    STRING,
    TRUE,
    UNKNOWN,
    Array,
    Field,
    Literal,
    Never,
    Object,
    Scalar,
    Type,
    Union,
    Unknown,
    kinds,
    open_record,
    record,
    union,
)

__all__ = [
    "BOOLEAN", "FALSE", "FLOAT", "INTEGER", "NEVER", "NULL", "SOME", "STRING", "TRUE", "UNKNOWN",
    "Array", "Field", "Followed", "Literal", "Never", "Object", "Scalar", "Type", "Union", "Unknown",
    "follow", "is_index", "kinds", "open_record", "record", "union",
]  # fmt: skip
