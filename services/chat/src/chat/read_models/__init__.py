"""What can be queried of chat: one module for each question."""
