"""How any Candor service runs. No business word lives here."""
