"""What outlives a process: one SQLite database per state directory."""
