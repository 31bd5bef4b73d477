"""`[policy]`: allowlists of side effects; once the table is there, an empty list denies (spec 02 §5)."""

from typing import Any

from pydantic import Field

from agentdc.model.base import Many, Section


class FsPolicy(Section):
    """Path patterns for files."""

    read: Many[str] = Field((), description="Paths that read_file may read.")
    write: Many[str] = Field((), description="Paths that write_file and create_dir may write.")
    delete: Many[str] = Field((), description="Paths that may be deleted; no node deletes.")
    list: Many[str] = Field((), description="Paths that may be listed; empty falls back to `read`.")


class EnvPolicy(Section):
    """Name patterns for environment variables."""

    read_keys: Many[str] = Field((), description="Variables that read_env may read.")


class HttpPolicy(Section):
    """URL patterns and methods for outgoing requests."""

    urls: Many[str] = Field((), description="URLs that http_request may reach.")
    methods: Many[str] = Field((), description="Methods that may be used; empty means any.")


class ShellPolicy(Section):
    """Path patterns for commands."""

    commands: Many[str] = Field((), description="Absolute paths of commands, symbolic links resolved.")


class McpPolicy(Section):
    """Name patterns for the server given on the command line."""

    servers: Many[str] = Field((), description="For information; gates nothing.")
    tools: Many[str] = Field((), description="Tools that may be called.")
    resources: Many[str] = Field((), description="Resources that may be read.")


class RegoPolicy(Section):
    """A Rego module that must also allow every file, environment, HTTP and shell effect."""

    inline: str | None = Field(None, description="The module's text; excludes `file`.")
    file: str | None = Field(None, description="Path of the module; excludes `inline`.")
    data: dict[str, Any] | None = Field(None, description="Values that the module reads as data.KEY.")
    query: str = Field("data.agent.allow", description="The rule that must be true.")


class Policy(Section):
    """What the workflow may touch."""

    fs: FsPolicy = Field(default_factory=FsPolicy)
    env: EnvPolicy = Field(default_factory=EnvPolicy)
    http: HttpPolicy = Field(default_factory=HttpPolicy)
    shell: ShellPolicy = Field(default_factory=ShellPolicy)
    mcp: McpPolicy = Field(default_factory=McpPolicy)
    rego: RegoPolicy | None = None
