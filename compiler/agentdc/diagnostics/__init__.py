"""Findings as values: spans, codes, records; rendering is a separate step."""

from agentdc.diagnostics.codes import CODES, Code, code
from agentdc.diagnostics.diagnostic import Diagnostic, Label, Severity, error, hint, in_order, warning
from agentdc.diagnostics.span import SourceFile, Span
from agentdc.diagnostics.suggest import did_you_mean, nearest

__all__ = [
    "CODES", "Code", "Diagnostic", "Label", "Severity", "SourceFile", "Span",
    "code", "did_you_mean", "error", "hint", "in_order", "nearest", "warning",
]  # fmt: skip
