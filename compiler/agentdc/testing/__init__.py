"""Fixtures and scenarios: what they say, what becomes of them, how that is told. Starts nothing, reads no file."""
