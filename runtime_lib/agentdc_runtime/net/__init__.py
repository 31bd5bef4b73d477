"""The network as a client: addresses, trust, and one HTTP exchange."""
