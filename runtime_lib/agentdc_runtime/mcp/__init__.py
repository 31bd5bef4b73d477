"""Talking to MCP servers: the protocol apart from the ways to carry it. Importing this package links nothing."""
