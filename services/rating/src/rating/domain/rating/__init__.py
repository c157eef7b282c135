"""The aggregate rating, all closes of one dialog: events, state, decider."""
