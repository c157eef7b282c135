"""What input may look like, and how it is told what is wrong with it."""
