"""Candor on this machine: Kafka, MongoDB and the three services, with nothing to set up."""
