"""Log and audit events."""
