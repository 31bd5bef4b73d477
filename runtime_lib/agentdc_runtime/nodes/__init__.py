"""One handler module per node kind; no handler imports another."""
