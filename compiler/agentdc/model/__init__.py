"""The workflow as written: frozen pydantic models, strict, extra keys forbidden; no rules, no spans."""
