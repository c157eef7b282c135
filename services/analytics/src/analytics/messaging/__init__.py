"""What analytics consumes from Kafka."""
