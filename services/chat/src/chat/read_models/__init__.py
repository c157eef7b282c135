"""What chat can be asked: one module for each question."""
