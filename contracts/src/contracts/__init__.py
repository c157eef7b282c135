"""The contracts of Candor's services: events, topics, roles. Imports pydantic and nothing else."""
