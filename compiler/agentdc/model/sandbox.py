"""`[sandbox]` and its profiles: what the kernel lets processes touch (spec 04 §3.1). An extension."""

from typing import Annotated, Literal

from pydantic import Field

from agentdc.model.base import ANCHORED_PATH, U16, U32, Many, Section

AnchoredPath = Annotated[str, Field(pattern=ANCHORED_PATH)]


class Profile(Section):
    """Adds paths to the base profile; another key that is set replaces the base's."""

    read_write_paths: Many[AnchoredPath] = Field((), description="Absolute, or beginning with ~ or ${VAR}.")
    read_only_paths: Many[AnchoredPath] = Field((), description="Absolute, or beginning with ~ or ${VAR}.")
    defaults: bool = Field(True, description="Add the standard paths.")
    tmp: Literal["shared", "private", "none"] = Field("shared", description="The temporary folder.")
    bus_access: bool = Field(False, description="Write access to the shared folder.")
    net_connect: Many[U16] | None = Field(None, description="TCP ports to connect to; [] denies all.")
    net_bind: Many[U16] | None = Field(None, description="TCP ports to listen on; [] denies all.")
    scope: Many[Literal["abstract_unix", "signal"]] = ()
    seccomp: Literal["off", "default"] = Field("off", description="`default` denies dangerous system calls.")
    missing_path: Literal["skip", "error"] = Field("skip", description="What a path that is not there does.")
    allow_root: bool = Field(False, description="Permit / in read_write_paths.")


class Sandbox(Profile):
    """The base profile, and how strictly it is meant."""

    mode: Literal["best_effort", "required", "off"] = "best_effort"
    min_abi: U32 = Field(3, description="Kernel interface that counts as fully enforced.")
    self_: Literal["off", "policy", "paths"] = Field(
        "off", alias="self", description="What holds the agent process itself."
    )
    spawner: bool = Field(False, description="Start children from a process of their own.")
    shell: Profile | None = Field(None, description="Profile of shell_run commands.")
    agent: Profile | None = Field(None, description="Profile of the agent process.")
