"""The aggregate quality control, how one channel asks: settings, texts, events, state, decider."""
