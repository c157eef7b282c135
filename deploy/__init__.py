"""How Candor is put on machines: locally with one command, or into a cluster."""
