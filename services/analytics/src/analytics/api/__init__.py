"""How analytics is asked over HTTP."""
