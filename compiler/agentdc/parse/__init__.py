"""TOML bytes to the workflow model, every problem a diagnostic."""
