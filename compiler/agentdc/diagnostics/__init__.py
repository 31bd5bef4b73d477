"""Findings as values: spans, codes, records; rendering is a separate step."""
