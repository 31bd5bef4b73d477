"""Two capability statements: what the new one may do that the old one could not, and the other way round."""
