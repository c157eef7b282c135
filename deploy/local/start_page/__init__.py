"""The start page of `make run` and the sample site that clients chat on: for development, on loopback."""
