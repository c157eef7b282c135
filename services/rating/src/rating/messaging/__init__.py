"""What rating hears from Kafka, and what it says there."""
