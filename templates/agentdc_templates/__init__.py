"""Templates of the generated app, read as package data."""
