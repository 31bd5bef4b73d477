"""Asking models: requests and answers of each provider, and what stands between a node and a provider."""
