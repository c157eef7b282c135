"""What chat publishes. It consumes nothing, so that no score can ever reach an operator from here."""
