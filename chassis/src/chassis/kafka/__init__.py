"""Kafka: consuming, projecting, publishing, dead letters, and how every client connects."""
