"""Verification of the embedded workflow's signature."""
