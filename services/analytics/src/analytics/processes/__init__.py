"""What analytics does by itself."""
