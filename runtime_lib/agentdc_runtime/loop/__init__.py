"""What the turns of an agent loop are made of: actions, tools, the words that the model is told."""
