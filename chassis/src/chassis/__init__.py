"""How any Candor service runs. No rule of the business lives here."""
