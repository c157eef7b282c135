"""What analytics can be asked: one module per question."""
