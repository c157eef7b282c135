"""What Candor's services say to one another: events, topics, roles. Imports pydantic and nothing else."""
