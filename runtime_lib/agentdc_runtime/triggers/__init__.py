"""What starts runs besides HTTP: schedules and file events."""
