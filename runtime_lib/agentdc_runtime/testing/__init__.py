"""What `agentdc test` links beside an app to run its fixtures and scenarios; never part of a shipped app."""
