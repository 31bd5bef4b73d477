"""`[budget]`: what a process and a run may use up (spec 02 §8)."""

from pydantic import Field

from agentdc.model.base import EXTENSION, U64, Section


class Budget(Section):
    """Limits; an absent key means no limit."""

    max_memory_mb: U64 | None = Field(None, description="Address space of the process, MiB.")
    max_cpu_secs: U64 | None = Field(None, description="Processor time of the process.")
    max_run_time_secs: U64 | None = Field(None, description="Longest run; 0 means no bound.")
    max_fs_write_mb: U64 | None = Field(None, description="Written by write_file in the process's life, MiB.")
    max_llm_tokens: U64 | None = Field(None, description="Model tokens in the process's life; 0 refuses all.")
    max_run_llm_tokens: U64 | None = Field(
        None, description="Model tokens of one run with its children.", json_schema_extra=EXTENSION
    )
    hard_deadline: bool = Field(
        False, description="Cancel the node in flight at the deadline.", json_schema_extra=EXTENSION
    )
