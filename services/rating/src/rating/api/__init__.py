"""Where rating is called over HTTP."""
