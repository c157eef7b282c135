"""The aggregate dialog: events, state, decider."""
