"""What chat publishes. It consumes nothing of others, so that no score ever reaches an operator from here."""
