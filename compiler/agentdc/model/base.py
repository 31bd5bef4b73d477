"""What every record of the model shares: frozen, strict, no extra keys, and the dialect's integer ranges."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Strict

Item = TypeVar("Item")

# A TOML array arrives as a list; only the container is converted, its items stay strict.
Many = Annotated[tuple[Item, ...], Strict(False)]

U16 = Annotated[int, Field(ge=0, le=2**16 - 1)]
U32 = Annotated[int, Field(ge=0, le=2**32 - 1)]
U64 = Annotated[int, Field(ge=0, le=2**63 - 1)]  # TOML integers are signed 64-bit (spec 01 §0)


class Section(BaseModel):
    """A TOML table: unknown keys are refused, scalars are never coerced (spec 01 §0, §1)."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)
