"""The library that built apps link module by module; importing it pulls in nothing."""
