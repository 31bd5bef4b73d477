"""The OpenAPI description of an app's routes."""
