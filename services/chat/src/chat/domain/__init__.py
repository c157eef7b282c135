"""What chat decides: pure rules, without clock, network or public events."""
