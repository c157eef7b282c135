"""The rules of rating: pure, without clock, network or contracts."""
