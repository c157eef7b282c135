"""How a service answers over HTTP: problems, tokens, health, limits."""
