"""The number that generated code and this library must agree on; raised when a handler's contract changes."""

ABI = 1
