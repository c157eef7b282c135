"""What a close is, how it is counted, and which numbers follow; pure."""
