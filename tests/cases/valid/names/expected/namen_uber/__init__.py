"""Namen ? 名前? ?über?, compiled by agentdc 0.1.0."""
