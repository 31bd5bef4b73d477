"""The runtime modules an app reaches, the app tree and its manifest."""
