"""Program to Python source text."""
