"""approval, compiled by agentdc 0.1.0."""
