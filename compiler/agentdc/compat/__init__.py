"""What becomes of runs in flight when another version of a workflow takes over: pure, flows in, verdicts out."""
