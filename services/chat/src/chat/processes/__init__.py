"""What happens in chat by itself."""
