"""A checked workflow to a program and its operands."""
