"""A scripted model server for tests: replies by rule, faults on purpose, in the wire formats of the providers."""
