"""Event sourcing: deciders, the store of their commits, and the one function that handles commands."""
