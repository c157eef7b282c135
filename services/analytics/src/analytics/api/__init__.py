"""The HTTP API of analytics."""
