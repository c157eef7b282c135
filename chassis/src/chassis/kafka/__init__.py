"""Kafka: consuming, producing, and how every client connects."""
