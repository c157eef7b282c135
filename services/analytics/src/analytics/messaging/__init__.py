"""How analytics hears."""
