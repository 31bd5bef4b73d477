"""A workflow model to facts and diagnostics."""
