"""The run: state, driver, retry, outcome. Pure; clock and sinks are handed in."""
