"""The HTTP listener's pure parts."""
