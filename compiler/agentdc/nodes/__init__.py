"""One declaration per node kind; every stage asks it."""
