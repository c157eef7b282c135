"""What happens in rating by itself."""
