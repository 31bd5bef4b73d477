"""Program to program, one idea per file."""
