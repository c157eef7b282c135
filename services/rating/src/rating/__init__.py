"""Rating asks the client after a close, and keeps what they answer."""
