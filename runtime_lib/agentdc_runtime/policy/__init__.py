"""Policy decisions: facts in, verdict with reason out."""
