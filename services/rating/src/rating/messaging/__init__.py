"""What rating consumes from Kafka, and what it publishes there."""
