"""agentdc: compiles declarative TOML agent workflows to standalone Python apps."""

from agentdc.version import VERSION

__version__ = VERSION
