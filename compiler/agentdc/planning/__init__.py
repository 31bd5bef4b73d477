"""A task in words to a workflow: what a model is told, what is taken from its answer, what a person is shown."""
